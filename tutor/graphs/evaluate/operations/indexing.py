"""Reading and replacing parts of tensors."""

import math
from collections.abc import Callable

import numpy as np

from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.operations.registry import Call, operation

# What MAX writes for a bound that is left out.
_NO_BOUND = np.iinfo(np.int64).max


def slices(starts: np.ndarray, stops: np.ndarray, steps: np.ndarray) -> tuple[slice, ...]:
    """Bounds that are known at run time as Python's slices."""
    return tuple(
        slice(int(start), None if stop == _NO_BOUND else int(stop), int(step))
        for start, stop, step in zip(starts, stops, steps, strict=True)
    )


@operation("slice")
def slice_(call: Call, x: np.ndarray, *bounds: np.ndarray) -> np.ndarray:
    """A part of a tensor: bounds are shapes, or tensors.

    Bounds beyond an end are moved there, as Python does. Where bounds are tensors, MAX refuses those that are then in
    the wrong order; Python gives nothing.
    """
    places = slices(*(bounds or (np.array(call.shape(name)) for name in ("starts", "stops", "steps"))))
    if bounds:
        for place, size in zip(places, x.shape, strict=True):
            start, stop, step = place.indices(size)
            if (stop - start) * step < 0:
                raise EvaluationError(f"slice: from {start} to {stop} in steps of {step}")
    return x[places]


def checked(indices: np.ndarray, size: int) -> np.ndarray:
    """Indices from 0 to size - 1: negative ones count from the end.

    Raises:
        EvaluationError: an index is out of range.
    """
    if indices.size and (indices.min() < -size or indices.max() >= size):
        raise EvaluationError(f"an index out of range: {indices.min()} to {indices.max()} where the axis has {size}")
    return np.where(indices < 0, indices + size, indices)


@operation("gather")
def gather(call: Call, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Takes slices along an axis by their indices."""
    return np.take(x, checked(indices, x.shape[call.axis]), axis=call.axis)


@operation("gather_nd")
def gather_nd(call: Call, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Takes elements or slices: the last axis of the indices holds one index for each axis of the tensor.

    MAX adds up where in memory that is, and compares nothing: an index that is negative or too large is in another row.

    Raises:
        EvaluationError: the place is outside of the tensor; MAX reads there whatever is in memory.
    """
    batch, depth = call.get("batchDims", int), indices.shape[-1]
    sizes = x.shape[: batch + depth]
    strides = [math.prod(sizes[axis + 1 :]) for axis in range(batch + depth)]
    places = np.asarray(indices @ np.array(strides[batch:], np.int64))
    for axis, own in enumerate(np.indices(places.shape)[:batch]):
        places = places + own * strides[axis]
    if places.size and (places.min() < 0 or places.max() >= math.prod(sizes)):
        raise EvaluationError("gather_nd: an index is outside of the tensor")
    return x.reshape(-1, *x.shape[batch + depth :])[places]


def _combine(name: str, function: Callable[..., None]) -> None:
    @operation(f"scatter.{name}" if name else "scatter")
    def scatter(
        call: Call, x: np.ndarray, updates: np.ndarray, indices: np.ndarray, axis: np.ndarray | None = None
    ) -> np.ndarray:
        along = (call.axis if axis is None else int(axis)) % x.ndim
        places = [np.asarray(place) for place in np.indices(indices.shape)]
        places[along] = checked(indices, x.shape[along])
        result = x.copy()
        function(result, tuple(places), updates)
        return result

    @operation(f"scatter_nd.{name}" if name else "scatter_nd")
    def scatter_nd(call: Call, x: np.ndarray, updates: np.ndarray, indices: np.ndarray) -> np.ndarray:
        places = tuple(checked(indices[..., axis], x.shape[axis]) for axis in range(indices.shape[-1]))
        result = x.copy()
        function(result, places, updates)
        return result


def _replace(target: np.ndarray, places: tuple[np.ndarray, ...], updates: np.ndarray) -> None:
    target[places] = updates


_combine("", _replace)
_combine("add", np.add.at)
_combine("max", np.maximum.at)
_combine("min", np.minimum.at)
_combine("mul", np.multiply.at)


@operation("arg_nonzero")
def nonzero(call: Call, x: np.ndarray) -> np.ndarray:
    """The places of all numbers that are not 0, a row for each."""
    return np.argwhere(x)
