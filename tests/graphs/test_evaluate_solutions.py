"""The evaluator computes Hugging Face's numbers from the graphs of all solutions."""

import functools
import importlib
import time
from collections.abc import Iterator

import numpy as np
import pytest
from max.driver import CPU

from tutor.checking import stored_numbers
from tutor.checking.loader import StepModules
from tutor.checking.spec import Arrays, Case, Check
from tutor.graphs.evaluate.evaluator import evaluate, unknown_operations
from tutor.graphs.evaluate.program import Program
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph
from tutor.learner.workspace import REPOSITORY, Workspace

STEPS = [step for step in range(2, 20) if step not in (14, 15)]  # those have no numbers of their own


@functools.cache
def check_of(step: int) -> Check:
    return importlib.import_module(f"tutor.checks.step_{step:02d}").CHECK


@functools.cache
def programs(step: int) -> dict[str, tuple[TracedGraph, Program]]:
    """The graphs of a step's subjects, traced from the solution, by the subject's name."""
    view = StepModules(Workspace(REPOSITORY), own=())
    traced = {
        subject.name: trace(functools.partial(subject.build, view), list(subject.inputs.values()), CPU())
        for subject in check_of(step).subjects
        if subject.compiled
    }
    return {name: (graph, read_module(graph.module)) for name, graph in traced.items()}


def compiled_cases(step: int) -> Iterator[Case]:
    check = check_of(step)
    return (case for case in check.cases if check.subject(case.subject).compiled)


def evaluate_case(step: int, case: Case, dtype: type[np.float64] | None = None) -> tuple[Arrays, Arrays]:
    """The evaluator's results and the stored ones, by name; buffers included."""
    subject = check_of(step).subject(case.subject)
    parameters, inputs, expected = stored_numbers.load(step)[case.name]
    graph, program = programs(step)[case.subject]
    arrays = [inputs[name].copy() if spec.buffer else inputs[name] for name, spec in subject.inputs.items()]
    outputs = evaluate(program, [parameters[name] for name in graph.parameters] + arrays, dtype=dtype)
    buffers = [array for array, spec in zip(arrays, subject.inputs.values(), strict=True) if spec.buffer]
    return dict(zip(subject.results, [*outputs, *buffers], strict=True)), dict(expected)


def largest_error(got: np.ndarray, expected: np.ndarray) -> float:
    """As the checks measure it: a part of the largest expected number, or of 1 if that is larger."""
    assert got.shape == expected.shape
    finite = np.isfinite(expected)
    assert np.array_equal(got[~finite], expected[~finite], equal_nan=True)
    if not finite.any():
        return 0.0
    size = max(1.0, float(np.abs(expected[finite]).max()))
    return float(np.abs(got[finite].astype(np.float64) - expected[finite]).max()) / size


@pytest.mark.parametrize("step", STEPS)
def test_a_solution_gives_hugging_faces_numbers(step: int) -> None:
    assert not any(unknown_operations(program) for _, program in programs(step).values())
    cases = list(compiled_cases(step))
    assert cases
    for case in cases:
        got, expected = evaluate_case(step, case)
        for name, numbers in expected.items():
            tolerance = max(1e-5, case.tolerance or 0.0)
            assert largest_error(got[name], numbers) <= tolerance, (case.name, name)


@pytest.mark.parametrize("step", [8, 13, 16])
def test_evaluating_takes_no_time_to_speak_of(step: int) -> None:
    programs(step), stored_numbers.load(step)
    start = time.perf_counter()
    for case in compiled_cases(step):
        evaluate_case(step, case)
    # 0.05 to 0.4 s on an idle machine; much more on one that compiles at the same time.
    assert time.perf_counter() - start < 5
