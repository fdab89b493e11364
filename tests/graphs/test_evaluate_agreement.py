"""The evaluator gives what MAX gives: all functions that it knows, and random graphs over them.

The graphs compile together, once; after that they come from the cache.
"""

import functools
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from max.driver import CPU
from max.experimental import functional as F
from max.experimental.tensor import Tensor

from tests.graphs.compiled import compiling, load_compiled
from tests.graphs.examples import CONTROL, EXAMPLES, NOT_EVALUATED, NOT_OPERATIONS, TOPICS, Example
from tests.graphs.random_graphs import SPECS, RandomGraph, draw_graphs
from tests.support.agreement.collecting import Candidate, Numbers
from tests.support.agreement.roads import compiled, difference, evaluated, largest_difference
from tutor.graphs.compiled import CompiledGraph
from tutor.graphs.evaluate.evaluator import evaluate, unknown_operations
from tutor.graphs.evaluate.operations.registry import OPERATIONS
from tutor.graphs.evaluate.program import Program
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph
from tutor.learner.workspace import REPOSITORY

# So many random graphs: together they use operations of all kinds; a test below sees to it.
RANDOM_GRAPHS = 12

# Not "control": MAX 26.7.0 crashes while it compiles all of that as one graph. Each example by itself compiles.
JOINED = tuple(topic for topic in TOPICS if topic != "control")

# Of the largest number of a result, or of 1: sums in another order, and exp and its like to the last bit or two.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Joined:
    """The examples of a topic as one graph."""

    specs: Sequence[TensorSpec]
    inputs: Sequence[np.ndarray]
    names: list[str]

    @classmethod
    def of(cls, examples: dict[str, Example]) -> "Joined":
        """Puts the inputs of the examples after one another; `names` is filled when the graph is traced."""
        specs = [spec for example in examples.values() for spec in example.specs]
        inputs = [array for example in examples.values() for array in example.inputs]
        return cls(specs, inputs, [])


def traced_topic(topic: str) -> tuple[TracedGraph, Joined]:
    joined = Joined.of(TOPICS[topic])

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        results, position = [], 0
        for name, example in TOPICS[topic].items():
            end = position + len(example.inputs)
            result = example.function(*tensors[position:end])
            position = end
            parts = list(result) if isinstance(result, list | tuple) else [result]
            results.extend(parts)
            joined.names.extend([name] * len(parts))
        return tuple(results)

    graph = trace(lambda: run, joined.specs, CPU())
    joined.names.extend("a buffer" for spec in joined.specs if spec.buffer)
    return graph, joined


@pytest.fixture(scope="module")
def topics() -> dict[str, tuple[CompiledGraph, Program, Joined]]:
    """The examples by topic: compiled, read, and their inputs."""
    graphs = {topic: traced_topic(topic) for topic in JOINED}
    executables = load_compiled([graph for graph, _ in graphs.values()])
    return {
        topic: (executable, read_module(graph.module), joined)
        for executable, (topic, (graph, joined)) in zip(executables, graphs.items(), strict=True)
    }


@functools.cache
def drawn_graphs() -> list[RandomGraph]:
    return draw_graphs(RANDOM_GRAPHS)


def traced_random(graph: RandomGraph) -> TracedGraph:
    return trace(lambda: graph.function, SPECS, CPU())


@pytest.fixture(scope="module")
def random_graphs() -> list[tuple[CompiledGraph, Program, RandomGraph]]:
    """The random graphs: compiled as one module, and read."""
    traced = [traced_random(graph) for graph in drawn_graphs()]
    return [
        (executable, read_module(one.module), graph)
        for executable, one, graph in zip(load_compiled(traced), traced, drawn_graphs(), strict=True)
    ]


