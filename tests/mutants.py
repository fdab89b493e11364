"""Can a file be right by luck? Changes every solution in every way, and counts the changed files that a check passes.

    python -m tests.mutants                       all steps: some 3,000 files, an hour on two cores
    python -m tests.mutants --step 14 --verbose   one step, with the files that pass

Each mutant is a solution in which one thing is changed (`benchmarks.mutations.every_mutation`). It is judged as a
learner's file, on the solutions of the earlier steps, up to the compiler: traced, called, evaluated, and nothing is
compiled. A mutant that passes is equivalent, if what it does is what the docstring promises, or it has survived, and
the check lacks a question. `equivalent_mutants.toml` lists the equivalent ones, and why each of them is.
"""

import functools
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.table import Table

from benchmarks.mutations import Mutation, every_mutation
from tests.support.looking import UnknownOperationError, compile_nothing
from tutor.checking.attempt import Attempt, Look
from tutor.checking.first_wrong_line import FirstWrongLine
from tutor.checking.learner_link import LearnerLink
from tutor.checking.numbers import Given, drawn_cases, stored_cases
from tutor.course import COURSE, find_step
from tutor.learner.skeleton import as_learners_file, finished_workspace, parts_of
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.processes import end_with_parent

EQUIVALENT = Path(__file__).parent / "equivalent_mutants.toml"
SEED = 20
# Of one mutant; the tool's own limits are of this kind too.
SECONDS = 30
# Mutants that one process checks before it asks for more.
PORTION = 40


class TooSlowError(BaseException):
    """A mutant takes longer than a check may; a BaseException, so that no handler of errors takes it for one."""


class QuickLook(Look):
    """A look that finds out whether a file is wrong, and not why."""

    def _first_wrong_line(self, given: Given, link: LearnerLink, attempt: Attempt) -> FirstWrongLine | None:
        return None


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: `problem` is what the check found, empty where it passed."""

    step: int
    function: str
    kind: str
    before: str
    after: str
    problem: str

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What names the mutant, wherever its lines are."""
        return self.step, self.function, self.before, self.after


class Lab:
    """Checks mutants of one step, in a workspace of its own."""

    def __init__(self, step: int, workspace: Workspace) -> None:
        self.step, self.workspace = step, workspace
        check = replace(find_step(step).check, mistakes=())
        parts = parts_of(workspace.solution(step).read_text(encoding="utf-8"))
        stored = stored_cases(step, check)
        cases = [*stored, *drawn_cases(check, stored, SEED)]
        self._look = QuickLook(step, check, parts, cases, "cpu", SEED, compile_nothing)
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process that prints into it
        self._link = LearnerLink(step, self._output)

    def check(self, source: str) -> str:
        """What is wrong with a file, in words; nothing if it passes."""
        self.workspace.step(self.step).write_text(source, encoding="utf-8")
        try:
            with time_limit(SECONDS):
                attempt = self._look(self._link, str(self.workspace.root), [self.step])
        except TooSlowError:
            self._start_again()
            return "it never ends"
        except UnknownOperationError:
            # It does not pass: a check compiles its graph, and compares what that gives.
            return "compiler: the evaluator does not know all operations"
        problem = attempt.problem or attempt.unfilled
        if problem is not None and problem.kind == "stopped":
            self._start_again()
        return "" if problem is None else f"{problem.kind}: {problem.summary}"

    def close(self) -> None:
        """Ends the process."""
        self._link.close()
        self._output.close()

    def _start_again(self) -> None:
        self._link.stop()
        self._link.close()
        self._link = LearnerLink(self.step, self._output)


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raises `TooSlowError` in the main thread when the time is over."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def open_lab(step: int) -> Iterator[Lab]:
    """A lab with a workspace that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(step, finished_workspace(Path(folder)))
        try:
            yield lab
        finally:
            lab.close()


def right_file(step: int) -> str:
    """The solution of a step as a learner's file."""
    return as_learners_file(Workspace(REPOSITORY).solution(step).read_text(encoding="utf-8"))


