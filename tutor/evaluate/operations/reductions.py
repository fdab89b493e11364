"""Operations along one axis: sums and other reductions, softmax, cumulative sums, sorting."""

import numpy as np

from tutor.evaluate.operations.registry import Call, operation


@operation("reduce.add")
def add(call: Call, x: np.ndarray) -> np.ndarray:
    """The sum along an axis, which stays with size 1."""
    return np.sum(x, axis=call["axis"], keepdims=True)


@operation("reduce.mul")
def multiply(call: Call, x: np.ndarray) -> np.ndarray:
    """The product along an axis."""
    return np.prod(x, axis=call["axis"], keepdims=True)


@operation("reduce.mean")
def mean(call: Call, x: np.ndarray) -> np.ndarray:
    """The mean along an axis."""
    return np.mean(x, axis=call["axis"], keepdims=True)


@operation("reduce.max")
def largest(call: Call, x: np.ndarray) -> np.ndarray:
    """The largest number along an axis."""
    return np.max(x, axis=call["axis"], keepdims=True)


@operation("reduce.min")
def smallest(call: Call, x: np.ndarray) -> np.ndarray:
    """The smallest number along an axis."""
    return np.min(x, axis=call["axis"], keepdims=True)


@operation("reduce.arg_max")
def where_largest(call: Call, x: np.ndarray) -> np.ndarray:
    """The place of the largest number along an axis; of equal ones, the first."""
    return np.argmax(x, axis=call["axis"], keepdims=True)


@operation("reduce.arg_min")
def where_smallest(call: Call, x: np.ndarray) -> np.ndarray:
    """The place of the smallest number along an axis; of equal ones, the first."""
    return np.argmin(x, axis=call["axis"], keepdims=True)


@operation("reduce.softmax")
def softmax(call: Call, x: np.ndarray) -> np.ndarray:
    """exp(x) over its sum along an axis; exp(x - max) in truth, so that it does not overflow."""
    exponentials = np.exp(x - np.max(x, axis=call["axis"], keepdims=True))
    return exponentials / np.sum(exponentials, axis=call["axis"], keepdims=True)


@operation("reduce.logsoftmax")
def log_softmax(call: Call, x: np.ndarray) -> np.ndarray:
    """The logarithm of the softmax."""
    shifted = x - np.max(x, axis=call["axis"], keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=call["axis"], keepdims=True))


@operation("cumsum")
def cumulative_sum(call: Call, x: np.ndarray) -> np.ndarray:
    """Sums of all numbers up to each one: itself included or not, from the front or from the back."""
    axis = call["axis"]
    ordered = np.flip(x, axis) if call["reverse"] else x
    sums = np.cumsum(ordered, axis=axis, dtype=x.dtype)
    if call["exclusive"]:
        sums = np.roll(sums, 1, axis)
        sums[(slice(None),) * (axis % x.ndim) + (slice(0, 1),)] = 0
    return np.flip(sums, axis) if call["reverse"] else sums


@operation("custom mx.argsort")
def argsort(call: Call, x: np.ndarray) -> np.ndarray:
    """The order that sorts a vector."""
    order = np.argsort(x, kind="stable")
    return order if call["parameters"]["ascending"] else np.argsort(-x, kind="stable")


@operation("top_k")
def top_k(call: Call, x: np.ndarray, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The k largest numbers along an axis, the largest first, and their places."""
    k, axis = (int(given[0]), int(given[1])) if given else (call["k"], call["axis"])
    places = np.take(np.argsort(-x, axis=axis, kind="stable"), range(k), axis=axis)
    return np.take_along_axis(x, places, axis), places


@operation("bottom_k")
def bottom_k(call: Call, x: np.ndarray, k: np.ndarray, axis: np.ndarray, sort: np.ndarray) -> tuple[np.ndarray, ...]:
    """The k smallest numbers along an axis, the smallest first, and their places."""
    places = np.take(np.argsort(x, axis=int(axis), kind="stable"), range(int(k)), axis=int(axis))
    return np.take_along_axis(x, places, int(axis)), places
