"""The verdict as the screen of `learn` shows it."""

from collections.abc import Collection, Sequence

from rich.console import Console
from rich.text import Text

from tutor.checking.verdict import Problem, TaskState
from tutor.course import Step
from tutor.learner.workspace import Workspace
from tutor.terminal.report import Report

# Lines of the file above and below the one that is wrong.
_AROUND = 3


class ScreenReport(Report):
    """Prints a verdict for a screen that shows the tasks elsewhere, and where a key is pressed for what is next."""

    def __init__(self, console: Console, following: Step | None) -> None:
        """`following` is the step that comes after this one, if there is one."""
        super().__init__(console)
        self._following = following

    def _tasks(self, tasks: Sequence[TaskState]) -> None:
        pass  # they have a place of their own

    def _offers(self, step: Step, hints_seen: int, right: Collection[int], *, green: bool) -> None:
        if not green:
            words = "h: the next hint" if hints_seen < len(step.hints) else "d: your file against the solution"
            self.aside(f"Stuck? {words}")
            return
        self.say("d: compare with the solution")
        if self._following is None:
            self.say("All steps are right.")
        else:
            self._line(Text(f"n: step {self._following.label}, {self._following.title.lower()}", style="bold"))


def source_context(workspace: Workspace, problem: Problem) -> Text | None:
    """The line of the learner's file that a problem points at, with the lines around it; None if it points at none."""
    frame = next((frame for frame in reversed(problem.frames) if frame.file.startswith("steps/")), None)
    if frame is None:
        return None
    try:
        lines = (workspace.root / frame.file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    first, last = max(1, frame.line - _AROUND), min(len(lines), frame.line + _AROUND)
    shown = Text(frame.file + "\n", style="dim", overflow="fold", no_wrap=True)
    width = len(str(last))
    for number in range(first, last + 1):
        wrong = number == frame.line
        shown.append(f"{'>' if wrong else ' '} {number:>{width}}  ", style="bold red not dim" if wrong else "dim")
        shown.append(lines[number - 1] + "\n", style="bold not dim" if wrong else "not dim")
    shown.rstrip()
    return shown
