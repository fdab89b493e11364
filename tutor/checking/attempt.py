"""One look at a step, on one choice of files: traced, evaluated, and judged function by function."""

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from tutor.checking.contract import compare_parameters
from tutor.checking.diagnosis import explain_numbers
from tutor.checking.first_wrong_line import FirstWrongLine, Suspects, find_first_wrong_line
from tutor.checking.guard import ProblemFound
from tutor.checking.learner_link import LearnerLink, disturbed
from tutor.checking.numbers import Compared, Given
from tutor.checking.spec import Check, Expectation, RunnableSubject, Subject
from tutor.checking.statements import SourceFile
from tutor.checking.subject_graph import SubjectGraph, read_graph, shapes_of, texts_in
from tutor.checking.verdict import Problem, TaskState
from tutor.checking.wire import Message, WireError
from tutor.errors import CourseError
from tutor.graphs.devices import find_device
from tutor.graphs.evaluate.errors import EvaluationError, EvaluationLimitError
from tutor.invocation import typed
from tutor.learner.skeleton import Part
from tutor.learner.workspace import Workspace

# What a skeleton's function raises: "step 16, task 2: extend: store what is new".
_UNFILLED = re.compile(r"Not filled in yet: step (\d+), tasks? [^:]+: ([\w.]+): ")

_OF_NAMES = ("NameError", "UnboundLocalError", "AttributeError", "ImportError", "ModuleNotFoundError")


@dataclass
class Attempt:
    """What a look at a step found.

    Args:
        own: the steps that were the learner's files.
        root: the folder of the workspace.
        loaded: the steps that took part.
        graphs: the graph of each subject that could be traced, by name.
        by_line: graphs that were traced again, with the lines that made them.
        states: how far each function of the step is; see `TaskState`.
        passed: what was found right, in words.
        compared: the numbers of all cases.
        problem: the first thing that is wrong, if anything is.
        unfilled: the first function of the step that is not filled in, if there is one.
        replies: what came of tracing each subject, by name.
        wrong_subject: of the graphs whose numbers are wrong, if that is the problem, the smallest one's subject.
        brief: that something is wrong is all that is asked: it is not explained.
    """

    own: frozenset[int]
    root: str
    loaded: frozenset[int] = frozenset()
    graphs: dict[str, SubjectGraph] = field(default_factory=dict)
    by_line: dict[str, SubjectGraph] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    compared: Compared = field(default_factory=Compared)
    problem: Problem | None = None
    unfilled: Problem | None = None
    replies: dict[str, Message] = field(default_factory=dict)
    wrong_subject: str = ""
    brief: bool = False

    @property
    def right(self) -> bool:
        """Whether nothing is wrong and nothing is missing."""
        return self.problem is None and self.unfilled is None

    def tasks(self, parts: Sequence[Part]) -> list[TaskState]:
        """How far each function of the step is."""
        return [TaskState(part.function, part.tasks, part.text, self.states[part.function]) for part in parts]


