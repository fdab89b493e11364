"""Where MAX 26.7.0 on a CPU does not give what NumPy would, or what somebody might expect: the evaluator follows MAX.

The numbers below were given by MAX; the last test asks it again.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from max.driver import CPU, Buffer
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import TensorValue

from tests.graphs.compiled import load_compiled
from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.evaluator import evaluate
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace

INF, NAN = np.inf, np.nan
LOWEST = float(np.finfo(np.float32).min)
LOWEST_BFLOAT16 = -float.fromhex("0x1.fep127")


@dataclass(frozen=True)
class Oddity:
    """A function, its inputs, and what MAX gives."""

    function: Callable[..., Tensor]
    inputs: Sequence[Sequence[object]]
    expected: Sequence[object]
    dtype: str = "float32"

    @property
    def arrays(self) -> list[np.ndarray]:
        """The inputs as arrays."""
        return [np.array(values, self.dtype) for values in self.inputs]


def in_bfloat16(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *tensors: function(*(tensor.cast(DType.bfloat16) for tensor in tensors)).cast(DType.float32)


def between(start: int, stop: int, step: int) -> Callable[[Tensor], Tensor]:
    """A slice with bounds that are known only when the graph runs."""

    def part(x: Tensor) -> Tensor:
        zero = TensorValue(F.shape_to_tensor(x.shape)[0] * 0)
        size = len(range(*slice(start, stop, step).indices(6)))
        return F.slice_tensor(x, [(slice(zero + start, zero + stop, zero + step), size)])

    return part


SIX = [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]

ODDITIES: dict[str, Oddity] = {
    # NaN
    "exp of NaN is inf": Oddity(F.exp, [[NAN, 0.0]], [INF, 1.0]),
    "sigmoid of NaN is 0": Oddity(F.sigmoid, [[NAN, 0.0]], [0.0, 0.5]),
    "tanh of NaN is 1": Oddity(F.tanh, [[NAN, 0.0]], [1.0, 0.0]),
    "relu of NaN is 0": Oddity(F.relu, [[NAN, -1.0, 2.0]], [0.0, 0.0, 2.0]),
    "acos moves its argument into [-1, 1]": Oddity(F.acos, [[2.0, NAN, 1.0]], [0.0, 0.0, 0.0]),
    "max passes over NaN": Oddity(F.elementwise_max, [[NAN, 1.0, NAN], [2.0, NAN, NAN]], [2.0, 1.0, NAN]),
    "min passes over NaN": Oddity(F.elementwise_min, [[NAN, 1.0, NAN], [2.0, NAN, NAN]], [2.0, 1.0, NAN]),
    "NaN is not unequal to anything": Oddity(operator.ne, [[NAN, NAN, 1.0], [NAN, 1.0, 2.0]], [False, False, True]),
    "NaN is False": Oddity(lambda x: x.cast(DType.bool), [[NAN, INF, 0.0, -0.5]], [False, True, False, True]),
    "the largest number passes over NaN": Oddity(F.max, [[NAN, -1.0, -3.0]], [-1.0]),
    "the place of the largest passes over NaN": Oddity(F.argmax, [[NAN, 1.0, 2.0, NAN, 0.0, 5.0]], [5]),
    "the place of the smallest passes over NaN": Oddity(F.argmin, [[NAN, 1.0, 2.0, NAN, 0.0, 5.0]], [4]),
    "softmax with NaN": Oddity(F.softmax, [[0.5, NAN, 1.0]], [0.0, NAN, 0.0]),
    # infinities
    "the largest of -inf is the lowest finite number": Oddity(F.max, [[-INF, -INF]], [LOWEST]),
    "the smallest of inf is the highest finite number": Oddity(F.min, [[INF, INF]], [-LOWEST]),
    "the largest of -inf in bfloat16": Oddity(in_bfloat16(F.max), [[-INF, -INF]], [LOWEST_BFLOAT16]),
    "softmax of nothing but -inf": Oddity(F.softmax, [[-INF, -INF]], [NAN, NAN]),
    "softmax with inf": Oddity(F.softmax, [[INF, 0.0, 1.0]], [NAN, 0.0, 0.0]),
    "softmax with some -inf": Oddity(F.softmax, [[-INF, 0.0, 0.0]], [0.0, 0.5, 0.5]),
    "logsoftmax with some -inf": Oddity(F.logsoftmax, [[-INF, 0.0]], [-INF, 0.0]),
    "what is left of a division by inf": Oddity(operator.mod, [[1.0, -1.0], [INF, INF]], [NAN, NAN]),
    "an infinite power is 1": Oddity(operator.pow, [[2.5, 0.5, -7.0], [INF, -INF, INF]], [1.0, 1.0, 1.0]),
    "powers of negative numbers": Oddity(operator.pow, [[-2.0, -2.0, -2.0], [3.0, 0.5, -1.0]], [-8.0, NAN, -0.5]),
    "a power with NaN": Oddity(operator.pow, [[NAN, NAN, 2.0, NAN], [0.5, 2.0, NAN, 0.0]], [INF, NAN, INF, 1.0]),
    # division and rounding
    "whole numbers are divided rounding down": Oddity(
        operator.floordiv, [[5, -5, 5, -5], [3, 3, -3, -3]], [1, -2, -2, 1], "int64"
    ),
    "F.div of whole numbers is true division": Oddity(F.div, [[5, -5], [2, 2]], [2.5, -2.5], "int64"),
    "what is left has the sign of the divisor": Oddity(
        operator.mod, [[5, -5, 5, -5], [3, 3, -3, -3]], [2, 1, -1, -2], "int64"
    ),
    "floats as well": Oddity(operator.mod, [[5.5, -5.5], [3.0, 3.0]], [2.5, 0.5]),
    "what is left of a division by 0 is 0": Oddity(operator.mod, [[1, -1, 0], [0, 0, 0]], [0, 0, 0], "int64"),
    "a whole number to a negative power is 0": Oddity(operator.pow, [[2, -3, 2], [-1, -2, 3]], [0, 0, 8], "int64"),
    "the mean of whole numbers is rounded": Oddity(F.mean, [[3, 4]], [3], "int64"),
    "halves are rounded to the even neighbour": Oddity(F.round, [[0.5, 1.5, 2.5, -0.5]], [0.0, 2.0, 2.0, -0.0]),
    "a cast to whole numbers rounds toward zero": Oddity(lambda x: x.cast(DType.int64), [[1.9, -1.9]], [1, -1]),
    "a cast to fewer bits drops the upper ones": Oddity(
        lambda x: x.cast(DType.int8), [[300, 128, -129]], [44, -128, 127], "int64"
    ),
    "whole numbers wrap around": Oddity(operator.add, [[2**31 - 1], [1]], [-(2**31)], "int32"),
    "clamp with the bounds the wrong way round": Oddity(
        lambda x: F.clamp(x, 1.0, -1.0), [[-3.0, 0.0, 3.0]], [1.0, 1.0, 1.0]
    ),
    # bfloat16
    "halves are rounded to the even bfloat16": Oddity(
        in_bfloat16(lambda x: x), [[1.00390625, 1.01171875]], [1.0, 1.015625]
    ),
    "each operation is rounded": Oddity(in_bfloat16(lambda x, y: (x + y) - x), [[256.0], [1.0]], [0.0]),
    "rsqrt rounds twice": Oddity(in_bfloat16(F.rsqrt), [[1e-3, 0.3]], [31.75, 1.828125]),
    "tanh is a few units off": Oddity(in_bfloat16(F.tanh), [[0.5, 10.0]], [0.4609375, 0.99609375]),
    # band_part, indices, slices
    "band_part keeps all of a side for -1": Oddity(
        lambda x: F.band_part(x.reshape((2, 2)), num_lower=-1, num_upper=0).reshape((4,)),
        [[1.0, 2.0, 3.0, 4.0]],
        [1.0, 0.0, 3.0, 4.0],
    ),
    "negative indices count from the end": Oddity(
        lambda x: F.gather(x, F.constant([-1, 0, -3], DType.int64), axis=0), [[1.0, 2.0, 3.0]], [3.0, 1.0, 1.0]
    ),
    "a slice may go beyond the end": Oddity(between(2, 100, 1), SIX, [2.0, 3.0, 4.0, 5.0]),
    "a slice may begin before the start": Oddity(between(-100, 3, 1), SIX, [0.0, 1.0, 2.0]),
    "a slice counts from the end": Oddity(between(-4, -1, 1), SIX, [2.0, 3.0, 4.0]),
    "a slice backwards": Oddity(between(4, 0, -1), SIX, [4.0, 3.0, 2.0, 1.0]),
    "a slice backwards to the start": Oddity(between(5, -7, -2), SIX, [5.0, 3.0, 1.0]),
    # loops
    "a loop of no rounds": Oddity(
        lambda x: F.while_loop([x], lambda x: x[0] < 0.0, lambda x: [x + 1.0])[0], [[2.0, 3.0]], [2.0, 3.0]
    ),
}


def assert_same(got: np.ndarray, oddity: Oddity) -> None:
    expected = np.array(oddity.expected)
    assert got.dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ODDITIES)
def test_the_evaluator_gives_what_max_gave(name: str) -> None:
    oddity = ODDITIES[name]
    specs = [TensorSpec(oddity.dtype, array.shape) for array in oddity.arrays]
    assert_same(evaluate(trace(lambda: oddity.function, specs, CPU()).module, oddity.arrays)[0], oddity)


def test_max_gives_it_still() -> None:
    """All in one graph: one compile."""
    arrays = [array for oddity in ODDITIES.values() for array in oddity.arrays]

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        remaining = iter(tensors)
        return tuple(oddity.function(*(next(remaining) for _ in oddity.inputs)) for oddity in ODDITIES.values())

    graph = trace(lambda: run, [TensorSpec(str(array.dtype), array.shape) for array in arrays], CPU())
    (executable,) = load_compiled([graph])
    for result, oddity in zip(executable({}, *arrays), ODDITIES.values(), strict=True):
        assert_same(result, oddity)


def test_max_cannot_be_given_a_single_bool() -> None:
    """A condition that is an input has to be a number, or one of several bools."""
    assert Buffer.from_numpy(np.array([True])).dtype == DType.bool
    with pytest.raises(IndexError):
        Buffer.from_numpy(np.array(True))


def test_a_slice_in_the_wrong_order_is_refused() -> None:
    """MAX: "[slice] normalized stop cannot be smaller than start for positive step"."""
    specs = [TensorSpec("float32", (6,)), TensorSpec("int64", (), on_host=True)]
    graph = trace(lambda: lambda x, start: F.slice_tensor(x, [(slice(TensorValue(start), 2), "between")]), specs, CPU())
    x = np.arange(6, dtype=np.float32)
    assert evaluate(graph.module, [x, np.array(2)])[0].tolist() == []
    with pytest.raises(EvaluationError, match="slice: from 4 to 2"):
        evaluate(graph.module, [x, np.array(4)])


def test_an_index_out_of_range_is_refused() -> None:
    """MAX: "gather index -4 is out of bounds for axis 0 with size 3"."""
    specs = [TensorSpec("float32", ("n", 2)), TensorSpec("int64", ("m",))]
    graph = trace(lambda: lambda x, indices: F.gather(x, indices, axis=0), specs, CPU())
    x = np.ones((3, 2), np.float32)
    assert evaluate(graph.module, [x, np.array([2, -3])])[0].shape == (2, 2)
    for index in (3, -4):
        with pytest.raises(EvaluationError, match="out of range"):
            evaluate(graph.module, [x, np.array([0, index])])


def test_a_division_of_whole_numbers_by_zero_is_refused() -> None:
    """MAX's process ends: the processor knows no such division."""
    specs = [TensorSpec("int64", (2,)), TensorSpec("int64", (2,))]
    graph = trace(lambda: operator.floordiv, specs, CPU())
    with pytest.raises(EvaluationError, match="divided by 0"):
        evaluate(graph.module, [np.array([1, 2]), np.array([1, 0])])


