"""Fixtures of all tests: a learner's workspace, the tool's command line, graphs compiled before they are needed,
and a browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser

from tests.support.browser import launch_browser
from tests.support.judging import Judge, open_judge
from tests.support.precompile import precompile
from tests.support.workspaces import Tool, make_workspace, run_tutor
from tutor.learner.workspace import Workspace, cache_folder


def pytest_sessionstart() -> None:
    """Gives the test processes Python's own environment.

    Importing MAX's compiler, as these files do, sets a variable behind Python's back that leads the processes that
    pytest starts to another Python. And who edits the tool while its tests run does not have the edits put back.
    """
    os.environ.setdefault("TUTOR_IS_EDITED", "1")
    if "PYTHONEXECUTABLE" not in os.environ:
        os.unsetenv("PYTHONEXECUTABLE")


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
    return run_tutor


@pytest.fixture(scope="session")
def compiled() -> Iterator[None]:
    """All graphs of the solutions are in the cache, compiled a few at a time.

    Compiled one by one, as the tests come to them, they would take most of an hour.
    """
    cache_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(cache_folder() / "tests.lock"):  # the test processes take turns; the second finds all done
        precompile(cache_folder())
    yield


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Judges learners' files by evaluation alone, in about a tenth of a second each."""
    with open_judge() as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a session; they are skipped where there is none."""
    with launch_browser() as launched:
        yield launched
