"""The type of a tensor in the tool's own words, so that checks can be read without importing MAX."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Dims = tuple[int | str, ...]


@dataclass(frozen=True)
class TensorSpec:
    """The type of a tensor.

    Args:
        dtype: a NumPy dtype name, or "bfloat16".
        dims: sizes, and names for symbolic sizes; a sum is written as MAX prints it: "seq_len + 3".
        buffer: the argument is a buffer, which the graph may write to.
        on_host: the argument stays on the CPU on every device, for sizes that depend on its value.
    """

    dtype: str
    dims: Dims
    buffer: bool = False
    on_host: bool = False

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The dimensions as numbers, where each symbolic size has a number."""
        return tuple(sizes[dim] if isinstance(dim, str) else dim for dim in self.dims)


def dims_of(shape: Iterable[object]) -> Dims:
    """The dimensions of a MAX shape as plain values: ints, and names or expressions for symbolic ones."""
    return tuple(int(str(dim)) if str(dim).lstrip("-").isdigit() else str(dim) for dim in shape)