@dataclass
class Look:
    """Looks at a step through a process with the learner's code.

    Args:
        step, check: which.
        parts: the functions that the learner writes, in order.
        cases: the cases with their numbers.
        device: `auto`, `cpu` or `gpu`.
        seed: of what the expectations draw.
        compile: gives runnable graphs for those that cannot be evaluated.
        trusted: earlier steps that are known to be right: a line that is wrong is in none of them.
    """

    step: int
    check: Check
    parts: Sequence[Part]
    cases: Sequence[Given]
    device: str
    seed: int
    compile: Callable[[Sequence[SubjectGraph]], Mapping[str, RunnableSubject]]
    trusted: frozenset[int] = frozenset()

    def __call__(self, link: LearnerLink, root: str, own: Collection[int]) -> Attempt:
        """Looks at the step with these steps as the learner wrote them, and the others as the solutions have them."""
        attempt = self._new_attempt(root, own)
        self._look_at_all(link, attempt)
        return attempt

    def briefly(self, link: LearnerLink, root: str, own: Collection[int], first: str) -> Attempt:
        """Finds out whether the step is right with these files; what is wrong is not explained.

        Args:
            link, root, own: as above.
            first: a subject that shows soon what is wrong, if anything is; empty if none is known.
        """
        attempt = self._new_attempt(root, own)
        attempt.brief = True
        subjects = [subject for subject in self.check.subjects if subject.name == first]
        self._look_at_all(link, attempt, first=subjects)
        return attempt

    def _new_attempt(self, root: str, own: Collection[int]) -> Attempt:
        return Attempt(frozenset(own), root, states={part.function: "open" for part in self.parts})

    def _look_at_all(self, link: LearnerLink, attempt: Attempt, first: Sequence[Subject] = ()) -> None:
        """Looks at the functions in order, but at some subjects before all else, until something is wrong."""
        try:
            reply = link.ask("open", step=self.step, root=attempt.root, own=sorted(attempt.own))
            attempt.loaded = _numbers(reply.get("loaded"))
            self._find_names(reply)
            for subject in first:
                self._trace(subject, link, attempt)
                self._compare([subject], link, attempt)
            attempt.passed.clear()
        except WireError:
            self._note(attempt, disturbed(self.step), "")
            return
        except ProblemFound as stop:
            self._note(attempt, stop.problem, "")
            return
        for function in [part.function for part in self.parts]:
            if not self._look_at(function, link, attempt):
                break
        if attempt.right:
            attempt.states = dict.fromkeys(attempt.states, "right")

    def _look_at(self, function: str, link: LearnerLink, attempt: Attempt) -> bool:
        """Looks at everything that shows whether a function is right; False if it is wrong."""
        subjects = [subject for subject in self.check.subjects if self._function(subject.part) == function]
        expectations = [
            (index, expectation)
            for index, expectation in enumerate(self.check.expectations_for(self.seed))
            if self._function(expectation.part) == function
        ]
        stages = [
            *(lambda s=subject: self._make(s, function, link, attempt) for subject in self._made_by(function)),
            *(lambda s=subject: self._trace(s, link, attempt) for subject in subjects if subject.compiled),
            *(lambda i=i, e=e: self._answer(i, e, link, attempt, {}) for i, e in expectations if not e.needs),
            lambda: self._compare(subjects, link, attempt),
            *(lambda i=i, e=e: self._answer(i, e, link, attempt, attempt.graphs) for i, e in expectations if e.needs),
        ]
        before, complete = len(attempt.passed), True
        for stage in stages:
            try:
                stage()
            except WireError:
                self._note(attempt, disturbed(self.step), "")
                return False
            except ProblemFound as stop:
                self._note(attempt, stop.problem, function)
                if attempt.problem is not None:
                    return False
                if attempt.states[function] == "unfilled":
                    return True
                complete = False  # it needs another function, which is not filled in
        if complete and len(attempt.passed) > before and attempt.states[function] == "open":
            attempt.states[function] = "right"
        return True

    def _made_by(self, function: str) -> list[Subject]:
        """A subject that shows whether an `__init__` makes the right parameters, whatever its class does with them."""
        owner, _, name = function.rpartition(".")
        made = [s for s in self.check.subjects if s.parameters and self._function(s.part).rpartition(".")[0] == owner]
        return made[:1] if name == "__init__" else []

    def _make(self, subject: Subject, function: str, link: LearnerLink, attempt: Attempt) -> None:
        """Makes a subject; what happens when it is called is for later."""
        reply = self._traced(subject, link, attempt)
        if "parameters" in reply:
            with self._explained():
                shapes = shapes_of(reply.message("parameters"))
                compare_parameters(self.step, subject, shapes, texts_in(reply, "in_place"))
            attempt.states[function] = "right"
        elif "problem" in reply:
            raise ProblemFound(Problem.from_message(reply.message("problem")))

    def _traced(self, subject: Subject, link: LearnerLink, attempt: Attempt) -> Message:
        if subject.name not in attempt.replies:
            attempt.replies[subject.name] = link.ask("trace", subject=subject.name, device=self.device)
            attempt.loaded |= _numbers(attempt.replies[subject.name].get("loaded"))
        return attempt.replies[subject.name]

    def _function(self, part: str) -> str:
        """The function that something is about: the step's last one, unless it says otherwise."""
        return part or self.parts[-1].function

    def _note(self, attempt: Attempt, problem: Problem, function: str) -> None:
        """Keeps a problem: a function of this step that is not filled in is no mistake."""
        unfilled = _UNFILLED.match(problem.summary)
        if problem.kind == "unfilled" and unfilled is not None and int(unfilled[1]) == self.step:
            attempt.states[unfilled[2]] = "unfilled"
            attempt.unfilled = attempt.unfilled or problem
            return
        attempt.problem = problem
        # A solution is right: an error that surfaces in one was caused by this step.
        if function and (problem.step == self.step or problem.step not in attempt.own):
            attempt.states[function] = "wrong"

    def _find_names(self, reply: Mapping[str, object]) -> None:
        missing = reply.get("missing")
        if isinstance(missing, list) and missing:
            raise ProblemFound(
                Problem(
                    kind="missing",
                    step=self.step,
                    summary=f"step_{self.step:02d}.py does not define `{missing[0]}`.",
                    advice="Put the name back as the skeleton has it. "
                    f"`{typed('reset', f'{self.step:02d}')}` restores the skeleton and keeps your file.",
                )
            )

    def _trace(self, subject: Subject, link: LearnerLink, attempt: Attempt) -> None:
        if subject.name in attempt.graphs:
            return
        reply = self._traced(subject, link, attempt)
        with self._explained():
            attempt.graphs[subject.name] = read_graph(self.step, subject, reply, find_device(self.device))

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """The check knows what lies behind some of the general sentences."""
        try:
            yield
        except ProblemFound as stop:
            advice = next((text for part, text in self.check.explain.items() if part in stop.problem.summary), "")
            raise ProblemFound(replace(stop.problem, advice=advice) if advice else stop.problem) from None

    def _compare(self, subjects: Sequence[Subject], link: LearnerLink, attempt: Attempt) -> None:
        """Compares the numbers of these subjects, all cases together."""
        names = [subject.name for subject in subjects]
        cases = [given for given in self.cases if given.subject.name in names]
        if any(given.subject.compiled and given.subject.name not in attempt.graphs for given in cases):
            return
        compared = Compared()
        runnable = self.runnable(attempt.graphs)
        for given in cases:
            arrays = self._run(given, runnable) if given.subject.compiled else self._call(given, link)
            compared.add(self.step, given, arrays)
        attempt.compared.results |= compared.results
        attempt.compared.largest_error = max(attempt.compared.largest_error, compared.largest_error)
        if compared.differences:
            given = next(given for given in cases if given.name in compared.differences)
            wrong = {each.subject.name for each in cases if each.name in compared.differences} & attempt.graphs.keys()
            attempt.wrong_subject = min(wrong, key=lambda name: len(attempt.graphs[name].traced.bytecode), default="")
            if attempt.brief:
                raise ProblemFound(Problem("numbers", self.step, "The numbers are wrong.", where=given.name))
            line = self._first_wrong_line(given, link, attempt)
            # Of mistakes that look alike, one that would have shown in a function that was right is not this one.
            looked_at = attempt.compared.results.keys() - compared.results.keys()
            before = [given for given in self.cases if given.name in looked_at]
            so_far = replace(compared, results=attempt.compared.results)
            raise ProblemFound(explain_numbers(self.step, self.check, cases, so_far, line, before=before))
        attempt.passed += [given.name for given in cases]

    def _first_wrong_line(self, given: Given, link: LearnerLink, attempt: Attempt) -> FirstWrongLine | None:
        """Sets the graph beside the solution's, which is traced where the learner's code was: it decides nothing."""
        graph, workspace = attempt.graphs.get(given.subject.name), Workspace(Path(attempt.root))
        if graph is None or self.step not in attempt.own or not graph.can_be_evaluated:
            return None
        try:
            graph = attempt.by_line[given.subject.name] = self._traced_by_line(given.subject, link)
            link.ask("open", step=self.step, root=attempt.root, own=[])
            reference = self._traced_by_line(given.subject, link)
        except (ProblemFound, CourseError):
            return None
        return find_first_wrong_line(graph, reference, given, self._suspects(given, workspace, attempt))

    def _traced_by_line(self, subject: Subject, link: LearnerLink) -> SubjectGraph:
        """The graph of a subject with the lines that made it."""
        reply = link.ask("trace", subject=subject.name, device=self.device, lines=True)
        return read_graph(self.step, subject, reply, find_device(self.device))

    def _suspects(self, given: Given, workspace: Workspace, attempt: Attempt) -> Suspects:
        steps = sorted(attempt.own - self.trusted)
        solution = SourceFile.read(workspace.solution(self.step))
        unwritten = set() if solution is None else solution.functions.keys() - attempt.states.keys()
        return Suspects(
            files=[workspace.step(step) for step in steps],
            solutions=[workspace.solution(step) for step in steps],
            function=self._function(given.subject.part),
            trusted=unwritten | {function for function, state in attempt.states.items() if state == "right"},
        )

    def runnable(self, graphs: Mapping[str, SubjectGraph]) -> dict[str, RunnableSubject]:
        """Graphs ready to run: evaluated where that is possible, else compiled."""
        unknown = [graph for graph in graphs.values() if not graph.can_be_evaluated]
        compiled = self.compile(unknown) if unknown else {}
        return {name: compiled.get(name, graph) for name, graph in graphs.items()}

    def _run(self, given: Given, runnable: Mapping[str, RunnableSubject]) -> Sequence[np.ndarray]:
        with self._computed(given.name):
            return runnable[given.subject.name](given.parameters, *given.inputs.values())

    @contextlib.contextmanager
    def _computed(self, where: str) -> Iterator[None]:
        """Says what is wrong with a graph that cannot be computed."""
        try:
            yield
        except EvaluationLimitError:
            summary = "The graph never stops running."
            advice = "Look at the condition of your loop: something that it tests must change in the body."
            raise ProblemFound(Problem("stopped", self.step, summary, where=where, advice=advice)) from None
        except EvaluationError as error:
            summary = f"The graph can be built, but not computed: {error}"
            raise ProblemFound(Problem("exception", self.step, summary, where=where)) from None

    def _call(self, given: Given, link: LearnerLink) -> Sequence[np.ndarray]:
        arguments = [*given.inputs.values(), *given.parameters.values()]
        reply = link.ask("call", subject=given.subject.name, where=given.name, arguments=arguments)
        if "problem" in reply:
            raise ProblemFound(Problem.from_message(reply.message("problem")))
        arrays = reply.arrays("results") if "results" in reply else []
        if len(arrays) == len(given.subject.outputs):
            return arrays
        returned = str(reply.get("returned"))
        if returned == "None":
            summary, advice = "The function returned None.", "Is a `return` missing?"
        else:
            summary, advice = f"The function must return lists of numbers; it returned {returned}.", ""
        raise ProblemFound(Problem("returns", self.step, summary, where=given.subject.name, advice=advice))

    def _answer(
        self,
        index: int,
        expectation: Expectation,
        link: LearnerLink,
        attempt: Attempt,
        graphs: Mapping[str, SubjectGraph],
    ) -> None:
        """Finds the answer to an expectation, and compares it."""
        if any(name not in graphs for name in expectation.needs):
            return  # its graph could not be traced yet
        self.answer(index, expectation, link, self.runnable({name: graphs[name] for name in expectation.needs}))
        attempt.passed.append(expectation.name)

    def answer(
        self, index: int, expectation: Expectation, link: LearnerLink, runnable: Mapping[str, RunnableSubject]
    ) -> None:
        """Finds the answer to an expectation with these graphs, and compares it.

        Raises:
            ProblemFound: the answer is wrong, or there is none.
        """
        if expectation.of_graphs:
            with self._computed(expectation.name):
                answer = expectation.evaluate(_NO_CODE, runnable)
        else:
            link.runnable = runnable
            reply = link.ask("answer", expectation=index, seed=self.seed)
            if "problem" in reply:
                raise ProblemFound(_asked(Problem.from_message(reply.message("problem")), expectation))
            answer = reply["answer"]
        try:
            got = expectation.read(answer)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            got = answer  # it has another form than the answer to this question has
        if equal(got, expectation.expected):
            return
        advice = next((text for wrong, text in expectation.wrong if equal(got, wrong)), expectation.advice)
        raise ProblemFound(
            Problem(
                kind="expectation",
                step=self.step,
                summary=f"Not right yet: {expectation.name}",
                details=differing(expectation.expected, got),
                advice=advice,
            )
        )


