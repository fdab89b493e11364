"""The two roads from a graph to numbers: evaluated in NumPy, and compiled by MAX.

MAX compiles and runs in a process of its own: it can crash on a graph. Graphs compile many at a time; if that fails,
the half that it fails on is compiled in two halves, until a single graph is left.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.graph import DeviceRef, TensorType

from tests.support.agreement.collecting import Candidate, Numbers
from tutor.checking.compare import matches
from tutor.checking.spec import Arrays
from tutor.errors import CompileError
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.evaluator import evaluate
from tutor.graphs.max_internals import read_bytecode
from tutor.graphs.tensor_spec import Dims, TensorSpec, dims_of
from tutor.graphs.traced import TracedGraph
from tutor.processes import end_with_parent

# What a road gives for one case: the results, or in words why there are none.
Outcome = list[np.ndarray] | str
# The same of all cases of a graph.
Outcomes = list[Outcome]


def evaluated(candidate: Candidate) -> Outcomes:
    """What the evaluator gives."""
    return [_evaluate(candidate, numbers) for numbers in candidate.cases]


def _evaluate(candidate: Candidate, numbers: Numbers) -> Outcome:
    specs = candidate.traced.inputs
    given = [array.copy() if spec.buffer else array for spec, array in zip(specs, numbers.inputs, strict=True)]
    try:
        results = evaluate(
            candidate.program, [*(numbers.parameters[name] for name in candidate.traced.parameters), *given]
        )
    except EvaluationError as error:
        return str(error)
    return [*results, *(array for spec, array in zip(specs, given, strict=True) if spec.buffer)]


@dataclass(frozen=True)
class _Payload:
    """A candidate as data that travels."""

    bytecode: bytes
    parameters: Sequence[tuple[str, DType, Dims]]
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    single: bool
    cases: Sequence[tuple[Arrays, Sequence[np.ndarray]]]

    @classmethod
    def of(cls, candidate: Candidate) -> "_Payload":
        traced = candidate.traced
        return cls(
            traced.bytecode,
            [(name, type_.dtype, dims_of(type_.shape)) for name, type_ in traced.parameters.items()],
            traced.inputs,
            traced.outputs,
            traced.single,
            [(numbers.parameters, numbers.inputs) for numbers in candidate.cases],
        )

    @property
    def traced(self) -> TracedGraph:
        device = DeviceRef.from_device(CPU())
        return TracedGraph(
            bytecode=self.bytecode,
            device=CPU(),
            module=read_bytecode(self.bytecode),
            parameters={name: TensorType(dtype, dims, device) for name, dtype, dims in self.parameters},
            constants={},
            inputs=self.inputs,
            outputs=self.outputs,
            single=self.single,
        )


def compiled(
    candidates: Sequence[Candidate], cache_folder: Path, on_progress: Callable[[int], None] = lambda count: None
) -> list[Outcomes]:
    """What MAX gives.

    Args:
        candidates: compiled together, as far as they are not in the cache.
        cache_folder: where compiled graphs are kept.
        on_progress: told how many graphs are done, as they are.
    """
    try:
        outcomes = _in_a_child(candidates, cache_folder)
    except (CompileError, BrokenProcessPool) as error:
        if len(candidates) == 1:
            on_progress(1)
            lines = [line for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
            why = next((line.strip() for line in lines if "error:" in line), lines[0])
            return [[f"MAX: {why}"] * len(candidates[0].cases)]
        half = len(candidates) // 2
        return [
            *compiled(candidates[:half], cache_folder, on_progress),
            *compiled(candidates[half:], cache_folder, on_progress),
        ]
    on_progress(len(candidates))
    return outcomes


def _in_a_child(candidates: Sequence[Candidate], cache_folder: Path) -> list[Outcomes]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=end_with_parent, initargs=(os.getpid(),)) as pool:
        return pool.submit(
            _compile_and_run, [_Payload.of(candidate) for candidate in candidates], cache_folder
        ).result()


def _compile_and_run(payloads: Sequence[_Payload], cache_folder: Path) -> list[Outcomes]:
    executables = CompileCache(cache_folder).load([payload.traced for payload in payloads])
    outcomes: list[Outcomes] = []
    for payload, executable in zip(payloads, executables, strict=True):
        results: Outcomes = []
        for parameters, inputs in payload.cases:
            try:
                results.append(executable(parameters, *inputs))
            except (ValueError, RuntimeError) as error:
                results.append(f"MAX: {error}".splitlines()[0])
        outcomes.append(results)
    return outcomes


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, as a part of the largest number or of 1; infinite where shapes or dtypes differ."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return np.inf
    if one.dtype.kind != "f":
        return 0.0 if np.array_equal(one, other) else np.inf
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    if same.all():
        return 0.0
    left, right = one[~same].astype(np.float64), other[~same].astype(np.float64)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return np.inf
    size = max(1.0, float(np.abs(one[np.isfinite(one)]).max(initial=0.0)))
    return float(np.abs(left - right).max()) / size


def largest_difference(one: Outcome, other: Outcome) -> float:
    """The largest difference between all results of a case; 0 if neither road has any, infinite if only one has."""
    if isinstance(one, str) or isinstance(other, str):
        return 0.0 if isinstance(one, str) and isinstance(other, str) else np.inf
    return max((difference(left, right) for left, right in zip(one, other, strict=True)), default=0.0)


def is_right(outcome: Outcome, numbers: Numbers) -> bool:
    """Whether the results are those that are stored, as a check compares them."""
    return not isinstance(outcome, str) and all(
        expected is None or matches(got, expected, numbers.tolerance)
        for got, expected in zip(outcome, numbers.expected, strict=True)
    )
