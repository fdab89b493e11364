"""How good are the verdicts? Judges all wrong and right files of the tests, and counts.

    python -m tests.corpus             all files: a few minutes
    python -m tests.corpus --verbose   with each file that is judged wrongly, or whose mistake is not named or located

The files are judged by evaluation alone. A verdict names a mistake if it says what to do about it in words that were
written for it, or shows which parameter, shape or dtype is wrong. It locates a mistake if the line that it points at
is one that was changed, or lies in the function that was; where it points at no line, the function that it marks as
wrong must be the one that was changed.
"""

import ast
import difflib
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.right_files import RIGHT_FILES, RightFile
from tests.support.judging import Judge, ReachedTheCompilerError, open_judge
from tests.wrong_files import WRONG_FILES, WrongFile
from tutor.checking.verdict import Verdict
from tutor.learner.skeleton import finished_workspace
from tutor.learner.workspace import Workspace

# What is aimed at, as parts of the files.
REJECTED, ACCEPTED, NAMED, LOCATED = 1.0, 1.0, 0.9, 0.9
UNNAMED = "No known mistake"
# Problems whose summary says itself what is wrong, with what was expected and what came.
SPEAKING = ("parameters", "returns", "missing", "unfilled")


@dataclass(frozen=True)
class Judged:
    """A file, and what its verdict is worth.

    Args:
        step, name: which file.
        wrong: whether it should be rejected.
        rejected: whether it was.
        named, located: whether its mistake was.
        told: what the verdict says.
    """

    step: int
    name: str
    wrong: bool
    rejected: bool
    named: bool = False
    located: bool = False
    told: str = ""


def judged(file: WrongFile | RightFile, judge: Judge, workspace: Workspace) -> Judged:
    """Judges a file on the solutions of all other steps."""
    wrong, path = isinstance(file, WrongFile), workspace.step(file.step)
    right = path.read_text()
    file.write(workspace)
    try:
        verdict = judge(file.step, workspace)
    except ReachedTheCompilerError:
        return Judged(file.step, file.name, wrong, False)
    finally:
        path.write_text(right)
    problem = verdict.problem
    if problem is None:
        return Judged(file.step, file.name, wrong, False)
    named = problem.kind in SPEAKING or (bool(problem.advice) and UNNAMED not in problem.advice)
    located = _is_located(verdict, right, file.source())
    return Judged(file.step, file.name, wrong, True, named, located, f"{problem.summary} {problem.advice}")


def _is_located(verdict: Verdict, right: str, source: str) -> bool:
    problem = verdict.problem
    assert problem is not None
    changed = _changed_lines(right, source)
    functions = {name for line in changed for name in [_function_at(source, line)] if name}
    frames = [frame for frame in problem.frames if frame.file.endswith(f"step_{verdict.step:02d}.py")]
    if frames:
        return frames[-1].line in changed or _function_at(source, frames[-1].line) in functions
    return bool(functions & {task.function for task in verdict.tasks if task.state == "wrong"})


def _changed_lines(right: str, source: str) -> set[int]:
    """The lines of a file that differ, and those beside what is missing."""
    blocks = difflib.SequenceMatcher(None, right.splitlines(), source.splitlines()).get_opcodes()
    return {
        line
        for kind, _, _, start, end in blocks
        if kind != "equal"
        for line in range(start + 1, max(end, start + 1) + 1)
    }


def _function_at(source: str, line: int) -> str:
    """The qualified name of the function or method that a line is in; of a class where it is in no method."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= line <= (node.end_lineno or 0):
            inside = [part for part in getattr(node, "body", []) if isinstance(part, ast.FunctionDef)]
            if isinstance(node, ast.ClassDef):
                for part in inside:
                    if part.lineno <= line <= (part.end_lineno or 0):
                        return f"{node.name}.{part.name}"
            return node.name
    return ""


def run(files: Iterable[WrongFile | RightFile], tell: Callable[[Judged], None] = lambda outcome: None) -> list[Judged]:
    """Judges files one after the other, with one process for all."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder, open_judge() as judge:
        workspace = finished_workspace(Path(folder))
        for file in files:
            outcomes.append(judged(file, judge, workspace))
            tell(outcomes[-1])
    return outcomes


def files() -> list[WrongFile | RightFile]:
    """All files of the tests that evaluation can judge."""
    return [*(file for file in WRONG_FILES if not file.right_but_for_max), *RIGHT_FILES]


@dataclass(frozen=True)
class Shares:
    """Which parts of the files were rejected, accepted, named and located."""

    rejected: float
    accepted: float
    named: float
    located: float

    @property
    def are_enough(self) -> bool:
        """Whether they are what is aimed at."""
        aims = (REJECTED, ACCEPTED, NAMED, LOCATED)
        return all(
            part >= aim
            for part, aim in zip((self.rejected, self.accepted, self.named, self.located), aims, strict=True)
        )


def shares(outcomes: Sequence[Judged]) -> Shares:
    """The shares of all files together."""
    wrong, right = [o for o in outcomes if o.wrong], [o for o in outcomes if not o.wrong]
    return Shares(
        _part([o.rejected for o in wrong]),
        _part([not o.rejected for o in right]),
        _part([o.named for o in wrong]),
        _part([o.located for o in wrong]),
    )


def _part(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 1.0


def table_of(outcomes: Sequence[Judged]) -> Table:
    """The counts of each step."""
    table = Table(title="The verdicts on the files of the tests")
    for column in ("step", "wrong", "rejected", "named", "located", "right", "accepted"):
        table.add_column(column, justify="right")
    for step in [*sorted({outcome.step for outcome in outcomes}), None]:
        these = [outcome for outcome in outcomes if step in (None, outcome.step)]
        wrong, right = [o for o in these if o.wrong], [o for o in these if not o.wrong]
        numbers = (
            len(wrong), sum(o.rejected for o in wrong), sum(o.named for o in wrong), sum(o.located for o in wrong),
            len(right), sum(not o.rejected for o in right),
        )  # fmt: skip
        table.add_row("all" if step is None else f"{step:02d}", *map(str, numbers))
    total = shares(outcomes)
    table.add_row("", "", *(f"{100 * part:.0f} %" for part in (total.rejected, total.named, total.located)), "",
                  f"{100 * total.accepted:.0f} %")  # fmt: skip
    return table


@click.command()
@click.option("--step", "steps", type=int, multiple=True, help="Only these steps.")
@click.option("--verbose", is_flag=True, help="Print each file that misses an aim, and what it is told.")
def main(*, steps: tuple[int, ...], verbose: bool) -> None:
    """Print how many wrong files are rejected, named and located, and how many right ones accepted."""
    console = Console()

    def tell(outcome: Judged) -> None:
        met = (outcome.rejected, outcome.named, outcome.located) == (True, True, True)
        if verbose and (outcome.rejected if not outcome.wrong else not met):
            console.print(f"{outcome}", markup=False, highlight=False, soft_wrap=True)

    outcomes = run([file for file in files() if not steps or file.step in steps], tell)
    console.print(table_of(outcomes))
    if not shares(outcomes).are_enough:
        sys.exit(1)


if __name__ == "__main__":
    main()
