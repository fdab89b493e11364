"""A learner's file that is right, in another style."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.replacing import replaced_in_solution
from tutor.learner.workspace import Workspace


@dataclass(frozen=True)
class RightFile:
    """One right file.

    Args:
        step: whose file.
        style: what is different, in words.
        replace: pieces of the solution, each occurring once, and what stands there in this file.
    """

    step: int
    style: str
    replace: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """For test ids."""
        return f"{self.step:02d}-{self.style.replace(' ', '-')}"

    def source(self) -> str:
        """The text of the file, as a learner would have it."""
        return replaced_in_solution(self.step, self.replace)

    def write(self, workspace: Workspace) -> Path:
        """Writes the file into a workspace."""
        file = workspace.step(self.step)
        file.write_text(self.source())
        return file


def right_file(step: int, style: str, *replace: tuple[str, str]) -> RightFile:
    """A right file, written as what is different and what is replaced."""
    return RightFile(step, style, replace)