def test_a_buffer_is_read_as_it_is_at_that_point() -> None:
    def swap(x: Tensor, buffer: Tensor) -> Tensor:
        before = buffer * 1.0
        F.buffer_store(buffer, x)
        after = buffer * 1.0
        F.buffer_store(buffer, before + after)
        return before * 100.0 + after

    specs = [TensorSpec("float32", (2,)), TensorSpec("float32", (2,), buffer=True)]
    buffer = np.array([3.0, 4.0], np.float32)
    (result,) = evaluate(trace(lambda: swap, specs, CPU()).module, [np.array([1.0, 2.0], np.float32), buffer])
    assert result.tolist() == [301, 402]
    assert buffer.tolist() == [4, 6]


def test_a_buffer_of_bfloat16_holds_rounded_numbers() -> None:
    def add(x: Tensor, buffer: Tensor) -> Tensor:
        F.buffer_store(buffer, buffer + x.cast(DType.bfloat16))
        return x

    specs = [TensorSpec("float32", (1,)), TensorSpec("bfloat16", (1,), buffer=True)]
    buffer = np.array([256.0], np.float32)
    evaluate(trace(lambda: add, specs, CPU()).module, [np.array([1.5], np.float32), buffer])
    assert buffer.tolist() == [258]


def test_negative_axes_of_softmax_mean_what_they_say() -> None:
    """MAX 26.7.0 compiles none but -1; the evaluator gives the true numbers."""
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    graph = trace(lambda: lambda x: F.softmax(x, axis=-2), [TensorSpec("float32", (2, 3))], CPU())
    (y,) = evaluate(graph.module, [x])
    np.testing.assert_allclose(y.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(y[1, 0], 1 / (1 + np.exp(-3)), rtol=1e-6)


def test_a_mean_without_padding_goes_by_the_number_of_the_window() -> None:
    """The last windows hold two rows of the image, and MAX divides as if they held one."""
    graph = trace(
        lambda: lambda x: F.avg_pool2d(x, (2, 2), stride=2, padding=1, count_boundary=False),
        [TensorSpec("float32", (1, 5, 6, 1))],
        CPU(),
    )
    (y,) = evaluate(graph.module, [np.ones((1, 5, 6, 1), np.float32)])
    assert y[0, :, :, 0].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [2, 2, 2, 2]]
