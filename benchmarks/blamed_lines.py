"""How often does a check point at the line that is wrong?

    python -m benchmarks.blamed_lines

Changes the solutions line by line (`benchmarks.mutations`), checks each changed file as a learner's, and counts how
often the line that the verdict names is the one that was changed, or one that uses what it makes. Nothing is
compiled: these are the verdicts of the evaluator.
"""

import ast
import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.mutations import Mutation, mutations
from tutor.checking.attempt import Attempt, Look
from tutor.checking.first_wrong_line import Sources
from tutor.checking.guard import ProblemFound
from tutor.checking.learner_link import LearnerLink
from tutor.checking.numbers import drawn_cases, stored_cases
from tutor.checking.random_numbers import case as draw
from tutor.checking.spec import RunnableSubject
from tutor.checking.statements import SourceFile, Statement
from tutor.checking.subject_graph import SubjectGraph
from tutor.checking.verdict import Problem
from tutor.course import find_step
from tutor.files import write_atomically
from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.evaluator import unknown_operations
from tutor.graphs.evaluate.source_lines import read_frames
from tutor.learner.skeleton import finished_workspace, parts_of
from tutor.learner.workspace import Workspace

STEPS = (*range(2, 14), 16, 17, 18, 19)
_HITS = ("line", "user")
RESULTS = Path(__file__).parent / "results" / "blamed_lines.json"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Args:
        step: whose file was changed.
        mutation: how.
        verdict: "untraced" if it could not be traced, or not computed; "contract" if its results have the wrong type;
            "unknown" if the evaluator does not know an operation; "fact" if an expectation found it; "numbers" if its
            numbers did; "same" if its numbers are the solution's
            on all inputs that were tried; "survived" if they are only on those of the check.
        named: the line that the verdict named.
        hit: whether that is the changed line ("line"), one that takes what it makes ("user"), one in a function that
            it calls ("callee"), or another one ("other").
        seconds: until the verdict.
        told: what the verdict said.
    """

    step: int
    line: int
    function: str
    kind: str
    before: str
    after: str
    verdict: str
    named: int | None
    hit: str
    seconds: float
    told: str


class Lab:
    """Checks mutants of one step."""

    def __init__(self, step: int, workspace: Workspace, output: BinaryIO) -> None:
        self.step, self.workspace = step, workspace
        self.right = workspace.step(step).read_text(encoding="utf-8")
        self._output = output
        self._check = find_step(step).check
        parts = parts_of(workspace.solution(step).read_text(encoding="utf-8"))
        stored = stored_cases(step, self._check)
        cases = [*stored, *drawn_cases(self._check, stored, seed=1)]
        self._look = Look(step, self._check, parts, cases, "cpu", 1, _never_compile)
        self._link = LearnerLink(step, output)
        self._solution = self._attempt()
        assert self._solution.right, self._solution.problem

    def close(self) -> None:
        """Ends the process and puts the file back."""
        self._link.close()
        self.workspace.step(self.step).write_text(self.right, encoding="utf-8")

    def check(self, mutation: Mutation) -> Outcome:
        """Checks a mutant."""
        self.workspace.step(self.step).write_text(mutation.source, encoding="utf-8")
        start = time.perf_counter()
        attempt = self._attempt()
        seconds = time.perf_counter() - start
        problem = attempt.problem
        if problem is not None and problem.kind == "stopped":
            self._link.close()
            self._link = LearnerLink(self.step, self._output)
        verdict = _verdict(problem) or self._survival(attempt)
        frames = [] if problem is None else problem.frames
        named = frames[-1].line if verdict == "numbers" and frames else None
        file = self.workspace.step(self.step)
        return Outcome(
            step=self.step,
            line=mutation.line,
            function=mutation.function,
            kind=mutation.kind,
            before=mutation.before,
            after=mutation.after,
            verdict=verdict,
            named=named,
            hit="" if named is None else _hit(mutation, named, file, attempt.by_line.values()),
            seconds=round(seconds, 3),
            told="" if problem is None else f"{problem.summary} {problem.advice}",
        )

    def _attempt(self) -> Attempt:
        return self._look(self._link, str(self.workspace.root), [self.step])

    def _survival(self, attempt: Attempt) -> str:
        """Whether a mutant that was not rejected computes what the solution computes, on other inputs too."""
        for name, graph in attempt.graphs.items():
            solution = self._solution.graphs[name]
            if graph.traced.fingerprint != solution.traced.fingerprint and not self._are_equal(graph, solution):
                return "survived"
        return "same"

    def _are_equal(self, graph: SubjectGraph, solution: SubjectGraph) -> bool:
        """Whether two graphs give the same numbers on other inputs, some of them small and some large."""
        subject = graph.subject
        cases = [given for given in self._look.cases if given.subject.name == subject.name]
        for (index, given), scale in itertools.product(enumerate(cases), (1e-3, 1.0, 30.0)):
            parameters, inputs = draw(subject, replace(given.case, seed=1000 + index, scale=scale))
            if given.case.given is None:
                parameters = given.parameters
            try:
                ours, theirs = (each.evaluate(parameters, *inputs.values()) for each in (graph, solution))
            except EvaluationError:
                return False
            # What a buffer holds counts where the check compares it.
            pairs = {name: pair for name, *pair in zip(subject.results, ours, theirs, strict=True)}
            if not all(_are_close(*pairs[name]) for name in given.expected):
                return False
        return True


def _are_close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True)


def _never_compile(graphs: Sequence[SubjectGraph]) -> Mapping[str, RunnableSubject]:
    """Stands in for the compiler: a graph with an operation that the evaluator does not know is left out."""
    names = sorted({name for graph in graphs for name in unknown_operations(graph.program)})
    raise ProblemFound(Problem("compiler", 0, f"Only MAX knows {', '.join(names)}."))


def _verdict(problem: Problem | None) -> str:
    if problem is None:
        return ""
    if problem.kind == "numbers":
        return "numbers"
    if problem.kind == "expectation":
        return "fact"
    if problem.kind == "compiler":
        return "unknown"
    return "contract" if problem.kind in ("returns", "parameters") else "untraced"


def _hit(mutation: Mutation, named: int, file: Path, graphs: Iterable[SubjectGraph]) -> str:
    """How the line that was named is related to the one that was changed."""
    source = SourceFile(mutation.source)
    changed, other = source.statement_at(mutation.line), source.statement_at(named)
    if changed is other:
        return "line"
    if changed is None or other is None:
        return "other"
    if _names(ast.parse(mutation.source), changed.node, other.node):
        return "user"
    relations = {_relation(changed, other, source, file, graph) for graph in graphs}
    return next((hit for hit in ("user", "callee") if hit in relations), "other")


def _function_of(tree: ast.Module, statement: ast.stmt) -> ast.FunctionDef:
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.lineno < statement.lineno <= (node.end_lineno or node.lineno)
    ]
    return max(around, key=lambda node: node.lineno)


def _names(tree: ast.Module, changed: ast.stmt, user: ast.stmt) -> bool:
    """Whether a statement reads a name that another one gives a value: not all of these are tensors."""
    function = _function_of(tree, changed)
    loaded = _loaded(user)
    if isinstance(changed, ast.Return):
        # What is returned is used where the function is called, or handed on by its name.
        return function.name in loaded
    made = {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(changed)
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    if isinstance(changed, ast.Expr):
        # What is written into a buffer.
        made |= {node.id for node in ast.walk(changed) if isinstance(node, ast.Name)}
    if not made & loaded:
        return False
    if any(isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) for node in ast.walk(changed)):
        return True
    within = _function_of(tree, user)
    if not (within is function or function.lineno < within.lineno <= (function.end_lineno or 0)):
        return False
    # Not if all of it was given another value in between.
    between = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and changed.lineno < node.lineno < user.lineno
    ]
    again = {
        node.id
        for assignment in between
        for node in ast.walk(assignment)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return bool((made & loaded) - again)


def _loaded(statement: ast.stmt) -> set[str]:
    """The names and attributes that a statement reads; of one that holds others, its head."""
    parts = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    nodes = [node for part in parts for node in ast.walk(part)]
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def _relation(changed: Statement, named: Statement, source: SourceFile, file: Path, graph: SubjectGraph) -> str:
    """Whether operations of one line take what those of another one made, or belong to what it calls."""
    frames = read_frames(graph.call_stacks, [file])
    lines = {place: [source.statement_at(frame.line) for frame in stack] for place, stack in frames.items()}
    operations = list(graph.program.walk())
    made = {number for each in operations if changed in lines.get(each.path, ()) for number in each.results}
    sources = Sources(graph.program.main.block)
    while more := {number for number in sources.handed_on if made & set(sources.of.get(number, ()))} - made:
        made |= more
    there = [each for each in operations if lines.get(each.path, [None])[-1] is named]
    if any(changed in lines[each.path] for each in there):
        return "callee"
    return "user" if any(made & set(each.operands) for each in there) else ""


@dataclass
class Count:
    """The outcomes of a step, counted.

    Args:
        step: its number, or "all".
        mutants: how many were checked.
        traced: of those, which could be traced and computed, with results of the right type.
        changed: of those, which compute other numbers than the solution.
        rejected: of those, which the check's numbers rejected.
        line, user, callee, other: which line was named then; see `Outcome`.
        seconds: until each of these verdicts.
    """

    step: str
    mutants: int = 0
    traced: int = 0
    changed: int = 0
    rejected: int = 0
    line: int = 0
    user: int = 0
    callee: int = 0
    other: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Counts an outcome."""
        self.mutants += 1
        self.traced += outcome.verdict in ("numbers", "fact", "same", "survived")
        self.changed += outcome.verdict in ("numbers", "survived")
        if outcome.verdict == "numbers":
            self.rejected += 1
            self.line += outcome.hit == "line"
            self.user += outcome.hit == "user"
            self.callee += outcome.hit == "callee"
            self.other += outcome.hit in ("other", "")
            self.seconds.append(outcome.seconds)

    @property
    def named(self) -> int:
        """How often the line that was changed was named, or one that uses what it makes."""
        return self.line + self.user


