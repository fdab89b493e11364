"""Looks at a step as a check does, up to the compiler: traced, evaluated and judged, and nothing is compiled."""

import ast
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from tutor.checking.attempt import Attempt, Look
from tutor.checking.learner_link import LearnerLink
from tutor.checking.numbers import drawn_cases, stored_cases
from tutor.checking.spec import RunnableSubject
from tutor.checking.subject_graph import SubjectGraph
from tutor.course import find_step
from tutor.learner.skeleton import as_learners_file, parts_of
from tutor.learner.workspace import REPOSITORY, Workspace

SEED = 20


class UnknownOperationError(AssertionError):
    """The evaluator does not know an operation of a graph: only the compiled graph could be run."""


class Looker:
    """Looks at one step, again and again, with files of a workspace that may change meanwhile."""

    def __init__(self, step: int, workspace: Workspace, link: LearnerLink, seed: int = SEED) -> None:
        self.step, self.workspace, self.link = step, workspace, link
        check = find_step(step).check
        self.parts = parts_of(Workspace(REPOSITORY).solution(step).read_text())
        stored = stored_cases(step, check)
        cases = [*stored, *drawn_cases(check, stored, seed)]
        self._look = Look(step, check, self.parts, cases, "cpu", seed, compile_nothing)

    @property
    def functions(self) -> list[str]:
        """The functions that the learner writes, in order."""
        return [part.function for part in self.parts]

    def __call__(self, source: str) -> Attempt:
        """Looks at a step file with this text, on the solutions of the earlier steps."""
        self.workspace.step(self.step).write_text(source)
        return self._look(self.link, str(self.workspace.root), [self.step])


@contextmanager
def looker(step: int, workspace: Workspace, seed: int = SEED) -> Iterator[Looker]:
    """A `Looker` with a process for the learner's code, which ends afterwards."""
    with tempfile.TemporaryFile() as output:
        link = LearnerLink(step, output)
        try:
            yield Looker(step, workspace, link, seed)
        finally:
            link.close()


def partly_filled(step: int, filled: Collection[str]) -> str:
    """A learner's file in which these functions are as in the solution, and the others as in the skeleton."""
    skeleton = Workspace(REPOSITORY).step(step).read_text().splitlines()
    solution = as_learners_file(Workspace(REPOSITORY).solution(step).read_text()).splitlines()
    there, here = _lines_of(solution), _lines_of(skeleton)
    for name in sorted(filled, key=lambda name: here[name].start, reverse=True):  # earlier line numbers stay right
        skeleton[here[name]] = solution[there[name]]
    if filled:
        # What a skeleton leaves out before the functions: the imports of step 02.
        missing = [line for line in solution if line.startswith("from ") and line not in skeleton]
        first = next(index for index, line in enumerate(skeleton) if line.startswith(("from ", "import ", "def ")))
        skeleton[first:first] = missing
    return "\n".join(skeleton) + "\n"


def _lines_of(source: Sequence[str]) -> dict[str, slice]:
    """The lines of each function and method, with its decorators, by its qualified name."""
    found = {}
    for node in ast.parse("\n".join(source)).body:
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, ast.FunctionDef):
                first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
                found[owner + function.name] = slice(first - 1, function.end_lineno)
    return found


def compile_nothing(graphs: Sequence[SubjectGraph]) -> dict[str, RunnableSubject]:
    """Stands in for the compiler, where the evaluator knows every operation."""
    raise UnknownOperationError(
        f"the evaluator does not know all operations of {[graph.subject.name for graph in graphs]}"
    )
