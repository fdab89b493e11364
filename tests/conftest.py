"""Fixtures: a learner's workspace, the tool's command line, and graphs compiled before they are needed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.browser import launch_browser  # noqa: F401 - a fixture is known by its import
from tests.precompile import precompile
from tests.wrong_files import WRONG_FILES
from tutor.learner.skeleton import finished_workspace
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder

Tool = Callable[..., subprocess.CompletedProcess[str]]


def make_workspace(root: Path, *, filled: bool) -> Workspace:
    """A workspace in `root`: `steps/` holds copies of the solutions, or the skeletons."""
    workspace = finished_workspace(root)
    if not filled:
        for step in (REPOSITORY / "steps").glob("step_*.py"):
            shutil.copy(step, workspace.root / "steps")
    return workspace


@pytest.fixture
def skeletons(tmp_path: Path) -> Workspace:
    """A learner's workspace on the first day: nothing is filled in."""
    return make_workspace(tmp_path, filled=False)


@pytest.fixture
def filled(tmp_path: Path) -> Workspace:
    """A learner's workspace on the last day: every step is right."""
    return make_workspace(tmp_path, filled=True)


@pytest.fixture
def tutor() -> Tool:
    """Runs `python -m tutor …` in a workspace, without a terminal."""

    def run(workspace: Workspace, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tutor", *arguments],
            cwd=workspace.root,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
            capture_output=True,
            text=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def compiled() -> Iterator[None]:
    """All graphs of the solutions and of the wrong_files are in the cache, compiled a few at a time.

    Compiled one by one, as the tests come to them, they would take most of an hour.
    """
    cache_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(cache_folder() / "tests.lock"):  # the test processes take turns; the second finds all done
        precompile(WRONG_FILES, cache_folder())
    yield
