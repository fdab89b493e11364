"""What a check prints: its phases while it runs, and its verdict."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.status import Status
from rich.text import Text

from tutor.checking.verdict import Problem, Verdict
from tutor.course import COURSE, Step
from tutor.invocation import own_generation, typed
from tutor.terminal.printer import Printer

# Lines of a learner's own output that are shown; the rest is counted.
_PRINTED_LINES = 20

_PHASES = {
    "start": "starting",
    "trace": "tracing the graph",
    "compile": "compiling {graphs} with MAX",
    "right": "the numbers are right, looking for the compiled graphs",
    "compare": "comparing with the reference",
}


class Report(Printer):
    """Prints the verdict of a check."""

    @contextmanager
    def phases(self, step: Step) -> Iterator["PhaseDisplay"]:
        """Shows the running check's phase and, while it compiles, the time."""
        with PhaseDisplay(self.console, step) as display:
            yield display

    def verdict(self, step: Step, verdict: Verdict, *, file: str, printed: str) -> None:
        """Prints a verdict in full."""
        self._printed(file, printed)
        if verdict.damaged:
            self._note(
                f"{verdict.damaged} entries of the cache of compiled graphs were damaged; they were compiled again."
            )
        if verdict.green:
            self._green(step, verdict, file)
        elif verdict.status == "borrowed":
            self._borrowed(step, verdict)
        else:
            self._headline("red", f"Step {step.label} is not right yet", step.title)
            assert verdict.problem is not None
            self.problem(verdict.problem)
            self._line(Text(f"Stuck? {typed('hint', step.label)} shows the next hint.", style="dim"))

    def _green(self, step: Step, verdict: Verdict, file: str) -> None:
        self._headline("green", f"Step {step.label} is right", step.title)
        self._line(f"{verdict.total} of {verdict.total} comparisons passed"
                   + (f"; the largest error is {100 * verdict.largest_error:.0f} % of what is allowed."
                      if verdict.largest_error else "."))  # fmt: skip
        for note in verdict.notes:
            self._line(Text(note))
        if verdict.compiled:
            self._line(f"[dim]MAX compiled {_graphs(verdict.compiled)} in {verdict.compile_seconds:.1f} s.[/dim]")
        following = next((other for other in COURSE if other.number == step.number + 1), None)
        if following is not None:
            self._line(f"Next: step {following.label}, {following.title.lower()}: steps/step_{following.label}.py")
        else:
            self._line(Text(f"That was the last step. Let your own model write: {own_generation()}"))

    def _borrowed(self, step: Step, verdict: Verdict) -> None:
        if verdict.culprits:
            names = " and ".join(f"step {number:02d}" for number in verdict.culprits)
            verb = "is" if len(verdict.culprits) == 1 else "are"
            self._headline("yellow", f"Step {step.label} is right; {names} {verb} not", step.title)
            self._line("With the solutions of the earlier steps it gives the right numbers; with yours it does not.")
            again = verdict.culprits
        else:
            self._headline("yellow", f"Step {step.label} is right; an earlier step is not", step.title)
            self._line("With the solutions of the earlier steps it gives the right numbers; with yours it does not.")
            again = verdict.suspects
        problem = verdict.problem
        if problem is not None and problem.step != step.number:
            self.problem(problem)
        if again:
            self._line("Check: " + ", ".join(typed(f"s{number:02d}") for number in again))

    def problem(self, problem: Problem) -> None:
        """Prints what is wrong, where, and what to do."""
        self._line(Text(problem.summary, style="bold"))
        if problem.where and problem.kind in ("numbers", "parameters", "returns"):
            self._line(f"[dim]in[/dim] {escape(problem.where)}")
        if problem.details:
            width = max(len(label) for label, _ in problem.details)
            for label, value in problem.details:
                self.console.print(Text.assemble("    ", (f"{label:<{width}}  ", "dim"), value), soft_wrap=True)
        for frame in problem.frames:
            place = f"{frame.file}, line {frame.line}" + (f", in {frame.function}" if frame.function else "")
            self._line(f"[dim]{escape(place)}[/dim]")
            if frame.code and problem.kind != "unfilled":
                self.console.print(Padding(Text(frame.code), (0, 0, 0, 4), expand=False))
        if problem.advice:
            self._line(Text(problem.advice))

    def _printed(self, file: str, printed: str) -> None:
        lines = printed.rstrip().splitlines()
        if not lines:
            return
        self.console.print(Rule(f"printed by {file}", align="left", style="dim"))
        for line in lines[:_PRINTED_LINES]:
            self.console.print(Text(line), soft_wrap=True)
        if len(lines) > _PRINTED_LINES:
            self.console.print(f"[dim]… and {len(lines) - _PRINTED_LINES} more lines[/dim]")
        self.console.print(Rule(style="dim"))


class PhaseDisplay:
    """The line that tells what a check is doing. Without a terminal it tells only of a compile."""

    def __init__(self, console: Console, step: Step) -> None:
        self.console = console
        self.step = step
        self.status = Status("", console=console) if console.is_terminal else None
        self.told = ""

    def __enter__(self) -> "PhaseDisplay":
        if self.status is not None:
            self.status.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.status is not None:
            self.status.stop()

    def __call__(self, phase: str, graphs: int, seconds: float) -> None:
        """Updates the line; see `supervisor.run`."""
        text = f"Step {self.step.label}: " + _PHASES[phase].format(graphs=_graphs(graphs))
        if self.status is not None:
            self.status.update(text + (f", {seconds:.0f} s" if phase == "compile" else ""))
        elif phase == "compile" and self.told != phase:
            self.console.print(text + " (new code compiles for about half a minute; the same code again takes none)")
        self.told = phase


def _graphs(count: int) -> str:
    return "1 graph" if count == 1 else f"{count} graphs"
