"""Reading and writing buffers. Chains put the accesses in order; so does the order of the operations."""

import numpy as np

from tutor.graphs.evaluate.numbers import FLOATS, finite_range, storage
from tutor.graphs.evaluate.operations.indexing import slices
from tutor.graphs.evaluate.operations.registry import Call, Results, operation


@operation("buffer.create")
def create(call: Call) -> np.ndarray:
    """A new buffer, which nobody has written to yet: a tensor that an item is assigned to becomes one.

    What is in it is nobody's promise. Here it is NaN, or the smallest number, so that who reads it is not right by
    accident.
    """
    type_ = call.operation.result_types[0]
    unwritten = np.nan if type_.dtype in FLOATS else finite_range(type_.dtype)[0]
    return np.full(call.runner.shape(type_.dims), unwritten, storage(type_.dtype))


@operation("mutable.load")
def load(call: Call, buffer: np.ndarray, chain: None) -> tuple[np.ndarray, None]:
    """What is in a buffer now."""
    return buffer.copy(), None


@operation("mutable.store")
def store(call: Call, buffer: np.ndarray, values: np.ndarray, chain: None) -> None:
    """Writes a whole buffer."""
    buffer[...] = values


@operation("mutable.store.slice")
def store_slice(
    call: Call,
    buffer: np.ndarray,
    values: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    steps: np.ndarray,
    chain: None,
) -> None:
    """Writes a part of a buffer."""
    buffer[slices(starts, stops, steps)] = values


@operation("transfer")
def transfer(call: Call, x: np.ndarray, *chain: None) -> Results:
    """Moves a tensor to another device; there is only one here."""
    return (x, *chain)


@operation("debug.tensor.print")
def debug_print(call: Call, *operands: np.ndarray | None) -> None:
    """Prints a tensor when the compiled graph runs; not here."""