class _NoCode:
    """Stands for the code under test where only graphs are asked."""

    def __getitem__(self, step: int) -> NoReturn:
        raise TypeError("an expectation of graphs has no code to ask")


_NO_CODE = _NoCode()


def _asked(problem: Problem, expectation: Expectation) -> Problem:
    """A problem that came up when a question was asked keeps the question, and its advice if it has none itself."""
    if problem.kind != "exception":
        return problem
    details = [("while checking", expectation.name), *problem.details]
    # A name that does not exist has nothing to do with what is asked.
    advice = "" if problem.summary.startswith(_OF_NAMES) else expectation.advice
    return replace(problem, details=details, advice=problem.advice or advice)


def differing(expected: object, got: object) -> list[tuple[str, str]]:
    """What was expected and what was got; of two dicts only the entries that differ."""
    if isinstance(expected, dict) and isinstance(got, dict):
        keys = [key for key in expected if key not in got or not equal(got[key], expected[key])]
        more = [key for key in got if key not in expected]
        if len(keys) + len(more) < len(expected.keys() | got.keys()):
            expected = {key: expected[key] for key in keys}
            got = {key: got[key] for key in [*keys, *more] if key in got}
    return [("expected", short(expected)), ("got", short(got))]


def _numbers(value: object) -> frozenset[int]:
    return frozenset(number for number in value if isinstance(number, int)) if isinstance(value, list) else frozenset()


def equal(got: object, expected: object) -> bool:
    """Equality that tells True from 1, and takes arrays."""
    if isinstance(got, np.ndarray) and isinstance(expected, np.ndarray):
        return np.array_equal(got, expected)
    return type(got) is type(expected) and bool(got == expected)


def short(value: object) -> str:
    """A value in at most 200 characters."""
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."