def count(outcomes: Iterable[Outcome]) -> list[Count]:
    """Counts outcomes step by step, and all together."""
    counts: dict[str, Count] = {}
    for outcome in outcomes:
        for step in (f"{outcome.step:02d}", "all"):
            counts.setdefault(step, Count(step)).add(outcome)
    return sorted(counts.values(), key=lambda each: (each.step == "all", each.step))


def sample(step: int, source: str, most: int) -> list[Mutation]:
    """The mutations of a file, or as many of them as are wanted, the same each time."""
    every = list(mutations(source))
    return every if len(every) <= most else random.Random(step).sample(every, most)


def run(steps: Sequence[int], most: int, on_outcome: Callable[[Outcome], None] = lambda outcome: None) -> list[Outcome]:
    """Checks the mutants of some steps."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        workspace = finished_workspace(Path(folder))
        for step in steps:
            lab = Lab(step, workspace, output)
            try:
                for mutation in sample(step, lab.right, most):
                    outcomes.append(lab.check(mutation))
                    on_outcome(outcomes[-1])
            finally:
                lab.close()
    return outcomes


@click.command()
@click.option("--step", "steps", type=int, multiple=True, help="Only these steps.")
@click.option("--most", default=1000, show_default=True, help="Mutants of each step, drawn if there are more.")
@click.option("--record/--no-record", default=False, show_default=True, help="Put these steps into the JSON file.")
@click.option("--verbose", is_flag=True, help="Print each mutant whose line was not named, or that survived.")
def main(*, steps: tuple[int, ...], most: int, record: bool, verbose: bool) -> None:
    """Print a table of how often the wrong line is named."""
    console = Console()

    def tell(outcome: Outcome) -> None:
        if verbose and _is_missed(outcome):
            console.print(json.dumps(asdict(outcome)), soft_wrap=True, markup=False, highlight=False)

    outcomes = run(steps or STEPS, most, tell)
    console.print(_table(count(outcomes)))
    if record:
        before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        write_atomically(RESULTS, json.dumps(_recorded(outcomes, before), indent=1) + "\n")


def _is_missed(outcome: Outcome) -> bool:
    return outcome.verdict in ("unknown", "survived") or (outcome.verdict == "numbers" and outcome.hit not in _HITS)


def _table(counts: Sequence[Count]) -> Table:
    table = Table(title="Which line is named when one line of a solution is changed")
    for column in ("step", "mutants", "traced", "changed", "rejected", "that line", "or its user", "or a callee",
                   "seconds", "slowest"):  # fmt: skip
        table.add_column(column, justify="right")
    for each in counts:
        table.add_row(
            each.step, str(each.mutants), str(each.traced), str(each.changed), str(each.rejected),
            _percent(each.line, each.changed), _percent(each.named, each.changed),
            _percent(each.named + each.callee, each.changed),
            f"{np.median(each.seconds):.2f}" if each.seconds else "", f"{max(each.seconds, default=0.0):.2f}",
        )  # fmt: skip
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def _recorded(outcomes: Sequence[Outcome], before: Mapping[str, Any]) -> dict[str, Any]:
    """What is recorded: the counts of each step, and the mutants that were missed. Steps not measured now stay."""
    steps, missed = dict(before.get("steps", {})), dict(before.get("missed", {}))
    for each in count(outcomes)[:-1]:
        seconds = {"median": float(np.median(each.seconds)), "slowest": max(each.seconds)} if each.seconds else {}
        steps[each.step] = {**asdict(each), "seconds": seconds}
        missed[each.step] = [
            asdict(outcome) for outcome in outcomes if f"{outcome.step:02d}" == each.step and _is_missed(outcome)
        ]
    names = ("mutants", "traced", "changed", "rejected", "line", "user", "callee", "other")
    total = {name: sum(step[name] for step in steps.values()) for name in names}
    return {**describe("cpu"), "steps": dict(sorted(steps.items())), "all": total, "missed": missed}


if __name__ == "__main__":
    main()
