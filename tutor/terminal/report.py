"""All text that the tool prints about checks, progress and hints.

On a terminal it has colour; without one, or with NO_COLOR set, the same words without it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.status import Status
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from tutor.checking.verdict import Problem, Verdict
from tutor.course import COURSE, Step
from tutor.invocation import own_generation, typed
from tutor.terminal.doctor import Finding

if TYPE_CHECKING:
    from tutor.attention_maps.head_patterns import HeadPattern

# Lines of a learner's own output that are shown; the rest is counted.
_PRINTED_LINES = 20

# Heads that are listed for one habit.
_FEWEST_HEADS, _MOST_HEADS = 3, 8

_PHASES = {
    "start": "starting",
    "trace": "tracing the graph",
    "compile": "compiling {graphs} with MAX",
    "right": "the numbers are right, looking for the compiled graphs",
    "compare": "comparing with the reference",
}


def make_console(*, stderr: bool = False) -> Console:
    """A console that wraps at the terminal's width, and at 100 columns without a terminal."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=100)


class Report:
    """Prints what the tool found."""

    def __init__(self, console: Console) -> None:
        self.console = console

    # --- checks -----------------------------------------------------------------------------

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
        percent = "less than 1" if verdict.largest_error < 0.005 else f"{100 * verdict.largest_error:.0f}"
        self._line(f"{verdict.total} of {verdict.total} comparisons passed"
                   + (f"; the largest error is {percent} % of what is allowed."
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

    # --- the rest ---------------------------------------------------------------------------

    def hint(self, step: Step, number: int) -> None:
        """Prints one hint of a step."""
        self._headline("cyan", f"Step {step.label}, hint {number} of {len(step.hints)}", step.title)
        self._line(Text(step.hints[number - 1]))

    def diff(self, lines: list[str], step: Step) -> None:
        """Prints a unified diff from the learner's file to the solution."""
        if not lines:
            self._line(f"Your step {step.label} and the solution are the same.")
            return
        styles = {"+": "green", "-": "red", "@": "cyan"}
        for line in lines:
            self.console.print(Text(line.rstrip("\n"), style=styles.get(line[:1], "")), soft_wrap=True)

    def progress(self, states: dict[int, str], hints: dict[int, int]) -> None:
        """Prints the list of steps with their states: `green`, `edited` or `open`."""
        words = {
            "green": "[green]right[/green]",
            "edited": "[yellow]edited since it was right[/yellow]",
            "open": "[dim]open[/dim]",
        }
        table = Table(box=None, pad_edge=False, show_header=False)
        part = ""
        for step in COURSE:
            if step.part != part:
                part = step.part
                table.add_row(Text(part, style="bold"))
            shown = hints.get(step.number, 0)
            table.add_row(
                f"  {step.label}  {step.title}",
                words[states[step.number]],
                f"[dim]{shown} of {len(step.hints)} hints seen[/dim]" if shown else "",
            )
        self.console.print(table)
        done = sum(state == "green" for state in states.values())
        following = next((step for step in COURSE if states[step.number] != "green"), None)
        self.console.print()
        if following is None:
            self._line(f"All {len(COURSE)} steps are right.")
        else:
            self._line(f"{done} of {len(COURSE)} steps are right. Next: s{following.label}, {following.title.lower()}.")

    def finding(self, finding: Finding) -> None:
        """Prints one finding of the doctor."""
        mark = ("ok     ", "green") if finding.ok else ("missing", "bold red")
        self.console.print(Text.assemble(mark, f"  {finding.name}: ", finding.value), soft_wrap=True)
        if not finding.ok and finding.mend:
            self.console.print(Text(f"         mend: {finding.mend}"), soft_wrap=True)

    @contextmanager
    def warming(self) -> Iterator[Callable[[int, int], None]]:
        """Shows how far warming the cache has come."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task("compiling the graphs of the steps", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def code(self, text: str, language: str) -> None:
        """Prints code, coloured on a terminal; nothing is wrapped or cut."""
        if self.console.is_terminal and not self.console.no_color:
            text = Syntax(text, language, background_color="default").highlight(text)
        self.console.print(text, soft_wrap=True, markup=False)

    def drawn(self, lines: list[Text]) -> None:
        """Prints lines that were made for the console's width."""
        for line in lines:
            self.console.print(line, soft_wrap=True)

    def habits(self, habits: "list[HeadPattern]") -> None:
        """Prints for each habit the heads that come nearest to it."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("looks at", "tokens", "layer", "head", "score", "even", "habit?"):
            table.add_column(column, justify="left" if column in ("looks at", "habit?") else "right", no_wrap=True)
        for habit in habits:
            rows = [
                (str(layer), str(head), f"{score:.2f}", f"{habit.even:.2f}", habit.verdict(score))
                for layer, head, score in habit.ranked
            ]
            having = sum(row[-1] == "yes" for row in rows)
            shown = min(max(having, _FEWEST_HEADS), _MOST_HEADS) if habit.tokens else 0
            for index, row in enumerate(rows[:shown]):
                label = ("", "") if index else (habit.name, str(habit.tokens))
                table.add_row(*label, *row, style="" if row[-1] == "yes" else "dim")
            if having > shown and shown:
                table.add_row(*[""] * 6, f"yes: {having - shown} more")
            if not shown:
                table.add_row(habit.name, "0", style="dim")
            table.add_row()
        self.console.print(table)
        self.aside(
            "tokens: how many have such a thing to look at. score: the share of their attention that goes there. "
            "even: the score of a head that looks at all tokens alike."
        )

    def aside(self, message: str) -> None:
        """Prints one faint line."""
        self._line(Text(message, style="dim"))

    def say(self, message: str) -> None:
        """Prints one line of plain text."""
        self._line(Text(message))

    def error(self, message: str) -> None:
        """Prints an error."""
        self.console.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)

    def _headline(self, colour: str, verdict: str, title: str) -> None:
        self.console.print(Text.assemble((verdict, f"bold {colour}"), ("  ", ""), (title, "dim")))

    def _note(self, message: str) -> None:
        self._line(Text(message, style="yellow"))

    def _line(self, content: str | Text) -> None:
        self.console.print(Padding(content, (0, 0, 0, 2), expand=False))


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
