"""Judges learners' files without compiling: one process imports the files of many tests, one after another."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from tutor.checking.judge import Request, judge
from tutor.checking.learner_link import LearnerLink
from tutor.checking.verdict import Verdict
from tutor.course import find_step
from tutor.learner.workspace import Workspace
from tutor.terminal.report import Report


class ReachedTheCompilerError(AssertionError):
    """The evaluator finds nothing wrong: only the compiled graph could."""


class Judge:
    """Judges steps by evaluation alone."""

    def __init__(self, link: LearnerLink) -> None:
        self._link = link

    def __call__(self, step: int, workspace: Workspace) -> Verdict:
        """The verdict on a step.

        Raises:
            ReachedTheCompilerError: the numbers are right.
        """
        request = Request(step, workspace, False, "cpu", Path("there is no such folder"), {})
        return judge(request, self._link, _refuse_to_compile)


def _refuse_to_compile(event: str, **more: object) -> None:
    if event in ("right", "compile"):
        raise ReachedTheCompilerError


@contextmanager
def open_judge() -> Iterator[Judge]:
    """A judge with a process for the learner's files."""
    with tempfile.TemporaryFile() as output:
        link = LearnerLink(0, output)
        try:
            yield Judge(link)
        finally:
            link.close()


def told(verdict: Verdict) -> str:
    """What the tool prints of a verdict, in one line."""
    out = io.StringIO()
    file = f"steps/step_{verdict.step:02d}.py"
    Report(Console(file=out, width=100)).verdict(find_step(verdict.step), verdict, file=file, printed="", hints_seen=0)
    return " ".join(out.getvalue().split())
