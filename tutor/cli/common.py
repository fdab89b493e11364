"""What several commands have in common: how a step is named, shared options, and how a step's faults are told."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tutor.course import COURSE, Step, find_step
from tutor.errors import UnknownStepError
from tutor.invocation import typed
from tutor.learner.workspace import Workspace
from tutor.terminal.printer import make_console
from tutor.terminal.report import Report

DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    help="Where graphs run; auto is the GPU if MAX finds one.",
)
MODEL = click.option(
    "--model", help="A Hugging Face folder or hub id; the course's small Shakespeare model if left out."
)
SOURCE = click.option(
    "--from",
    "source",
    type=click.Choice(["solutions", "steps"]),
    default="solutions",
    show_default=True,
    help="Run the solutions, or the model that you wrote.",
)


class StepType(click.ParamType):
    """A step number: 2, 02, s02. Or its file, as an editor names it: steps/step_02.py, or the whole path."""

    name = "step"

    def convert(self, value: str | Step, param: click.Parameter | None, ctx: click.Context | None) -> Step:
        if isinstance(value, Step):
            return value
        if "/" in value or value.endswith(".py"):
            return self._step_of(Path(value), param, ctx)
        match = re.fullmatch(r"s?(\d{1,3})", value)
        if match is None:
            self.fail(f"{value!r} is not the number of a step", param, ctx)
        try:
            return find_step(int(match[1]))
        except UnknownStepError as error:
            self.fail(str(error), param, ctx)

    def _step_of(self, file: Path, param: click.Parameter | None, ctx: click.Context | None) -> Step:
        """The step that is written in a file. The file need not exist: `reset` brings it back."""
        workspace = Workspace.find()
        for step in COURSE:
            if file.resolve() == workspace.step(step.number).resolve():
                return step
        self.fail(f"{str(file)!r} is not the file of a step: open one in {workspace.root / 'steps'}", param, ctx)


STEP = click.argument("step", type=StepType())


@contextmanager
def problems_told(*, own: bool) -> Iterator[None]:
    """Tells on stderr what is wrong in the code of a step, and ends the command with exit status 1.

    Args:
        own: the code is the learner's: which step to check is told too.
    """
    from tutor.checking.guard import ProblemFound

    try:
        yield
    except ProblemFound as stop:
        sys.stdout.flush()
        report = Report(make_console(stderr=True))
        report.problem(stop.problem)
        if own:
            report.say(f"Check: {typed(f's{stop.problem.step:02d}')}")
        sys.exit(1)
