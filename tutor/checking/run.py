"""Runs the check of one step, in this process, and prints nothing.

The order is: import and answer facts, trace, compile, compare. Everything that can be
found without compiling is found before. See `check.py` for the vocabulary.
"""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutor.checking import stored_numbers
from tutor.checking.compare import Difference, errors, find_difference, limit_for, matches
from tutor.checking.guard import Guard, ProblemFound
from tutor.checking.loader import StepModules
from tutor.checking.spec import Check, Expectation, Subject
from tutor.checking.verdict import Problem, Verdict
from tutor.course import find_step
from tutor.errors import CompileError
from tutor.graphs.tensor_spec import TensorSpec
from tutor.invocation import typed
from tutor.learner.progress import file_hashes, is_green
from tutor.learner.workspace import Workspace

Emit = Callable[..., None]


@dataclass
class TracedStep:
    """A step imported and traced on one choice of files, before anything is compiled."""

    view: StepModules
    traced: dict[str, Any]
    passed: list[str]
    others: frozenset[int]

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for two choices of files that give the same graphs."""
        return tuple(graph.fingerprint for graph in self.traced.values())


@dataclass
class Outcome:
    """What running the cases and facts of a prepared step gave."""

    passed: list[str]
    largest_error: float = 0.0
    problem: Problem | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class CheckRun:
    """The check of one step: what to check, with what, and what it has cost so far."""

    step: int
    check: Check
    workspace: Workspace
    device_name: str
    cache_folder: Path
    emit: Emit
    compiled: int = 0
    compile_seconds: float = 0.0
    executables: dict[str, Any] = field(default_factory=dict)
    uncompilable: dict[tuple[str, ...], Problem] = field(default_factory=dict)

    # --- before compiling -------------------------------------------------------------------

    def prepare(self, view: StepModules) -> TracedStep:
        """Imports, traces, and answers the facts that need no compiled graph."""
        guard = Guard(view, self.step)
        module = guard(f"importing {view.file(self.step).name}", lambda: view[self.step])
        for name in self.check.names:
            if not hasattr(module, name):
                raise ProblemFound(
                    Problem(
                        kind="missing",
                        step=self.step,
                        summary=f"{view.file(self.step).name} does not define `{name}`.",
                        advice="Put the name back as the skeleton has it. "
                        f"`{typed('reset', f'{self.step:02d}')}` restores the skeleton and keeps your file.",
                    )
                )
        traced = {subject.name: self.trace(subject, guard) for subject in self.check.subjects if subject.compiled}
        passed = [self.answer(fact, guard, {}) for fact in self.check.expectations if not fact.needs]
        return TracedStep(view, traced, passed, view.loaded - {self.step})

    def answer(self, fact: Expectation, guard: "Guard", executables: Mapping[str, Any]) -> str:
        """Evaluates a fact; gives its name if the answer is right, raises ProblemFound if not."""
        got = guard(fact.name, lambda: fact.evaluate(guard.view, executables))
        if _equal(got, fact.expected):
            return fact.name
        advice = next((text for wrong, text in fact.wrong if _equal(got, wrong)), fact.advice)
        raise ProblemFound(
            Problem(
                kind="fact",
                step=self.step,
                summary=f"Not right yet: {fact.name}",
                details=[("expected", _short(fact.expected)), ("got", _short(got))],
                advice=advice,
            )
        )

    def trace(self, subject: Subject, guard: "Guard") -> Any:
        """Traces a subject and compares its parameters and results with what the step asks for."""
        # MAX takes half a second to import, which steps in plain Python should not pay.
        from tutor.graphs.devices import find_device

        def compare_parameters(shapes: Mapping[str, tuple[Any, ...]]) -> None:
            _compare_parameters(self.step, subject, shapes)

        device = find_device(self.device_name)
        try:
            traced = self._trace(subject, guard, device, compare_parameters)
            _compare_outputs(self.step, subject, traced.outputs, traced.single)
        except ProblemFound as stop:
            # The check knows what lies behind some of the general sentences.
            advice = next((text for part, text in self.check.explain.items() if part in stop.problem.summary), "")
            raise ProblemFound(replace(stop.problem, advice=advice) if advice else stop.problem) from None
        return traced

    def _trace(self, subject: Subject, guard: "Guard", device: Any, compare_parameters: Callable[..., None]) -> Any:
        from tutor.graphs.trace import ReturnError, trace

        return guard(
            subject.name,
            lambda: trace(lambda: subject.build(guard.view), list(subject.inputs.values()), device, compare_parameters),
            explain=self.check.explain,
            returns=ReturnError,
        )

    @functools.cached_property
    def cache(self) -> Any:
        """The cache of compiled graphs. Importing it imports MAX, so it waits for the first graph."""
        from tutor.graphs.compile_cache import CompileCache

        return CompileCache(self.cache_folder)

    # --- compiling and after ----------------------------------------------------------------

    def load(self, prepared: Sequence[TracedStep]) -> None:
        """Makes all the graphs of these choices of files ready to run, with one compile if MAX can compile them all."""
        different = {one.key: one for one in prepared if one.key not in self.uncompilable}
        graphs = {graph.fingerprint: graph for one in different.values() for graph in one.traced.values()}
        wanted = [graph for fingerprint, graph in graphs.items() if fingerprint not in self.executables]
        if not wanted:
            return
        started = time.monotonic()

        def on_compile(count: int) -> None:
            self.compiled += count
            self.emit("compile", graphs=count)

        try:
            for executable in self.cache.load(wanted, on_compile):
                self.executables[executable.traced.fingerprint] = executable
        except CompileError as error:
            if len(different) > 1:  # one of them spoils it for all
                for one in different.values():
                    self.load([one])
                return
            self.uncompilable[next(iter(different))] = self.compiler_problem(str(error))
        if self.compiled:
            self.compile_seconds += time.monotonic() - started
        self.emit("compare")

    def compiler_problem(self, log: str) -> Problem:
        """The graph traced, and MAX's compiler failed on it."""
        advice = next(
            (text for part, text in self.check.explain.items() if part in log),
            "Look for an argument that is out of range, such as an axis. Undo your last change and check again.",
        )
        line = next((line for line in log.splitlines() if "error:" in line), log.strip().splitlines()[0])
        details = [("MAX says", line.strip())]
        return Problem(
            "exception",
            self.step,
            "The graph can be traced, but MAX cannot compile it.",
            details=details,
            advice=advice,
        )

    def in_cache(self, prepared: TracedStep) -> bool:
        """Whether running this needs no compile."""
        return not prepared.traced or not self.cache.missing(prepared.traced.values())

    def execute(self, prepared: TracedStep) -> Outcome:
        """Runs all cases and the facts that need graphs."""
        if prepared.key in self.uncompilable:
            return Outcome(list(prepared.passed), problem=self.uncompilable[prepared.key])
        view = StepModules(self.workspace, own=prepared.view.own)
        guard = Guard(view, self.step)
        callables = {name: self.executables[graph.fingerprint] for name, graph in prepared.traced.items()}
        outcome = Outcome(list(prepared.passed))
        try:
            self.compare_cases(callables, guard, outcome)
            for fact in self.check.expectations:
                if fact.needs:
                    outcome.passed.append(self.answer(fact, guard, callables))
        except ProblemFound as stop:
            outcome.problem = stop.problem
        return outcome

    def compare_cases(self, callables: Mapping[str, Any], guard: "Guard", outcome: Outcome) -> None:
        """Runs every case; raises ProblemFound with an explanation if any is wrong."""
        stored = stored_numbers.load(self.step) if self.check.cases else {}
        got: dict[str, dict[str, np.ndarray]] = {}
        differences: dict[str, Difference] = {}
        for case in self.check.cases:
            subject = self.check.subject(case.subject)
            parameters, inputs, expected = stored[case.name]
            if subject.compiled:
                results = callables[subject.name](parameters, *inputs.values())
            else:
                results = guard(
                    case.name,
                    lambda s=subject, p=parameters, i=inputs: self.call_python(s, guard.view, p, i),
                    explain=self.check.explain,
                )
            got[case.name] = dict(zip(subject.results, results, strict=True))
            tolerance = self.check.tolerance if case.tolerance is None else case.tolerance
            for name, values in expected.items():
                if got[case.name][name].shape != values.shape:
                    raise ProblemFound(
                        Problem(
                            kind="returns",
                            step=self.step,
                            where=case.name,
                            summary=f"`{subject.name}` gives a result of the wrong shape.",
                            details=[("expected", str(values.shape)), ("got", str(got[case.name][name].shape))],
                        )
                    )
                difference = find_difference(name, got[case.name][name], values, tolerance)
                if difference is not None:
                    differences.setdefault(case.name, difference)
                elif tolerance:
                    outcome.largest_error = max(
                        outcome.largest_error, _error_part(got[case.name][name], values, tolerance)
                    )
            if case.name not in differences:
                outcome.passed.append(case.name)
        if differences:
            raise ProblemFound(self.explain(stored, got, differences))
        if self.check.show is not None:
            outcome.notes.append(self.check.show(got))

    def call_python(
        self, subject: Subject, view: StepModules, parameters: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> Any:
        """Calls plain Python with lists, and reads its results as numbers."""
        call = subject.build(view)
        result = call(*(array.tolist() for array in (*inputs.values(), *parameters.values())))
        if result is None:
            raise ProblemFound(
                Problem("returns", self.step, f"`{subject.name}` returned None.", advice="Is a `return` missing?")
            )
        results = result if len(subject.outputs) > 1 else [result]
        try:
            return [np.asarray(part, dtype=np.float64) for part in results]
        except (TypeError, ValueError):
            summary = f"`{subject.name}` must return lists of numbers; it returned {_short(result)}."
            raise ProblemFound(Problem("returns", self.step, summary, where=subject.name)) from None

    def explain(
        self,
        stored: Mapping[str, tuple[Any, Any, Any]],
        got: Mapping[str, Mapping[str, np.ndarray]],
        differences: Mapping[str, Difference],
    ) -> Problem:
        """Names the mistake whose numbers these are, and shows the first that differ."""
        name, difference = next(iter(differences.items()))
        details = [
            ("cases", f"{len(differences)} of {len(self.check.cases)} differ"),
            ("largest error", f"{difference.largest:.3g} at {list(difference.worst)}; allowed {difference.limit:.3g}"),
            (
                "first at",
                f"{difference.output}{list(difference.first)}; {difference.count} of {difference.size} differ",
            ),
            ("expected", f"{difference.expected:.7g}"),
            ("got", f"{difference.got:.7g}"),
        ]
        if difference.nans:
            details.insert(1, ("not a number", f"{difference.nans} of the results are NaN"))
        mistake = next((m for m in self.check.mistakes if self._is_mistake(m.arguments, stored, got)), None)
        if mistake is None:
            summary = "The numbers are wrong."
            advice = "No known mistake gives these numbers. Follow the first one that differs, and read the hints."
        else:
            summary, advice = f"This is {mistake.name}.", mistake.advice
        return Problem("numbers", self.step, summary, where=name, details=details, advice=advice)

    def _is_mistake(self, mistake: Mapping[str, Any], stored: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
        """Whether a mistake gives the numbers that were got, in every case."""
        for case in self.check.cases:
            parameters, inputs, _ = stored[case.name]
            mistaken = self.check.numpy_model(self.check.subject(case.subject), parameters, inputs, **mistake)
            tolerance = max(1e-5, self.check.tolerance, case.tolerance or 0.0)
            if not all(matches(got[case.name][name], values, tolerance) for name, values in mistaken.items()):
                return False
        return True


def run_check(
    step: int,
    workspace: Workspace,
    *,
    solutions: bool,
    device: str,
    cache_folder: Path,
    green: Mapping[int, Mapping[str, str]],
    emit: Emit,
) -> Verdict:
    """Checks one step.

    Args:
        step: its number.
        workspace: whose files.
        solutions: check the solution in place of the learner's file.
        device: `auto`, `cpu` or `gpu`.
        cache_folder: where compiled graphs are kept.
        green: for each step that was green once, the hashes of the files that took part.
        emit: told each phase as it begins.

    Raises:
        DeviceError: the device is not there.
    """
    run = CheckRun(step, find_step(step).check, workspace, device, cache_folder, emit)
    emit("trace")
    everything = range(step + 1)
    own = () if solutions else everything
    total = len(run.check.cases) + len(run.check.expectations)

    def verdict(status: str, view: StepModules, outcome: Outcome, **more: Any) -> Verdict:
        return Verdict(
            step=step,
            status=status,
            passed=outcome.passed,
            total=total,
            largest_error=outcome.largest_error,
            problem=outcome.problem,
            notes=outcome.notes,
            compiled=run.compiled,
            compile_seconds=run.compile_seconds,
            damaged=len(run.cache.damaged) if run.executables else 0,
            files=file_hashes(workspace, [number for number in view.loaded if number in view.own]),
            **more,
        )

    view = StepModules(workspace, own=own)
    try:
        prepared = run.prepare(view)
    except ProblemFound as stop:
        failed = Outcome([], problem=stop.problem)
        return verdict("red", view, failed) if solutions else _without_own_graph(run, failed, view, verdict)

    if solutions or not prepared.others:
        run.load([prepared])
        outcome = run.execute(prepared)
        return verdict("red" if outcome.problem else "green", view, outcome)

    # On the learner's own earlier steps first. Where some of these have not been green,
    # what is needed to find the one to blame is compiled along with it.
    suspects = [number for number in sorted(prepared.others) if not is_green(workspace, number, green)]
    spare = [] if run.in_cache(prepared) else _alternatives(run, suspects)
    run.load([prepared, *(alternative for _, alternative in spare)])
    outcome = run.execute(prepared)
    if outcome.problem is None:
        return verdict("green", view, outcome)
    return _blame(run, prepared, outcome, suspects, spare or _alternatives(run, suspects), verdict)


def _alternatives(run: CheckRun, suspects: Sequence[int]) -> list[tuple[int | None, TracedStep]]:
    """The step on the solutions' earlier steps (None), and on one earlier step of the learner's at a time."""
    if not suspects:
        return []
    try:
        borrowed = run.prepare(StepModules(run.workspace, own=[run.step]))
    except ProblemFound:
        return []
    found: list[tuple[int | None, TracedStep]] = [(None, borrowed)]
    for number in suspects:
        try:
            alone = run.prepare(StepModules(run.workspace, own=[run.step, number]))
        except ProblemFound:
            continue
        if alone.key != borrowed.key:
            found.append((number, alone))
    return found


def _blame(
    run: CheckRun,
    prepared: TracedStep,
    outcome: Outcome,
    suspects: Sequence[int],
    alternatives: Sequence[tuple[int | None, TracedStep]],
    verdict: Callable[..., Verdict],
) -> Verdict:
    """The numbers are wrong on the learner's earlier steps: is it this step, or one of them?"""
    if not alternatives:
        return verdict("red", prepared.view, outcome)
    run.load([alternative for _, alternative in alternatives])
    (_, borrowed), *alone = alternatives
    on_solutions = run.execute(borrowed)
    if on_solutions.problem is not None:
        # Wrong on right foundations: the explanation found there is not blurred by other mistakes.
        return verdict("red", prepared.view, replace(outcome, problem=on_solutions.problem))
    culprits = [number for number, one in alone if run.execute(one).problem is not None]
    return verdict("borrowed", prepared.view, outcome, culprits=culprits, suspects=[] if culprits else list(suspects))


def _without_own_graph(run: CheckRun, failed: Outcome, view: StepModules, verdict: Callable[..., Verdict]) -> Verdict:
    """Nothing could be traced on the learner's earlier steps: tries again on the solutions'."""
    problem = failed.problem
    assert problem is not None
    try:
        borrowed = run.prepare(StepModules(run.workspace, own=[run.step]))
    except ProblemFound as stop:
        # Wrong both ways: it is this step, and its own lines on the learner's own files show it best.
        if problem.step == run.step or not any(frame.file.startswith("solutions") for frame in stop.problem.frames):
            return verdict("red", view, failed if problem.step == run.step else replace(failed, problem=stop.problem))
        told = "This was run on the solutions of the earlier steps: what is wrong is in this step."
        advice = f"{stop.problem.advice} {told}".strip()
        return verdict("red", view, replace(failed, problem=replace(stop.problem, advice=advice)))
    if not borrowed.others:
        return verdict("red", view, failed)
    run.load([borrowed])
    outcome = run.execute(borrowed)
    if outcome.problem is not None:
        return verdict("red", view, outcome)
    if problem.step != run.step:
        return verdict("borrowed", view, replace(outcome, problem=problem), culprits=[problem.step])
    # The error surfaced in this step's lines, but one of the earlier steps caused it.
    culprits = []
    for number in sorted(borrowed.others):
        try:
            run.prepare(StepModules(run.workspace, own=[run.step, number]))
        except ProblemFound:
            culprits.append(number)
    suspects = [] if culprits else sorted(borrowed.others)
    return verdict("borrowed", view, replace(outcome, problem=problem), culprits=culprits, suspects=suspects)


def _compare_parameters(step: int, subject: Subject, got: Mapping[str, tuple[Any, ...]]) -> None:
    expected = dict(subject.parameters)
    if dict(got) == expected:
        return
    missing = [name for name in expected if name not in got]
    extra = [name for name in got if name not in expected]
    advice = "A checkpoint finds its parameters by name, so the attributes need exactly the names that the tasks give."
    if missing and all(name.endswith("bias") for name in missing) and not extra:
        summary = f"A bias is missing: {_listed(missing)}."
        advice = "GPT-2's linear layers and norms have one. Do not pass bias=False, and do not leave it out."
    elif missing:
        summary = f"These parameters are missing: {_listed(missing)}."
    elif extra:
        summary = f"These parameters should not be there: {_listed(extra)}."
    else:
        wrong = [name for name in expected if got[name] != expected[name]]
        summary = f"These parameters have the wrong shape: {_listed(wrong)}."
        missing, extra, advice = wrong, wrong, ""
        if all(got[name] == expected[name][::-1] for name in wrong):
            advice = "Rows and columns are swapped. A `Linear` layer keeps its weight as [out, in]; a table of "
            advice += "embeddings has a row for each token or position."
    details = [("expected", _listed([f"{name} {_dims(expected[name])}" for name in missing]))] if missing else []
    details += [("got", _listed([f"{name} {_dims(got[name])}" for name in extra]))] if extra else []
    raise ProblemFound(Problem("parameters", step, summary, where=subject.name, details=details, advice=advice))


def _listed(names: Sequence[str], *, most: int = 4, separator: str = ", ") -> str:
    """Names in a row; of a long list the first few, and how many more."""
    shown = separator.join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _compare_outputs(step: int, subject: Subject, got: Sequence[TensorSpec], single: bool) -> None:
    expected = list(subject.outputs.values())
    if list(got) == expected and single == (len(expected) == 1):
        return
    if single != (len(expected) == 1) or len(got) != len(expected):
        many = (
            f"a tuple of {len(expected)} tensors ({', '.join(subject.outputs)})" if len(expected) > 1 else "one tensor"
        )
        returned = "one tensor" if single else f"a tuple of {len(got)}"
        summary = f"It should return {many}; it returns {returned}."
    elif [spec.dtype for spec in got] != [spec.dtype for spec in expected]:
        summary = "The result has the wrong dtype."
    else:
        summary = "The result has the wrong shape."

    def describe(specs: Sequence[TensorSpec]) -> str:
        return _listed([f"{_dims(spec.dims)} {spec.dtype}" for spec in specs], separator="; ")

    details = [("expected", describe(expected)), ("got", describe(got))]
    raise ProblemFound(Problem("returns", step, summary, where=subject.name, details=details))


def _dims(dims: Sequence[Any]) -> str:
    return "(" + ", ".join(str(dim) for dim in dims) + ("," if len(dims) == 1 else "") + ")"


def _equal(got: Any, expected: Any) -> bool:
    """Equality that tells True from 1, takes arrays, and does not trust a learner's `__eq__` to return a bool."""
    if isinstance(got, np.ndarray) or isinstance(expected, np.ndarray):
        return np.array_equal(got, expected)
    return type(got) is type(expected) and bool(got == expected)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _error_part(got: np.ndarray, expected: np.ndarray, tolerance: float) -> float:
    """The largest error as a part of what is allowed."""
    return float(errors(got, expected).max(initial=0.0)) / limit_for(expected, tolerance)


def trace_first(step: int, workspace: Workspace, *, solutions: bool, device: str) -> str | None:
    """The MAX graph of a step's first subject as text; None for plain Python. Raises ProblemFound."""
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace

    subject = next((subject for subject in find_step(step).check.subjects if subject.compiled), None)
    if subject is None:
        return None
    view = StepModules(workspace, own=() if solutions else range(step + 1))
    inputs = list(subject.inputs.values())
    where = find_device(device)
    return Guard(view, step)(subject.name, lambda: trace(lambda: subject.build(view), inputs, where)).text