@functools.cache
def mutants_of(step: int) -> Sequence[Mutation]:
    """All mutants of a step."""
    return tuple(every_mutation(right_file(step)))


def sample(step: int, most: int, containing: str = "") -> Sequence[Mutation]:
    """All mutants of a step with a text in the line that is changed, or as many as are wanted, the same each time."""
    every = mutants_of(step)
    if containing:
        right = right_file(step)
        every = [mutant for mutant in every if containing in mutant.changed(right)[0]]
    return every if len(every) <= most else random.Random(step).sample(every, most)


def check_mutants(step: int, mutants: Iterable[Mutation]) -> list[Outcome]:
    """Checks some mutants of a step."""
    right = right_file(step)
    with open_lab(step) as lab:
        if wrong := lab.check(right):
            raise AssertionError(f"the solution of step {step:02d} is not right: {wrong}")
        return [
            Outcome(step, mutant.function, mutant.kind, *mutant.changed(right), lab.check(mutant.source))
            for mutant in mutants
        ]


@functools.cache
def equivalent() -> dict[tuple[int, str, str, str], str]:
    """The mutants that do what is promised, and why, by what names them."""
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    return {
        (entry["step"], entry["function"], before, after): entry["reason"]
        for entry in entries
        for before, after in entry["changes"]
    }


def survivors(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The mutants that pass and are not known to be equivalent."""
    return [outcome for outcome in outcomes if not outcome.problem and outcome.key not in equivalent()]


def run(
    steps: Sequence[int], most: int, containing: str, processes: int, tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Checks the mutants of some steps in some processes."""
    portions = []
    for step in steps:
        chosen = sample(step, most, containing)
        portions += [(step, chosen[start : start + PORTION]) for start in range(0, len(chosen), PORTION)]
    outcomes: list[Outcome] = []
    if "PYTHONEXECUTABLE" not in os.environ:
        os.unsetenv("PYTHONEXECUTABLE")  # MAX sets it behind Python's back, and the processes would run another Python
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=end_with_parent, initargs=(os.getpid(),)) as pool:
        for done in as_completed([pool.submit(check_mutants, *portion) for portion in portions]):
            outcomes += done.result()
            for outcome in done.result():
                tell(outcome)
    return outcomes


def table_of(outcomes: Sequence[Outcome]) -> Table:
    """Step, mutants, killed, equivalent and surviving ones."""
    table = Table(title="Solutions with one change, and what their checks say")
    for column in ("step", "mutants", "killed", "equivalent", "surviving"):
        table.add_column(column, justify="right")
    for step in [*sorted({outcome.step for outcome in outcomes}), None]:
        these = [outcome for outcome in outcomes if step in (None, outcome.step)]
        passed, left = sum(not outcome.problem for outcome in these), len(survivors(these))
        numbers = len(these), len(these) - passed, passed - left, left
        table.add_row("all" if step is None else f"{step:02d}", *map(str, numbers))
    return table


@click.command()
@click.option("--step", "steps", type=int, multiple=True, help="Only these steps.")
@click.option("--most", default=10_000, help="Mutants of each step, drawn if there are more.")
@click.option("--containing", default="", help="Only mutants of lines that contain this.")
@click.option("--processes", default=2, show_default=True)
@click.option("--verbose", is_flag=True, help="Print each mutant that survives, as it is found.")
def main(*, steps: tuple[int, ...], most: int, containing: str, processes: int, verbose: bool) -> None:
    """Print a table of how many changed solutions pass their checks; the exit status is 1 if one has survived."""
    # More threads would only wait for one another: the matrices are small.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    console = Console()

    def tell(outcome: Outcome) -> None:
        if verbose and survivors([outcome]):
            head = f"{outcome.step:02d} {outcome.function} ({outcome.kind})"
            console.print(
                f"{head}\n  - {outcome.before}\n  + {outcome.after}", markup=False, highlight=False, soft_wrap=True
            )

    outcomes = run(steps or [step.number for step in COURSE], most, containing, processes, tell)
    console.print(table_of(outcomes))
    if survivors(outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()
