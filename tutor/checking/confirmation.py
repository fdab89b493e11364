"""Confirms with MAX what the evaluator found: the graphs are compiled, and run on the same cases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tutor.checking.attempt import Attempt, Look
from tutor.checking.diagnosis import details_of, find_mistake
from tutor.checking.guard import ProblemFound
from tutor.checking.learner_link import LearnerLink
from tutor.checking.numbers import Compared
from tutor.checking.spec import Check, RunnableSubject
from tutor.checking.subject_graph import ConfirmedGraph, SubjectGraph
from tutor.checking.verdict import Problem
from tutor.errors import CompileError
from tutor.graphs.compile_cache import CompileCache


@dataclass
class Compiler:
    """Compiles the graphs of a check, together, and counts.

    Args:
        step, check: of which step they are.
        folder: where compiled graphs are kept.
        on_compile: told how many graphs are about to be compiled.
    """

    step: int
    check: Check
    folder: Path
    on_compile: Callable[[int], None]
    compiled: int = 0
    seconds: float = 0.0
    damaged: int = 0
    _ready: dict[str, RunnableSubject] = field(default_factory=dict)

    def __call__(self, graphs: Sequence[SubjectGraph]) -> dict[str, RunnableSubject]:
        """Gives the compiled graphs, by the subjects' names.

        Raises:
            ProblemFound: MAX cannot compile one of them.
        """
        wanted = {graph.traced.fingerprint: graph.traced for graph in graphs}
        missing = [graph for fingerprint, graph in wanted.items() if fingerprint not in self._ready]
        if missing:
            self._load(missing)
        return {graph.subject.name: self._ready[graph.traced.fingerprint] for graph in graphs}

    def _load(self, missing: Sequence) -> None:
        cache, before, started = CompileCache(self.folder), self.compiled, monotonic()

        def count(graphs: int) -> None:
            self.compiled += graphs
            self.on_compile(graphs)

        try:
            for compiled in cache.load(missing, count):
                self._ready[compiled.traced.fingerprint] = compiled
        except CompileError as error:
            raise ProblemFound(self._problem(str(error))) from None
        finally:
            self.damaged += len(cache.damaged)
            if self.compiled > before:
                self.seconds += monotonic() - started

    def _problem(self, log: str) -> Problem:
        """The graph traced, and MAX's compiler failed on it."""
        advice = next(
            (text for part, text in self.check.explain.items() if part in log),
            "Look for an argument that is out of range, such as an axis. Undo your last change and check again.",
        )
        line = next((line for line in log.splitlines() if "error:" in line), log.strip().splitlines()[0])
        summary = "The graph can be traced, but MAX cannot compile it."
        return Problem("exception", self.step, summary, details=[("MAX says", line.strip())], advice=advice)


def confirm(attempt: Attempt, look: Look, link: LearnerLink, compiler: Compiler) -> Compared:
    """Runs the compiled graphs on all cases and expectations of a step that is right so far.

    Returns:
        The results of MAX, with the largest error.

    Raises:
        ProblemFound: MAX cannot compile the graphs, or computes other numbers than they mean.
    """
    compared = Compared()
    if not attempt.graphs:
        return attempt.compared
    # A graph that the evaluator does not know was compiled before, in any case.
    alone = {name for name, graph in attempt.graphs.items() if not graph.subject.confirmed and graph.can_be_evaluated}
    compiled = compiler([graph for name, graph in attempt.graphs.items() if name not in alone])
    runnable: Mapping[str, RunnableSubject] = {
        name: graph
        if name in alone
        else ConfirmedGraph(graph, compiled[name])
        if graph.can_be_evaluated
        else compiled[name]
        for name, graph in attempt.graphs.items()
    }
    cases = [given for given in look.cases if given.subject.compiled and given.subject.name not in alone]
    for given in cases:
        compared.add(look.step, given, runnable[given.subject.name](given.parameters, *given.inputs.values()))
    if compared.differences:
        raise ProblemFound(_compiled_wrongly(look, compared, len(cases)))
    for index, expectation in enumerate(look.check.expectations_for(look.seed)):
        if expectation.needs:
            try:
                look.answer(index, expectation, link, {name: runnable[name] for name in expectation.needs})
            except ProblemFound as stop:
                raise ProblemFound(_as_compiled(stop.problem, look)) from None
    compared.largest_error = max(compared.largest_error, attempt.compared.largest_error)
    return compared


def _compiled_wrongly(look: Look, compared: Compared, total: int) -> Problem:
    where, difference = next(iter(compared.differences.items()))
    details = details_of(difference, len(compared.differences), total)
    # What MAX makes of such a graph can be what a known mistake gives: then its advice is what helps.
    mistake = find_mistake(look.check, [given for given in look.cases if given.subject.compiled], compared)
    if mistake is None:
        return Problem("compiler", look.step, _SUMMARY, where=where, details=details, advice=_advice(look))
    details.insert(0, ("it computes", mistake.name))
    return Problem("compiler", look.step, _SUMMARY, where=where, details=details, advice=mistake.advice)


def _as_compiled(problem: Problem, look: Look) -> Problem:
    """The same problem, which only the compiled graph has."""
    if problem.kind != "expectation":
        return problem
    return Problem("compiler", look.step, _SUMMARY, problem.summary, problem.details, _advice(look), problem.frames)


_SUMMARY = "Your graph is right, but MAX 26.7.0 compiles it into something that computes other numbers."


def _advice(look: Look) -> str:
    return look.check.compiler_fault or (
        "This is a fault of MAX's compiler and not of yours. Write the lines in another way: with fewer operations "
        "between masks, with other axes, or as the hints do."
    )
