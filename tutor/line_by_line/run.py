"""Runs the code of a step line by line: traced in a process of its own, computed here, and nothing compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tutor.checking.compare import matches
from tutor.checking.first_wrong_line import FirstWrongLine, Suspects, find_first_wrong_line
from tutor.checking.guard import ProblemFound
from tutor.checking.learner_link import LearnerLink
from tutor.checking.line_values import Line, Recording, record
from tutor.checking.numbers import Given
from tutor.checking.statements import SourceFile
from tutor.checking.subject_graph import SubjectGraph, read_graph, read_traced
from tutor.checking.verdict import Frame, Problem
from tutor.checking.wire import Message
from tutor.course import Step
from tutor.errors import CourseError, ToolError
from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.evaluator import unknown_operations
from tutor.learner.progress import is_green
from tutor.learner.skeleton import parts_of
from tutor.learner.workspace import Workspace
from tutor.line_by_line.code_process import CodeProcess
from tutor.line_by_line.on_text import Labels, TextGiven


@dataclass(frozen=True)
class LineRun:
    """A step's code with the numbers of one case.

    Args:
        step: which.
        workspace: whose files.
        files: those that the code is in: the step's own, then earlier ones.
        cases: the step's cases that can be shown.
        given: the one that is shown.
        on_text: where the numbers are from if they are those of a text, and of no case.
        lines: of all files that made tensors, in the order in which they first ended.
        recording: the operations by the lines of the step's own file; None if there is no graph.
        problem: why the code did not run to its end; None if it did.
        right: whether the numbers are the expected ones; None where that is not known.
        wrong: the first wrong line, if there is one.
        printed: what the code printed.
    """

    step: Step
    workspace: Workspace
    files: Sequence[Path]
    cases: Sequence[Given]
    given: Given
    on_text: TextGiven | None = None
    lines: Sequence[Line] = ()
    recording: Recording | None = None
    problem: Problem | None = None
    right: bool | None = None
    wrong: FirstWrongLine | None = None
    printed: str = ""

    @property
    def file(self) -> Path:
        """The step's own file."""
        return self.files[0]

    @property
    def number(self) -> int:
        """The number of the case, from 1."""
        return self.cases.index(self.given) + 1

    @property
    def labels(self) -> Labels:
        """What stands at the places along a dimension, by its name."""
        return {} if self.on_text is None else self.on_text.labels

    @property
    def failed_at(self) -> Frame | None:
        """The line of the step's own file in which the trace failed."""
        return next((frame for frame in reversed(self._frames) if self.path_of(frame) == self.file), None)

    @property
    def _frames(self) -> Sequence[Frame]:
        return self.problem.frames if self.problem is not None else []

    def path_of(self, frame: Frame) -> Path:
        """The file that a line of a traceback is in."""
        return self.workspace.root / frame.file


def run_lines(
    process: CodeProcess,
    step: Step,
    workspace: Workspace,
    cases: Sequence[Given],
    given: Given | TextGiven,
    *,
    solutions: bool,
    device: str,
    green: Mapping[int, Mapping[str, str]],
) -> LineRun:
    """Runs a step's code line by line.

    Args:
        process: in which the code runs.
        step, workspace: whose code.
        cases: from `cases_with_a_graph`.
        given: one of them, from `choose_case`; or what `step_on_text` gives.
        solutions: the solutions' code in place of the learner's.
        device: `auto`, `cpu` or `gpu`: for which the graph is traced. The numbers are computed by the evaluator.
        green: as in `supervisor.run`: in these steps there is no wrong line.

    Raises:
        CourseError: it cannot be run here, whatever the code is.
    """
    own = () if solutions else range(step.number + 1)
    on_text = given if isinstance(given, TextGiven) else None
    numbers = given.given if isinstance(given, TextGiven) else given
    run = _Run(process.link, step, workspace, numbers, device, own)
    found = run.found(green)
    if process.timed_out:
        summary = f"Stopped after {process.seconds:.0f} seconds of importing and tracing."
        found["problem"] = Problem("stopped", step.number, summary, advice="Look for a loop that never ends.")
    return LineRun(step, workspace, run.files, cases, numbers, on_text, **found, printed=process.printed())


