"""Keeps copies of the learner's files under names that are free."""

import shutil
from datetime import datetime
from pathlib import Path

from tutor.learner.workspace import Workspace


def back_up(workspace: Workspace, step: int) -> Path | None:
    """Copies the learner's file to a dated backup; None if there is no file."""
    file = workspace.step(step)
    if not file.exists():
        return None
    folder = workspace.state / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    copy = free_name(folder / f"{file.stem}-{timestamp()}.py")
    shutil.copy2(file, copy)
    return copy


def timestamp() -> str:
    return datetime.now().strftime("%Y-%m-%d-%H%M%S")


def free_name(file: Path) -> Path:
    """The file's name, or with a number if that is taken."""
    number, free = 1, file
    while free.exists():
        number += 1
        free = file.with_name(f"{file.stem}-{number}{file.suffix}")
    return free