def both(
    executable: CompiledGraph, program: Program, specs: Sequence[TensorSpec], inputs: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Results and buffers, each as MAX gives it and as the evaluator does."""
    by_max = executable({}, *inputs)
    arrays = [array.copy() for array in inputs]
    by_evaluator = evaluate(program, arrays)
    by_evaluator += [array for array, spec in zip(arrays, specs, strict=True) if spec.buffer]
    return list(zip(by_max, by_evaluator, strict=True))


@pytest.mark.parametrize("topic", JOINED)
def test_every_function_gives_what_max_gives(
    topic: str, topics: dict[str, tuple[CompiledGraph, Program, Joined]]
) -> None:
    executable, program, joined = topics[topic]
    pairs = both(executable, program, joined.specs, joined.inputs)
    wrong = {
        name: worst for name, pair in zip(joined.names, pairs, strict=True) if (worst := difference(*pair)) > TOLERANCE
    }
    assert not wrong


def test_control_flow_gives_what_max_gives() -> None:
    """In another process, which a crash of MAX's would end alone."""
    candidates = []
    for name, example in CONTROL.items():
        graph = trace(lambda example=example: example.function, example.specs, CPU())
        results = len(graph.outputs) + len(example.buffers)
        numbers = Numbers(name, {}, example.inputs, (None,) * results, 0.0)
        candidates.append(Candidate("example", name, name, graph, read_module(graph.module), (numbers,)))
    with compiling() as cache_folder:
        by_max = compiled(candidates, cache_folder)
    for candidate, outcomes in zip(candidates, by_max, strict=True):
        assert [largest_difference(*pair) for pair in zip(evaluated(candidate), outcomes, strict=True)] == [0.0]
        assert not isinstance(outcomes[0], str), f"{candidate.name}: {outcomes[0]}"


@pytest.mark.parametrize("index", range(RANDOM_GRAPHS))
def test_a_random_graph_gives_what_max_gives(
    index: int, random_graphs: list[tuple[CompiledGraph, Program, RandomGraph]]
) -> None:
    executable, program, graph = random_graphs[index]
    for pair in both(executable, program, SPECS, graph.inputs):
        assert difference(*pair) <= TOLERANCE


@functools.cache
def operations_of_random_graphs() -> frozenset[str]:
    return frozenset(
        operation.name for graph in drawn_graphs() for operation in read_module(traced_random(graph).module).walk()
    )


def test_random_graphs_and_examples_use_every_operation() -> None:
    examples = frozenset(
        operation.name
        for example in EXAMPLES.values()
        for operation in read_module(trace(lambda e=example: e.function, example.specs, CPU()).module).walk()
    )
    # Neither is made by a function of tensors on one device; test_evaluate.py builds graphs with them.
    assert set(OPERATIONS) - examples - operations_of_random_graphs() == {"call", "transfer"}
    drawn = operations_of_random_graphs()
    assert {"while", "if", "matmul", "reduce.softmax", "select", "gather"} <= drawn
    assert any(name.startswith("scatter") for name in drawn)


def test_the_same_graphs_are_drawn_each_time() -> None:
    fingerprints = [traced_random(graph).fingerprint for graph in drawn_graphs()]
    again = draw_graphs(RANDOM_GRAPHS)
    assert fingerprints == [traced_random(graph).fingerprint for graph in again]
    assert len(set(fingerprints)) == len(again) == RANDOM_GRAPHS
    for one, other in zip(drawn_graphs(), again, strict=True):
        assert all(map(np.array_equal, one.inputs, other.inputs))


def test_the_same_graphs_are_drawn_in_another_process() -> None:
    """Whatever is loaded there: they are compiled once, and kept."""
    code = "from tests.graphs.random_graphs import draw_graphs; print([graph.attempts for graph in draw_graphs(3)])"
    command = [sys.executable, "-c", code]
    # The environment is passed on by hand: MAX adds to the process's own without telling Python.
    there = subprocess.run(command, cwd=REPOSITORY, env=os.environ, check=True, capture_output=True, text=True)
    assert there.stdout.strip() == str([graph.attempts for graph in draw_graphs(3)])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_evaluated(name: str) -> None:
    example = EXAMPLES[name]
    graph = trace(lambda: example.function, example.specs, CPU())
    assert not unknown_operations(graph.module)
    results = evaluate(graph.module, [array.copy() for array in example.inputs], constants=example.constants)
    assert len(results) == len(graph.outputs)


def test_each_function_of_max_is_evaluated_or_left_out_for_a_reason() -> None:
    known = {name for example in EXAMPLES if hasattr(F, name := example.partition(",")[0])}
    assert not known & set(NOT_EVALUATED)
    assert known | set(NOT_EVALUATED) | NOT_OPERATIONS == set(F.__all__)
