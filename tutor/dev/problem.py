"""What is missing or out of date: one line that ends with the way to fix it."""

from dataclasses import dataclass
from pathlib import Path

from tutor.learner.workspace import REPOSITORY

# Stands wherever a stub has to be filled in; a file that still has it is not finished.
MARKER = "TODO"


@dataclass(frozen=True)
class Problem:
    """One thing that is missing or out of date.

    Args:
        file: the file in which it shows.
        what: what is wrong with it, as the end of a sentence about the file.
        fix: a command, or what to write.
    """

    file: Path
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{shown(self.file)}: {self.what}. Fix: {self.fix}"


def shown(file: Path) -> str:
    """A file as it is called in messages: relative to the repository."""
    return file.relative_to(REPOSITORY).as_posix()


def unfilled(file: Path) -> list[Problem]:
    """The stubs of a file that wait to be filled in, as one problem."""
    if not file.exists():
        return []
    lines = [number for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if MARKER in line]
    if not lines:
        return []
    where = f"line {lines[0]}" if len(lines) == 1 else f"{len(lines)} lines, the first is line {lines[0]}"
    return [Problem(file, f"has {MARKER} in {where}", f"write what each {MARKER} asks for, and take the word out")]
