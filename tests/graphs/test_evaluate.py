"""What the evaluator refuses, how it stops, and what it tells about each operation."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Linear
from max.experimental.tensor import Tensor
from max.graph import BufferType, DeviceRef, Graph, Module, TensorType, ops

from tutor.graphs.evaluate.errors import EvaluationError, EvaluationLimitError, UnknownOperationError
from tutor.graphs.evaluate.evaluator import evaluate, unknown_operations
from tutor.graphs.evaluate.operations.registry import Value
from tutor.graphs.evaluate.program import Operation, Program
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.learner.workspace import REPOSITORY

VECTOR = TensorSpec("float32", ("n",))
MATRIX = TensorSpec("float32", ("n", "m"))


def program(function: Callable[..., object], *specs: TensorSpec) -> Program:
    return read_module(trace(lambda: function, specs, CPU()).module)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_an_operation_that_is_not_known_stops_everything_before_it_starts() -> None:
    image = TensorSpec("float32", (1, 2, 2, 1))
    graph = program(lambda x: F.resize_linear(F.exp(x), (1, 4, 4, 1)), image)
    seen = []
    assert unknown_operations(graph) == ["resize.linear"]
    with pytest.raises(UnknownOperationError, match=r"resize\.linear") as raised:
        evaluate(graph, [ones(1, 2, 2, 1)], observe=lambda operation, results: seen.append(operation))
    assert raised.value.names == ("resize.linear",)
    assert not seen


def test_an_operation_that_is_not_known_is_found_inside_of_a_loop() -> None:
    def resize_in_a_loop(x: Tensor) -> Tensor:
        def body(i: Tensor, x: Tensor) -> list[Tensor]:
            return [i + 1, F.resize_linear(x, (1, 2, 2, 1))]

        return F.while_loop([F.constant(0, DType.int64), x], lambda i, x: i < 1, body)[1]

    assert unknown_operations(program(resize_in_a_loop, TensorSpec("float32", (1, 2, 2, 1)))) == ["resize.linear"]


def test_a_dtype_that_is_not_known_makes_an_operation_unknown() -> None:
    graph = program(lambda x: x.cast(DType.float8_e4m3fn).cast(DType.float32), VECTOR)
    assert unknown_operations(graph) == ["cast of f8e4m3fn"]


def test_a_constant_of_a_dtype_that_is_not_known_is_found() -> None:
    graph = program(lambda x: x + F.constant(1.0, DType.float8_e4m3fn).cast(DType.float32), VECTOR)
    assert unknown_operations(graph) == ["cast of f8e4m3fn", "constant of f8e4m3fn"]


def test_a_buffer_that_keeps_what_was_in_it_is_not_known() -> None:
    def count(x: Tensor) -> Tensor:
        buffer = ops.buffer_create(BufferType(DType.float32, (2,), DeviceRef.CPU()), init_value=1.0)
        return Tensor.from_graph_value(buffer) + x

    assert unknown_operations(program(count, TensorSpec("float32", (2,)))) == ["buffer.create, once for all runs"]


@pytest.mark.parametrize("dtype", [DType.float32, DType.bfloat16, DType.int64, DType.bool])
def test_what_nobody_has_written_is_no_number_that_is_right_by_accident(dtype: DType) -> None:
    def read(x: Tensor) -> Tensor:
        buffer = ops.buffer_create(BufferType(dtype, (2,), DeviceRef.CPU()))
        return Tensor.from_graph_value(buffer).cast(DType.float32) + x

    (read_back,) = evaluate(program(read, TensorSpec("float32", (2,))), [ones(2)])
    assert np.isnan(read_back).all() if dtype.is_float() else not np.isin(read_back, [2, 3]).any()


def test_an_item_that_is_assigned_is_computed_in_float64_too() -> None:
    def assign(x: Tensor) -> Tensor:
        third = x / 3.0
        third[0] = x[0] / 7.0
        return third

    graph = program(assign, VECTOR)
    (small,), (large,) = evaluate(graph, [ones(2)]), evaluate(graph, [ones(2)], dtype=np.float64)
    assert small.tolist() == [np.float32(1 / 7), np.float32(1 / 3)]
    assert large.tolist() == [1 / 7, 1 / 3]


def test_buffers_that_are_made_in_a_loop_are_new_in_each_round() -> None:
    def shift(x: Tensor) -> Tensor:
        def body(i: Tensor, x: Tensor) -> list[Tensor]:
            moved = x + 1.0
            moved[0] = x[1]
            return [i + 1, moved + 0.0]

        return F.while_loop([F.constant(0, DType.int64), x], lambda i, x: i < 2, body)[1]

    graph = program(shift, TensorSpec("float32", (3,)))
    assert evaluate(graph, [np.array([1, 10, 100], np.float32)])[0].tolist() == [11, 12, 102]


def test_an_endless_loop_is_stopped() -> None:
    def endless(x: Tensor) -> Tensor:
        return F.while_loop([x], lambda x: F.constant(True, DType.bool), lambda x: [x + 1])[0]

    with pytest.raises(EvaluationLimitError):
        evaluate(program(endless, VECTOR), [ones(2)], most_operations=1000)


def test_inputs_must_fit_the_graphs_types() -> None:
    graph = program(lambda x, y: x @ y, MATRIX, TensorSpec("float32", ("m", 3)))
    assert evaluate(graph, [ones(2, 4), ones(4, 3)])[0].shape == (2, 3)
    with pytest.raises(EvaluationError, match="has size 5 on axis 0 where its type has 4"):
        evaluate(graph, [ones(2, 4), ones(5, 3)])
    with pytest.raises(EvaluationError, match="3 axes"):
        evaluate(graph, [ones(2, 4, 1), ones(4, 3)])
    with pytest.raises(EvaluationError, match="int64"):
        evaluate(graph, [ones(2, 4).astype(np.int64), ones(4, 3)])
    with pytest.raises(EvaluationError, match="1 inputs"):
        evaluate(graph, [ones(2, 4)])


def test_a_shape_that_was_promised_is_compared_with_the_one_that_is_there() -> None:
    graph = program(lambda x, y: F.rebind(x, ("m",)) + y, VECTOR, TensorSpec("float32", ("m",)))
    assert evaluate(graph, [ones(3), ones(3)])[0].tolist() == [2, 2, 2]
    with pytest.raises(EvaluationError, match="rebind"):
        evaluate(graph, [ones(3), ones(4)])


def test_a_size_is_declared_anew_in_each_round_of_a_loop() -> None:
    def count_nonzero(x: Tensor) -> Tensor:
        def body(i: Tensor, total: Tensor) -> list[Tensor]:
            larger = F.nonzero(x > i.cast(DType.float32), "found")
            return [i + 1, total + F.shape_to_tensor(larger.shape)[0]]

        zero = F.constant(0, DType.int64)
        return F.while_loop([zero, zero], lambda i, total: i < 3, body)[1]

    graph = program(count_nonzero, VECTOR)
    assert evaluate(graph, [np.array([0.5, 1.5, 2.5], np.float32)])[0] == 3 + 2 + 1


def test_an_observer_is_told_of_each_operation_also_in_each_round_of_a_loop() -> None:
    def double_until(x: Tensor) -> Tensor:
        return F.while_loop([x], lambda x: x < 10.0, lambda x: [x * 2.0])[0] + 1.0

    graph = program(double_until, TensorSpec("float32", ()))
    seen: list[tuple[str, tuple[int, ...], float]] = []

    def observe(operation: Operation, results: Sequence[Value]) -> None:
        if operation.name in ("mul", "add", "while"):
            assert results[0] is not None
            seen.append((operation.name, operation.path, results[0].item()))

    evaluate(graph, [np.array(3.0, np.float32)], observe=observe)
    names, paths, values = zip(*seen, strict=True)
    assert names == ("mul", "mul", "while", "add")
    assert values == (6.0, 12.0, 12.0, 13.0)
    assert len(paths[0]) == 3 and paths[0] == paths[1] and paths[0][:1] == paths[2] and paths[0][1] == 1


def test_results_are_the_callers_own() -> None:
    graph = program(lambda x: (x, x.broadcast_to((2, x.shape[0]))), VECTOR)
    x = ones(3)
    same, broadcast = evaluate(graph, [x])
    same[:] = 7
    broadcast[0] = 8
    assert x.tolist() == [1, 1, 1] and broadcast[1].tolist() == [1, 1, 1]


def test_a_module_comes_as_module_operation_bytecode_or_program() -> None:
    traced = trace(lambda: lambda x: x + 1.0, [VECTOR], CPU())
    forms = (traced.module, traced.bytecode, read_module(traced.module))
    for form in forms:
        assert evaluate(form, [ones(2)])[0].tolist() == [2, 2]


def test_a_module_without_a_graph_is_refused() -> None:
    with pytest.raises(ValueError, match="0 graphs"):
        read_module(Module())


def test_external_constants_get_their_values_by_name() -> None:
    traced = trace(lambda: Linear(2, 3), [TensorSpec("float32", ("n", 2))], CPU(), constant=True)
    weights = {"weight": np.arange(6, dtype=np.float32).reshape(3, 2), "bias": ones(3)}
    (y,) = evaluate(traced.module, [ones(1, 2)], constants=weights)
    assert y.tolist() == [[2, 6, 10]]
    with pytest.raises(EvaluationError, match="no value for the constant"):
        evaluate(traced.module, [ones(1, 2)])


def test_importing_the_evaluator_imports_no_torch_and_what_it_computes_needs_no_max() -> None:
    code = (
        "import sys, tutor.graphs.evaluate, tutor.graphs.evaluate.operations; assert 'max' not in sys.modules; "
        "import tutor.graphs.evaluate.evaluator; assert 'torch' not in sys.modules"
    )
    # The environment is passed on by hand: MAX adds to the process's own without telling Python.
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=os.environ, check=True)


def test_the_prefix_of_a_call_is_that_of_the_subgraphs_constants() -> None:
    type_ = TensorType(DType.float32, (2,), DeviceRef.CPU())
    with Graph("main", input_types=[type_]) as graph:
        with graph.add_subgraph("shift", input_types=[type_]) as subgraph:
            shift = ops.constant_external("bias", type_, is_placeholder=True)
            subgraph.output(subgraph.inputs[0].tensor + shift)
        (once,) = ops.call(subgraph, graph.inputs[0], prefix="h.0.")
        graph.output(*ops.call(subgraph, once, prefix="h.1."))
    constants = {"h.0.bias": np.array([1, 2], np.float32), "h.1.bias": np.array([10, 20], np.float32)}
    assert evaluate(graph.module, [ones(2)], constants=constants)[0].tolist() == [12, 23]


def test_a_graph_for_a_gpu_is_evaluated_like_one_for_a_cpu() -> None:
    with Graph("main", input_types=[TensorType(DType.float32, ("n",), DeviceRef.CPU())]) as graph:
        there = ops.transfer_to(graph.inputs[0].tensor, DeviceRef.GPU())
        graph.output(ops.transfer_to(there * 2.0, DeviceRef.CPU()))
    assert "transfer" in {operation.name for operation in read_module(graph.module).walk()}
    assert evaluate(graph.module, [ones(2)])[0].tolist() == [2, 2]