class _Run:
    """One run of a step's code."""

    def __init__(
        self, link: LearnerLink, step: Step, workspace: Workspace, given: Given, device: str, own: Sequence[int]
    ) -> None:
        from tutor.graphs.devices import find_device

        self._link, self._step, self._workspace, self._given, self._own = link, step, workspace, given, own
        self._name, self._device = device, find_device(device)
        numbers = range(step.number, -1, -1)
        self.files = [workspace.step(number) if number in own else workspace.solution(number) for number in numbers]

    def found(self, green: Mapping[int, Mapping[str, str]]) -> dict:
        """What there is to show, by the names of `LineRun`."""
        try:
            self._link.ask("open", step=self._step.number, root=str(self._workspace.root), own=list(self._own))
            reply = self._traced()
        except ProblemFound as stop:
            return {"problem": stop.problem}
        problem: Problem | None = None
        try:
            read_graph(self._step.number, self._given.subject, reply, self._device)
        except ProblemFound as stop:
            problem = stop.problem
        if "bytecode" not in reply:
            return {"problem": problem}
        graph = read_traced(self._given.subject, reply, self._device)
        if names := unknown_operations(graph.program):
            summary = f"The graph uses what only MAX itself can compute: {', '.join(names)}."
            return {"problem": problem or Problem("unknown", self._step.number, summary)}
        if self._unlike(graph):
            return {"problem": problem}
        frames = problem.frames if problem is not None else []
        unfinished = [(self._workspace.root / frame.file, frame.line) for frame in frames]
        inputs = list(self._given.inputs.values())

        def recorded(files: Sequence[Path]) -> Recording:
            return record(graph, self._given.parameters, inputs, files, unfinished=unfinished)

        found = {"lines": recorded(self.files).lines, "recording": recorded(self.files[:1]), "problem": problem}
        if problem is not None:
            return found
        return found | self._judged(graph, green)

    def _traced(self) -> Message:
        """What the process says of the trace, with the unfinished graph where that can be had."""
        name = self._given.subject.name
        try:
            return self._link.ask("trace", subject=name, device=self._name, lines=True, unfinished=True)
        except ToolError:
            return self._link.ask("trace", subject=name, device=self._name, lines=True)

    def _unlike(self, graph: SubjectGraph) -> bool:
        """Whether the graph's parameters are not those of the case."""
        shapes = {name: tuple(type_.shape.static_dims) for name, type_ in graph.traced.parameters.items()}
        return shapes != {name: self._given.parameters[name].shape for name in shapes if name in self._given.parameters}

    def _judged(self, graph: SubjectGraph, green: Mapping[int, Mapping[str, str]]) -> dict:
        """Whether the numbers are right, and if not, which line is the first wrong one."""
        given = self._given
        try:
            arrays = graph.evaluate(given.parameters, *given.inputs.values())
        except EvaluationError as error:
            summary = f"The graph can be traced, but not computed: {error}"
            return {"problem": Problem("exception", self._step.number, summary)}
        results = dict(zip(given.subject.results, arrays, strict=True))
        if all(matches(results[name], values, given.tolerance) for name, values in given.expected.items()):
            return {"right": True}
        return {"right": False, "wrong": self._first_wrong_line(graph, green)}

    def _first_wrong_line(self, graph: SubjectGraph, green: Mapping[int, Mapping[str, str]]) -> FirstWrongLine | None:
        number, given, workspace = self._step.number, self._given, self._workspace
        try:
            self._link.ask("open", step=number, root=str(workspace.root), own=[])
            reply = self._link.ask("trace", subject=given.subject.name, device=self._name, lines=True)
            reference = read_graph(number, given.subject, reply, self._device)
        except (ProblemFound, CourseError):
            return None
        parts = parts_of(workspace.solution(number).read_text(encoding="utf-8"))
        solution = SourceFile.read(workspace.solution(number))
        steps = [each for each in self._own if each == number or not is_green(workspace, each, green)]
        suspects = Suspects(
            files=[workspace.step(each) for each in steps],
            solutions=[workspace.solution(each) for each in steps],
            function=given.subject.part or parts[-1].function,
            trusted=set() if solution is None else solution.functions.keys() - {part.function for part in parts},
        )
        return find_first_wrong_line(graph, reference, given, suspects)
