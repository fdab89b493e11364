"""A learner's workspace for a test, and the tool's command line in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tutor.learner.skeleton import finished_workspace
from tutor.learner.workspace import REPOSITORY, Workspace

Tool = Callable[..., subprocess.CompletedProcess[str]]


def make_workspace(root: Path, *, filled: bool) -> Workspace:
    """A workspace in `root`: `steps/` holds copies of the solutions, or the skeletons."""
    workspace = finished_workspace(root)
    if not filled:
        for step in (REPOSITORY / "steps").glob("step_*.py"):
            shutil.copy(step, workspace.root / "steps")
    return workspace


def run_tutor(workspace: Workspace, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m tutor …` in a workspace, without a terminal."""
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
