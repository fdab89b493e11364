"""What both roads are compared on: the graphs of the course's files, right and wrong ones, and random graphs."""

import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from max.driver import CPU

from book.captures import all_captures
from tests.graphs.random_graphs import SPECS, RandomGraph
from tests.wrong_files import WRONG_FILES
from tutor.checking.guard import ProblemFound
from tutor.checking.learner_link import LearnerLink
from tutor.checking.numbers import Given, stored_cases
from tutor.checking.spec import Arrays
from tutor.checking.subject_graph import SubjectGraph, read_graph
from tutor.course import COURSE, find_step
from tutor.graphs.evaluate.program import Program
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph
from tutor.learner.skeleton import as_learners_file, finished_workspace
from tutor.learner.workspace import Workspace


@dataclass(frozen=True)
class CourseFile:
    """A solution, or a learner's file with a mistake.

    Args:
        kind: "solution", "wrong file" (of the tests) or "book".
        name: in words.
        step: the step that is checked.
        changed: the step whose file has the mistake; the same, as a rule.
        replace: pieces of the solution, each occurring once, and what stands there in the file.
        right_but_for_max: MAX 26.7.0 is known to compile a graph of it wrongly.
    """

    kind: str
    name: str
    step: int
    changed: int
    replace: tuple[tuple[str, str], ...] = ()
    right_but_for_max: bool = False

    def write(self, workspace: Workspace) -> None:
        """Writes the file into a workspace, where a learner would have it."""
        text = workspace.solution(self.changed).read_text(encoding="utf-8")
        for old, new in self.replace:
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} occurs {text.count(old)} times in the solution")
            text = text.replace(old, new)
        workspace.step(self.changed).write_text(as_learners_file(text), encoding="utf-8")


@dataclass(frozen=True)
class Numbers:
    """What a graph is run on.

    Args:
        name: the case in words.
        parameters, inputs: what goes in.
        expected: what is to come out, result by result; None where nothing is stored of a result.
        tolerance: the largest error allowed.
    """

    name: str
    parameters: Arrays
    inputs: tuple[np.ndarray, ...]
    expected: tuple[np.ndarray | None, ...]
    tolerance: float

    @classmethod
    def of(cls, given: Given) -> "Numbers":
        """The numbers of a case of a check."""
        expected = tuple(given.expected.get(name) for name in given.subject.results)
        return cls(given.name, given.parameters, tuple(given.inputs.values()), expected, given.tolerance)


@dataclass(frozen=True)
class Candidate:
    """A graph, and what it is run on.

    Args:
        kind: "solution", "wrong file", "book" or "random".
        file: the file that it was traced from, in words.
        name: the graph, in words.
        right_but_for_max: see `CourseFile`.
    """

    kind: str
    file: str
    name: str
    traced: TracedGraph
    program: Program
    cases: tuple[Numbers, ...]
    right_but_for_max: bool = False

    @property
    def has_bfloat16(self) -> bool:
        """Whether anything in the graph is rounded to bfloat16."""
        return any("bfloat16" in (type_.dtype for type_ in operation.result_types) for operation in self.program.walk())


def solutions() -> list[CourseFile]:
    """The solutions whose graphs have stored numbers."""
    steps = [step.number for step in COURSE if any(case_has_graph(given) for given in cases_of(step.number))]
    return [CourseFile("solution", f"solution {step:02d}", step, step) for step in steps]


def wrong_files() -> list[CourseFile]:
    """The wrong files of the tests."""
    return [
        CourseFile("wrong file", f"step {file.step:02d}: {file.told}", file.step, file.step, file.replace,
                   file.right_but_for_max)
        for file in WRONG_FILES
    ]  # fmt: skip


def book_files(chapter: str = "") -> list[CourseFile]:
    """The mistakes that the book shows, or those of one chapter; a file that is not complete is none."""
    files = []
    for shown_in, name, capture in all_captures(chapter):
        if capture.skeleton or not capture.replace:
            continue
        changed = int(shown_in.removeprefix("step_")) if capture.step is None else capture.step
        checked = re.fullmatch(r"s(\d\d)", (shlex.split(capture.command) or [""])[0])
        step = changed if checked is None else int(checked[1])
        files.append(CourseFile("book", f"{shown_in}: {name}", step, changed, capture.replace))
    return files


def case_has_graph(given: Given) -> bool:
    """Whether a graph gives the numbers of a case: some are of plain Python."""
    return given.subject.compiled


def cases_of(step: int) -> list[Given]:
    """The stored cases of a step."""
    return stored_cases(step, find_step(step).check)


def trace_files(files: Sequence[CourseFile]) -> Iterator[Candidate]:
    """Traces the graphs of files as a check does, in a process of their own. What cannot be traced is left out."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        workspace = finished_workspace(Path(folder))
        link = LearnerLink(0, output)
        try:
            for file in files:
                file.write(workspace)
                for graph, cases in _graphs(file, workspace, link):
                    name = f"{file.name}, {graph.subject.name}"
                    yield Candidate(
                        file.kind, file.name, name, graph.traced, graph.program, cases, file.right_but_for_max
                    )
                CourseFile("solution", "", file.changed, file.changed).write(workspace)
        finally:
            link.close()


def _graphs(
    file: CourseFile, workspace: Workspace, link: LearnerLink
) -> Iterator[tuple[SubjectGraph, tuple[Numbers, ...]]]:
    own = [] if file.kind == "solution" else list(range(file.step + 1))
    cases = cases_of(file.step)
    try:
        link.ask("open", step=file.step, root=str(workspace.root), own=own)
    except ProblemFound:
        return
    for subject in find_step(file.step).check.subjects:
        numbers = tuple(Numbers.of(given) for given in cases if given.subject.name == subject.name)
        if not subject.compiled or not numbers:
            continue
        try:
            reply = link.ask("trace", subject=subject.name, device="cpu")
            graph = read_graph(file.step, subject, reply, CPU())
        except ProblemFound:
            continue
        yield graph, numbers


def random_candidates(graphs: Iterable[tuple[int, RandomGraph]]) -> Iterator[Candidate]:
    """Random graphs over all operations, each with its number. Nobody knows what they are to give."""
    for number, graph in graphs:
        traced = trace(lambda graph=graph: graph.function, SPECS, CPU())
        unknown = (None,) * len(traced.outputs)
        numbers = Numbers("its inputs", {}, tuple(graph.inputs), unknown, 0.0)
        name = f"random graph {number}"
        yield Candidate("random", name, name, traced, read_module(traced.module), (numbers,))
