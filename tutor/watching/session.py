"""Follows a learner's files: each save is checked at once, and what comes of it is told to whoever shows it."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from tutor.checking.supervisor import Finished
from tutor.course import COURSE, Step, find_step
from tutor.errors import CourseError
from tutor.invocation import typed
from tutor.learner import progress
from tutor.learner.workspace import Workspace
from tutor.watching.ahead import CompileAhead
from tutor.watching.saves import saves
from tutor.watching.warm_checks import WarmChecks

# Seconds without a check after which the machine counts as idle.
_IDLE = 3.0


@dataclass(frozen=True)
class Opened:
    """Another step is followed from now on."""

    step: Step


@dataclass(frozen=True)
class PhaseBegan:
    """A phase of a check begins; `graphs` are compiled in it."""

    step: Step
    phase: str
    graphs: int


@dataclass(frozen=True)
class Judged:
    """A check has its verdict, and it is recorded.

    Args:
        step: which.
        finished: the verdict, and what the code printed.
        hints_seen: how many hints of the step were shown.
        seconds: how long the check took.
        right: the steps that are right.
        damage: why the progress could not be read or recorded, if so.
    """

    step: Step
    finished: Finished
    hints_seen: int
    seconds: float
    right: Collection[int]
    damage: str = ""


@dataclass(frozen=True)
class NoVerdict:
    """A check cannot be run: the file is missing, or the tool failed. The message says why."""

    step: Step
    message: str


Event: TypeAlias = Opened | PhaseBegan | Judged | NoVerdict


@dataclass(frozen=True)
class Options:
    """How a session goes about.

    Args:
        device: `auto`, `cpu` or `gpu`.
        follow: go to the step whose file is saved; else stay, and check again when an earlier one is saved.
        poll: see `saves`.
        ahead: compile what is needed next while nothing else is to do.
    """

    device: str = "auto"
    follow: bool = True
    poll: bool = False
    ahead: bool = True


class Session:
    """Checks one step again and again."""

    def __init__(self, workspace: Workspace, step: Step, options: Options, tell: Callable[[Event], None]) -> None:
        """
        Args:
            workspace: whose files.
            step: the one to begin with.
            options: how.
            tell: told of everything that happens, in the thread that `run` runs in.
        """
        self.workspace, self.step, self.options = workspace, step, options
        self.verdict: Finished | None = None
        self._tell = tell
        self._checks = WarmChecks(workspace, options.device)
        self._ahead = CompileAhead(workspace, options.device)
        self._group: asyncio.TaskGroup
        self._check: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Follows the files until the task is cancelled. Nothing that was started is left then.

        Raises:
            CourseError: the files cannot be followed.
        """
        changes = saves(self.workspace, poll=self.options.poll)
        try:
            async with asyncio.TaskGroup() as self._group:
                self.open(self.step)
                async for steps in changes:
                    self._saved(steps)
        except ExceptionGroup as group:
            raise group.exceptions[0] from group  # whoever runs this catches it by its kind
        finally:
            self._checks.close()
            self._ahead.close()

    def open(self, step: Step) -> None:
        """Goes to a step, and checks it."""
        self.step, self.verdict = step, None
        self._tell(Opened(step))
        self.check()

    def check(self) -> None:
        """Checks the step as it is now. A check that is still running ends without a verdict."""
        if self._check is not None:
            self._check.cancel()
        self._check = self._group.create_task(self._judge(self.step))

    def remembered(self) -> progress.Progress:
        """What is remembered of the course; nothing if it cannot be read."""
        known, _ = progress.load_if_readable(self.workspace)
        return known

    def states(self) -> dict[int, str]:
        """The state of each step; see `progress.step_states`."""
        return progress.step_states(self.workspace, self.remembered().green)

    def following(self) -> Step | None:
        """The next step that is not right: after this one, else before it; None if all are."""
        states = self.states()
        others = [*COURSE[self.step.number + 1 :], *COURSE[: self.step.number + 1]]
        return next((step for step in others if states[step.number] != "green"), None)

    def _saved(self, steps: Iterable[int]) -> None:
        saved = set(steps)
        if self.options.follow and len(saved) == 1 and self.step.number not in saved:
            self.open(find_step(saved.pop()))
        elif min(saved) <= self.step.number:  # it builds on the earlier ones
            self.check()

    async def _judge(self, step: Step) -> None:
        self._ahead.halt()
        file = self.workspace.step(step.number)
        if not file.exists():
            name = file.relative_to(self.workspace.root)
            self._tell(NoVerdict(step, f"{name} is missing. `{typed('reset', step.label)}` brings the skeleton back."))
            return
        known, damage = progress.load_if_readable(self.workspace)
        began = time.monotonic()
        try:
            finished = await self._checks.check(
                step.number, known.green, lambda phase, graphs: self._phase(step, phase, graphs)
            )
        except CourseError as error:
            self._tell(NoVerdict(step, str(error)))
            return
        seconds = time.monotonic() - began
        verdict, self.verdict = finished.verdict, finished
        try:
            known = progress.record_verdict(self.workspace, step.number, verdict.files if verdict.green else None)
        except (CourseError, OSError) as error:
            damage = damage or f"the verdict is not recorded: {error}"
        hints_seen, right = known.hints.get(step.number, 0), progress.green_steps(self.workspace, known.green)
        self._tell(Judged(step, finished, hints_seen, seconds, right, damage))
        await self._use_the_time(step)

    def _phase(self, step: Step, phase: str, graphs: int) -> None:
        self._tell(PhaseBegan(step, phase, graphs))
        if phase == "right":
            # The word is out: a newer save may come while MAX compiles.
            self._checks.prepare(step.number)

    async def _use_the_time(self, step: Step) -> None:
        """Gets ready for the next check, and for the next step; a newer check cancels it."""
        self._checks.prepare(step.number)
        if self.options.ahead:
            await asyncio.sleep(_IDLE)
            self._ahead.go_on([other.number for other in COURSE[step.number : step.number + 2]])
