"""Remembers which steps are green, which hints were shown, and how many checks and how much time each step took.

The file belongs to the learner: it is written atomically, under a lock, and a damaged
one is set aside, never overwritten. It can be read without the tool:

    "green"  for each step that is right, the SHA-256 of each file that took part
    "hints"  for each step, how many of its hints were shown
    "work"   for each step, what it took until it was right for the first time (see `Work`)
    "last"   when the learner's last command was

An older file, without the last two, is read as well.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from tutor.course import COURSE, Step
from tutor.errors import DamagedProgressError, HintError
from tutor.files import write_atomically
from tutor.invocation import typed
from tutor.learner.backup import free_name, timestamp
from tutor.learner.workspace import Workspace

# A longer pause between two commands, in seconds, is a break, and no work. A chapter is read in less.
LONGEST_PAUSE = 30 * 60


@dataclass
class Work:
    """What a step took until it was right for the first time. Nothing is added after that.

    Args:
        attempts: how many checks.
        seconds: how long: the pauses before its checks and its hints, without breaks.
        first: when the first check was, as ISO 8601 in UTC; empty before it.
        right: when it was right; empty until it is.
    """

    attempts: int = 0
    seconds: int = 0
    first: str = ""
    right: str = ""

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or type(self.seconds) is not int or self.attempts < 0 or self.seconds < 0:
            raise ValueError("attempts and seconds are counted from 0")
        for moment in (self.first, self.right):
            _moment(moment)


@dataclass
class Progress:
    """What is remembered.

    Args:
        green: for each step that was green once, the hashes of the files that took part.
        hints: how many hints of each step were shown.
        work: what each step took.
        last: when the last command was, as ISO 8601 in UTC; empty before the first.
    """

    green: dict[int, dict[str, str]] = field(default_factory=dict)
    hints: dict[int, int] = field(default_factory=dict)
    work: dict[int, Work] = field(default_factory=dict)
    last: str = ""

    def spend(self, step: int, now: datetime) -> Work:
        """Adds the time since the last command to a step, unless the learner was away or the step was right already."""
        work = self.work.setdefault(step, Work())
        before, self.last = _moment(self.last), now.isoformat(timespec="seconds")
        pause = 0.0 if before is None else (now - before).total_seconds()
        if not work.right and 0 < pause <= LONGEST_PAUSE:
            work.seconds += round(pause)
        return work


def _work(entry: Mapping[str, Any]) -> Work:
    """What a step took, as it was written down; what a later version of the tool has added is left out."""
    known = [each.name for each in fields(Work) if each.name in entry]
    return Work(**{name: entry[name] for name in known})


def _moment(text: str) -> datetime | None:
    """The time that was written down; None for no text.

    Raises:
        ValueError: it is no time, or one without its zone.
    """
    if text == "":
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment


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
        progress = Progress(
            green={int(step): {str(k): str(v) for k, v in files.items()} for step, files in content["green"].items()},
            hints={int(step): max(0, int(count)) for step, count in content["hints"].items()},
            work={int(step): _work(entry) for step, entry in content.get("work", {}).items()},
            last=content.get("last", ""),
        )
        _moment(progress.last)
        return progress
    except FileNotFoundError:
        return Progress()
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
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
    except OSError as error:
        return Progress(), f"the progress cannot be read: {error}"


@contextlib.contextmanager
def update(workspace: Workspace) -> Iterator[Progress]:
    """Gives the progress to change, and writes it back; other processes wait meanwhile."""
    file = _file(workspace)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock"), timeout=10):
        progress = load(workspace)
        yield progress
        write_atomically(file, json.dumps(asdict(progress), indent=2, sort_keys=True))


def record_verdict(workspace: Workspace, step: int, files: Mapping[str, str] | None) -> Progress:
    """Remembers that a step was green with these files, or that it is not (None); gives all that is known now."""
    with update(workspace) as progress:
        now = datetime.now(UTC)
        work = progress.spend(step, now)
        if not work.right:
            work.attempts += 1
            work.first = work.first or now.isoformat(timespec="seconds")
        if files is None:
            progress.green.pop(step, None)
        else:
            progress.green[step] = dict(files)
            work.right = work.right or now.isoformat(timespec="seconds")
    return progress


def count_hint(workspace: Workspace, step: Step) -> int:
    """Counts the next hint of a step as shown, and gives its number; once all were shown, that of the last."""
    with update(workspace) as progress:
        progress.spend(step.number, datetime.now(UTC))
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


def green_steps(workspace: Workspace, green: Mapping[int, Mapping[str, str]]) -> set[int]:
    """The steps that were green with the files as they are now."""
    return {step.number for step in COURSE if is_green(workspace, step.number, green)}


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
