"""A learner's file with a known mistake."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.replacing import replaced_in_solution
from tutor.learner.workspace import Workspace


@dataclass(frozen=True)
class WrongFile:
    """One file with a mistake.

    Args:
        step: whose file.
        replace: pieces of the solution, each occurring once, and what stands there in the wrong file.
        told: what the verdict must say.
        right_but_for_max: the graph means the right thing, and MAX 26.7.0 compiles it into another one.
    """

    step: int
    replace: tuple[tuple[str, str], ...]
    told: str
    right_but_for_max: bool = False

    @property
    def name(self) -> str:
        """For test ids."""
        return f"{self.step:02d}-{self.told.replace(' ', '-')}"

    def source(self) -> str:
        """The text of the wrong file, as a learner would have it."""
        return replaced_in_solution(self.step, self.replace)

    def write(self, workspace: Workspace) -> Path:
        """Writes the wrong file into a workspace."""
        file = workspace.step(self.step)
        file.write_text(self.source())
        return file


def wrong_file(step: int, told: str, *replace: tuple[str, str], right_but_for_max: bool = False) -> WrongFile:
    """A wrong file, written as what the verdict must say and what is replaced."""
    return WrongFile(step, replace, told, right_but_for_max)
