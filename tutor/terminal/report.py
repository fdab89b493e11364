"""What a check prints: its phases while it runs, and its verdict."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from tutor.checking.labelled_output import OTHER_FILE
from tutor.checking.verdict import Problem, TaskState, Verdict
from tutor.course import Step
from tutor.invocation import typed
from tutor.terminal.next_steps import offers
from tutor.terminal.printer import Printer
from tutor.terminal.waiting import Waiting

# Lines of a learner's own output that are shown; the rest is counted.
_PRINTED_LINES = 20

_PHASES = {
    "start": "starting",
    "trace": "tracing and evaluating the graph",
    "right": "the numbers are right",
    "compile": "compiling",
    "compare": "comparing with the reference",
}

# How a function's state is told: its colour and words, and a mark where the terminal can show one.
_STATES = {"right": ("green", ""), "wrong": ("red", ""), "unfilled": ("dim", "not filled in yet"), "open": ("dim", "")}
_MARKS = {"right": "✓", "wrong": "✗", "unfilled": "·", "open": "·"}


class Report(Printer):
    """Prints the verdict of a check."""

    @contextmanager
    def phases(self, step: Step) -> Iterator["PhaseDisplay"]:
        """Shows the running check's phase and, while it compiles, the time."""
        with PhaseDisplay(self.console, step) as display:
            yield display

    def verdict(
        self,
        step: Step,
        verdict: Verdict,
        *,
        file: str,
        printed: str,
        hints_seen: int,
        right: Collection[int] = (),
    ) -> None:
        """Prints a verdict in full.

        Args:
            step: which step was checked.
            verdict: what was found.
            file: the file that was checked.
            printed: what its code printed.
            hints_seen: how many of the step's hints were shown.
            right: the steps that are known to be right.
        """
        self._printed(file, printed)
        if verdict.damaged:
            self._note(
                f"{verdict.damaged} entries of the cache of compiled graphs were damaged; they were compiled again."
            )
        if verdict.green:
            self._green(step, verdict)
        elif verdict.status == "borrowed":
            self._borrowed(step, verdict)
        else:
            self._red(step, verdict)
        if verdict.status != "borrowed":
            self._offers(step, hints_seen, right, green=verdict.green)

    def place(self, problem: Problem) -> None:
        """Prints where and what on one line, `steps/step_08.py:41: message`, for an editor's problem matcher."""
        own = [frame for frame in problem.frames if frame.file.startswith("steps/")]
        file, line = (own[-1].file, own[-1].line) if own else (f"steps/step_{problem.step:02d}.py", 1)
        self.console.print(Text(f"{file}:{line}: {' '.join(problem.summary.split())}"), soft_wrap=True)

    def _offers(self, step: Step, hints_seen: int, right: Collection[int], *, green: bool) -> None:
        """Prints what to do next."""
        for line in offers(step, hints_seen, green, right):
            self._line(Text(line, style="" if green else "dim"))

    def _red(self, step: Step, verdict: Verdict) -> None:
        problem = verdict.problem
        assert problem is not None
        done = tasks_in_words(verdict.tasks, "right")
        if problem.kind == "unfilled" and problem.step == step.number and done:
            missing = tasks_in_words(verdict.tasks, "unfilled")
            self._headline("yellow", f"Step {step.label}: {done} right; {missing} not filled in yet", step.title)
            self._tasks(verdict.tasks)
            self._frames(problem)
            return
        self._headline("red", f"Step {step.label} is not right yet", step.title)
        if problem.kind != "unfilled":
            self._tasks(verdict.tasks)
        self.problem(problem)

    def _tasks(self, tasks: Sequence[TaskState]) -> None:
        """Prints how far each function of a step is; a step with one function has nothing to list."""
        if len(tasks) > 1:
            self.tasks(tasks)

    def tasks(self, tasks: Sequence[TaskState]) -> None:
        """Prints how far each of these functions is."""
        marks = _MARKS if self._has_unicode else {}
        numbers, names = max(len(task.tasks) for task in tasks), max(len(task.function) for task in tasks)
        for task in tasks:
            colour, words = _STATES[task.state]
            row = f"{marks.get(task.state, ' ')} {task.tasks:<{numbers}}  {task.function:<{names}}  {words}"
            self._line(Text(row.rstrip(), style=colour))

    def _green(self, step: Step, verdict: Verdict) -> None:
        self._headline("green", f"Step {step.label} is right", step.title)
        share = 100 * verdict.largest_error
        error = f"; the largest error is {f'{share:.0f}' if share >= 1 else 'less than 1'} % of what is allowed."
        self._line(f"{verdict.total} of {verdict.total} comparisons passed{error if verdict.largest_error else '.'}")
        for note in verdict.notes:
            self._line(Text(note))
        if verdict.compiled:
            self._line(f"[dim]MAX compiled {_graphs(verdict.compiled)} in {verdict.compile_seconds:.1f} s.[/dim]")

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
        self._frames(problem)
        if problem.advice:
            self._line(Text(problem.advice))

    def _frames(self, problem: Problem) -> None:
        for frame in problem.frames:
            place = f"{frame.file}, line {frame.line}" + (f", in {frame.function}" if frame.function else "")
            self._line(f"[dim]{escape(place)}[/dim]")
            if frame.code and problem.kind != "unfilled":
                self.console.print(Padding(Text(frame.code), (0, 0, 0, 4), expand=False))

    def _printed(self, file: str, printed: str) -> None:
        lines = printed.rstrip().splitlines()
        if not lines:
            return
        # What an earlier step prints is labelled with its file.
        by = "by earlier steps" if all(OTHER_FILE.match(line) for line in lines) else f"by {file}"
        lines, times = without_repetition(lines)
        self.console.print(Rule(f"printed {by}{f', {times} times' if times > 1 else ''}", align="left", style="dim"))
        for line in lines[:_PRINTED_LINES]:
            self.console.print(Text(line), soft_wrap=True)
        if len(lines) > _PRINTED_LINES:
            self.console.print(f"[dim]… and {len(lines) - _PRINTED_LINES} more lines[/dim]")
        self.console.print(Rule(style="dim"))


