"""Remembers which steps are green and which hints were shown.

The file belongs to the learner: it is written atomically, under a lock, and a damaged
one is set aside, never overwritten.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from tutor.course import COURSE, Step
from tutor.errors import DamagedProgressError, HintError
from tutor.files import write_atomically
from tutor.invocation import typed
from tutor.learner.backup import free_name, timestamp
from tutor.learner.workspace import Workspace


@dataclass
class Progress:
    """What is remembered.

    Args:
        green: for each step that was green once, the hashes of the files that took part.
        hints: how many hints of each step were shown.
    """

    green: dict[int, dict[str, str]] = field(default_factory=dict)
    hints: dict[int, int] = field(default_factory=dict)


def _file(workspace: Workspace) -> Path:
    return workspace.state / "progress.json"


def load(workspace: Workspace) -> Progress:
    """Reads the progress.

    Raises:
        DamagedProgressError: the file is not what was written.
    """
    file = _file(workspace)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Progress(
            green={int(step): {str(k): str(v) for k, v in files.items()} for step, files in content["green"].items()},
            hints={int(step): int(count) for step, count in content["hints"].items()},
        )
    except FileNotFoundError:
        return Progress()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        aside = free_name(file.with_name(f"progress-damaged-{timestamp()}.json"))
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            os.replace(file, aside)
        raise DamagedProgressError(
            f"the progress file is damaged ({error}); it is kept as {aside.relative_to(workspace.root)}, "
            "and progress starts afresh: check the steps again to fill it"
        ) from None


def load_if_readable(workspace: Workspace) -> tuple[Progress, str]:
    """The progress, or an empty one and what was wrong: a check gives its verdict even so."""
    try:
        return load(workspace), ""
    except DamagedProgressError as error:
        return Progress(), str(error)


@contextlib.contextmanager
def update(workspace: Workspace) -> Iterator[Progress]:
    """Gives the progress to change, and writes it back; other processes wait meanwhile."""
    file = _file(workspace)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock"), timeout=10):
        progress = load(workspace)
        yield progress
        content = {"green": progress.green, "hints": progress.hints}
        write_atomically(file, json.dumps(content, indent=2, sort_keys=True))


def record_verdict(workspace: Workspace, step: int, files: Mapping[str, str] | None) -> None:
    """Remembers that a step was green with these files, or that it is not (None)."""
    with update(workspace) as progress:
        if files is None:
            progress.green.pop(step, None)
        else:
            progress.green[step] = dict(files)


def count_hint(workspace: Workspace, step: Step) -> int:
    """Counts the next hint of a step as shown, and gives its number; once all were shown, that of the last."""
    with update(workspace) as progress:
        progress.hints[step.number] = min(progress.hints.get(step.number, 0) + 1, len(step.hints))
        return progress.hints[step.number]


def require_shown(workspace: Workspace, step: Step, number: int) -> None:
    """Sees to it that a hint was shown before.

    Raises:
        HintError: it was not.
    """
    shown = load(workspace).hints.get(step.number, 0)
    if number > shown:
        raise HintError(
            f"hint {number} of step {step.label} was not shown yet: "
            f"`{typed('hint', step.label)}` shows the next one, hint {shown + 1}"
        )


def file_hashes(workspace: Workspace, steps: Iterable[int]) -> dict[str, str]:
    """The hash of each of these learner's files, by step number as text."""
    return {
        f"{number:02d}": hashlib.sha256(workspace.step(number).read_bytes()).hexdigest()
        for number in sorted(steps)
        if workspace.step(number).exists()
    }


def is_green(workspace: Workspace, step: int, green: Mapping[int, Mapping[str, str]]) -> bool:
    """Whether a step was green with the files as they are now."""
    files = green.get(step)
    return bool(files) and file_hashes(workspace, [int(number) for number in files]) == dict(files)


def step_states(workspace: Workspace, green: Mapping[int, Mapping[str, str]]) -> dict[int, str]:
    """The state of each step: `green`, `edited` (it was green with other files) or `open`."""
    return {
        step.number: "green"
        if is_green(workspace, step.number, green)
        else "edited"
        if step.number in green
        else "open"
        for step in COURSE
    }


def first_open(states: Mapping[int, str]) -> Step | None:
    """The first step that is not right as it is now; None if all are."""
    return next((step for step in COURSE if states[step.number] != "green"), None)
