"""Operations that make tensors, and those that move numbers about without changing them."""

import numpy as np

from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.operations.registry import Call, operation


@operation("constant")
def constant(call: Call) -> np.ndarray:
    """A constant of the graph."""
    return call.get("value", np.ndarray)


@operation("constant.external")
def external_constant(call: Call) -> np.ndarray:
    """A constant whose value is given when the graph is loaded."""
    return call.runner.constant(call.get("name", str))


@operation("shape_to_tensor")
def shape_to_tensor(call: Call) -> np.ndarray:
    """A shape as a vector."""
    return np.array(call.shape("shape"), np.int64)


@operation("reshape")
def reshape(call: Call, x: np.ndarray) -> np.ndarray:
    """The same numbers in another shape."""
    return x.reshape(call.shape("newShape"))


@operation("broadcast_to")
def broadcast_to(call: Call, x: np.ndarray) -> np.ndarray:
    """Repeats along axes of size 1 and along new axes in front."""
    return np.broadcast_to(x, call.shape("newShape"))


@operation("rebind_tensor_shape")
def rebind(call: Call, x: np.ndarray) -> np.ndarray:
    """The same tensor with a type that says more; the evaluator compares the shapes."""
    return x


@operation("transpose")
def transpose(call: Call, x: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Puts the axes in another order."""
    return np.transpose(x, axes)


@operation("concat")
def concat(call: Call, *parts: np.ndarray) -> np.ndarray:
    """Joins tensors along an axis."""
    return np.concatenate(parts, axis=call.axis)


@operation("split")
def split(call: Call, x: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cuts a tensor into pieces of given sizes along an axis."""
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis=call.axis))


@operation("tile")
def tile(call: Call, x: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    """Repeats the whole tensor along each axis."""
    return np.tile(x, repeats)


@operation("custom repeat_interleave")
def repeat_interleave(call: Call, x: np.ndarray, repeats: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Repeats each slice along an axis, all equally often or each as often as is said."""
    return np.repeat(x, repeats if repeats.size > 1 else repeats.item(), axis=int(axis))


def _paddings(paddings: np.ndarray) -> list[tuple[int, int]]:
    return [(int(before), int(after)) for before, after in paddings.reshape(-1, 2)]


@operation("pad.constant")
def pad_with_constant(call: Call, x: np.ndarray, paddings: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Adds a number before and after along each axis."""
    return np.pad(x, _paddings(paddings), constant_values=value)


@operation("pad.reflect")
def pad_with_reflection(call: Call, x: np.ndarray, paddings: np.ndarray) -> np.ndarray:
    """Goes on backwards beyond both ends of each axis."""
    return np.pad(x, _paddings(paddings), mode="reflect")


@operation("pad.repeat")
def pad_with_edge(call: Call, x: np.ndarray, paddings: np.ndarray) -> np.ndarray:
    """Repeats what is at both ends of each axis."""
    return np.pad(x, _paddings(paddings), mode="edge")


@operation("range")
def count(call: Call, start: np.ndarray, stop: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Numbers from `start` up to `stop`, which is not one of them."""
    if not step:
        raise EvaluationError("a range with step 0")
    length = max(0, int(np.ceil((stop - start) / step)))
    return start + step * np.arange(length).astype(start.dtype)


@operation("linalg.band_part")
def band_part(call: Call, x: np.ndarray, lower: np.ndarray, upper: np.ndarray, exclude: np.ndarray) -> np.ndarray:
    """Keeps a band around the diagonal of matrices, or all but the band; the rest is 0.

    `lower` and `upper` say how many diagonals belong to the band on each side of the main one; all for a negative
    number.
    """
    below = np.arange(x.shape[-2])[:, None] - np.arange(x.shape[-1])
    inside = ((lower < 0) | (below <= lower)) & ((upper < 0) | (-below <= upper))
    return np.where(inside ^ exclude, x, np.zeros((), x.dtype))
