"""Operations along one axis: sums and other reductions, softmax, cumulative sums, sorting.

Sums of bfloat16 numbers are taken in float32. MAX's CPU takes them in bfloat16, in as many partial sums as suit the
processor, so that they differ from one processor to another. Its softmax and its matrix products are in float32.
"""

import numpy as np

from tutor.graphs.evaluate.numbers import finite_range
from tutor.graphs.evaluate.operations.arithmetic import exp
from tutor.graphs.evaluate.operations.registry import Call, operation


@operation("reduce.add")
def add(call: Call, x: np.ndarray) -> np.ndarray:
    """The sum along an axis, which stays with size 1."""
    return np.sum(x, axis=call.axis, keepdims=True)


@operation("reduce.mul")
def multiply(call: Call, x: np.ndarray) -> np.ndarray:
    """The product along an axis."""
    return np.prod(x, axis=call.axis, keepdims=True)


@operation("reduce.mean")
def mean(call: Call, x: np.ndarray) -> np.ndarray:
    """The mean along an axis."""
    return np.mean(x, axis=call.axis, keepdims=True)


def _maximum(x: np.ndarray, axis: int, dtype: str) -> np.ndarray:
    """The largest number; NaN is passed over. MAX begins with the lowest finite one: of nothing but -inf it is that."""
    return np.fmax.reduce(x, axis=axis, keepdims=True, initial=finite_range(dtype)[0])


@operation("reduce.max")
def largest(call: Call, x: np.ndarray) -> np.ndarray:
    """The largest number along an axis; of nothing but -inf, the smallest finite one."""
    return _maximum(x, call.axis, call.operand_dtype)


@operation("reduce.min")
def smallest(call: Call, x: np.ndarray) -> np.ndarray:
    """The smallest number along an axis; of nothing but inf, the largest finite one."""
    return np.fmin.reduce(x, axis=call.axis, keepdims=True, initial=finite_range(call.operand_dtype)[1])


@operation("reduce.arg_max")
def where_largest(call: Call, x: np.ndarray) -> np.ndarray:
    """The place of the largest number along an axis; of equal ones, the first. NaN is passed over."""
    return np.argmax(np.where(x == x, x, -np.inf) if x.dtype.kind == "f" else x, axis=call.axis, keepdims=True)


@operation("reduce.arg_min")
def where_smallest(call: Call, x: np.ndarray) -> np.ndarray:
    """The place of the smallest number along an axis; of equal ones, the first. NaN is passed over."""
    return np.argmin(np.where(x == x, x, np.inf) if x.dtype.kind == "f" else x, axis=call.axis, keepdims=True)


@operation("reduce.softmax")
def softmax(call: Call, x: np.ndarray) -> np.ndarray:
    """exp(x - max) over its sum along an axis. Of nothing but -inf it is NaN."""
    exponentials = exp(x - _maximum(x, call.axis, call.operand_dtype))
    return exponentials / np.sum(exponentials, axis=call.axis, keepdims=True)


@operation("reduce.logsoftmax")
def log_softmax(call: Call, x: np.ndarray) -> np.ndarray:
    """The logarithm of the softmax."""
    shifted = x - _maximum(x, call.axis, call.operand_dtype)
    return shifted - np.log(np.sum(exp(shifted), axis=call.axis, keepdims=True))


@operation("cumsum")
def cumulative_sum(call: Call, x: np.ndarray) -> np.ndarray:
    """Sums of all numbers up to each one: itself included or not, from the front or from the back."""
    axis = call.axis
    ordered = np.flip(x, axis) if call.get("reverse", int) else x
    sums = np.cumsum(ordered, axis=axis, dtype=x.dtype)
    if call.get("exclusive", int):
        sums = np.roll(sums, 1, axis)
        sums[(slice(None),) * (axis % x.ndim) + (slice(0, 1),)] = 0
    return np.flip(sums, axis) if call.get("reverse", int) else sums


def order(x: np.ndarray, axis: int, *, descending: bool) -> np.ndarray:
    """The places of the numbers along an axis in order of size; equal ones stay as they are."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    backwards = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.flip(x.shape[axis] - 1 - backwards, axis)


@operation("custom mx.argsort")
def argsort(call: Call, x: np.ndarray) -> np.ndarray:
    """The order that sorts a vector."""
    return order(x, 0, descending=not call.get("parameters", dict)["ascending"])


@operation("top_k")
def top_k(call: Call, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The k largest numbers along an axis, the largest first, and their places."""
    places = np.take(order(x, call.axis, descending=True), range(call.get("k", int)), axis=call.axis)
    return np.take_along_axis(x, places, call.axis), places


@operation("bottom_k")
def bottom_k(call: Call, x: np.ndarray, k: np.ndarray, axis: np.ndarray, sort: np.ndarray) -> tuple[np.ndarray, ...]:
    """The k smallest numbers along an axis, the smallest first, and their places."""
    places = np.take(order(x, int(axis), descending=False), range(int(k)), axis=int(axis))
    return np.take_along_axis(x, places, int(axis)), places