def without_repetition(lines: Sequence[str]) -> tuple[Sequence[str], int]:
    """Lines that are the same block again and again, once for each trace: the block, and how often it comes."""
    for length in range(1, len(lines) // 2 + 1):
        times, rest = divmod(len(lines), length)
        if not rest and all(lines[index] == lines[index % length] for index in range(len(lines))):
            return lines[:length], times
    return lines, 1


class PhaseDisplay:
    """The line that tells what a check is doing. Without a terminal it tells only of a compile."""

    def __init__(self, console: Console, step: Step) -> None:
        self._waiting, self._step = Waiting(console), step
        self._phase, self._right = "", False

    def __enter__(self) -> "PhaseDisplay":
        return self

    def __exit__(self, *exception: object) -> None:
        self._waiting.__exit__(*exception)

    def __call__(self, phase: str, graphs: int, seconds: float) -> None:
        """Updates the line; see `supervisor.run`."""
        if phase == self._phase:
            return
        self._phase, self._right = phase, self._right or phase == "right"
        doing, note = phase_in_words(self._step, phase, graphs, right=self._right)
        self._waiting.begin(doing, note=note, brief=phase != "compile")


def phase_in_words(step: Step, phase: str, graphs: int, *, right: bool) -> tuple[str, str]:
    """What a check is doing, and how long that may take.

    Args:
        step, phase, graphs: see `supervisor.run`.
        right: whether the numbers are known to be right.
    """
    if phase != "compile":
        return f"Step {step.label}: {_PHASES[phase]}", ""
    known = "the numbers are right. " if right else ""
    doing = f"Step {step.label}: {known}MAX compiles {_graphs(graphs)} now"
    return doing, "new code takes about half a minute, the same code again none"


def tasks_in_words(tasks: Sequence[TaskState], state: str) -> str:
    """The tasks in a state as the subject of a sentence: "task 3 is", "tasks 1 and 2 are"; empty if there are none.

    A task that asks for several functions is right only if all of them are.
    """
    having = {number for task in tasks if task.state == state for number in _task_numbers(task)}
    if state == "right":
        having -= {number for task in tasks if task.state != state for number in _task_numbers(task)}
    numbers = [str(number) for number in sorted(having)]
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"task {numbers[0]} is"
    return f"tasks {', '.join(numbers[:-1])} and {numbers[-1]} are"


def _task_numbers(task: TaskState) -> Sequence[int]:
    """The numbers in "task 2", "tasks 2 and 3" and "tasks 1 to 5"."""
    first, *rest = (int(number) for number in re.findall(r"\d+", task.tasks))
    return range(first, (rest[-1] if rest else first) + 1)


def _graphs(count: int) -> str:
    return "1 graph" if count == 1 else f"{count} graphs"
