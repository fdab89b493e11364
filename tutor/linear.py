"""How linear layers multiply in the graphs that `generate` runs.

MAX's `Linear` computes x @ weight.T. With one token, that is a row times a matrix, and on a CPU
MAX reads the weights at about half of what the memory allows. The same product the other way
round, (weight @ x.T).T, is a matrix times a column: MAX has a faster kernel for it.
`benchmarks/README.md` has the figures.
"""

import contextlib
from collections.abc import Iterator

from max.experimental.nn import Linear
from max.experimental.tensor import Tensor


@contextlib.contextmanager
def weights_first() -> Iterator[None]:
    """While this lasts, `Linear` is traced as (weight @ x.T).T + bias."""
    original = Linear.forward
    Linear.forward = _weight_first
    try:
        yield
    finally:
        Linear.forward = original


def _weight_first(layer: Linear, x: Tensor) -> Tensor:
    """Maps `x` of shape (..., in_dim) to (..., out_dim)."""
    *leading, in_dim = x.shape
    rows = 1
    for dim in leading:
        rows = dim * rows
    y = layer.weight @ x.reshape([rows, in_dim]).T  # (out_dim, rows)
    return y.T.reshape([*leading, layer.out_dim]) + layer.bias
