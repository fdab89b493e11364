"""Step 03: layer normalisation.

A deep stack of layers trains well only if the numbers that pass through it stay
about the same size. Layer normalisation shifts and scales each token's vector to
mean 0 and variance 1. Then a learned weight and bias let the model choose a
different mean and scale for each entry.

Tasks:
    1. Make the parameters `weight` (ones) and `bias` (zeros), each of shape (dim,).
    2. Compute the mean and the variance of each vector over the last axis. The
       variance divides by `dim`, not by `dim - 1`.
    3. Normalise: subtract the mean, and multiply by the reciprocal square root
       of the variance plus `eps`.
    4. Multiply by `weight` and add `bias`.

Run: `pixi run s03` or `make s03`
"""

from max.experimental import functional as F
from max.experimental.nn import Module
from max.experimental.tensor import Tensor


class LayerNorm(Module):
    """Normalises each vector over its last axis.

    y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias

    Args:
        dim: length of the last axis.
        eps: added to the variance, so that nothing is divided by 0.

    Source: "Layer Normalization" (Ba, Kiros, Hinton 2016), section 3; PyTorch `LayerNorm`.
    """

    def __init__(self, dim: int, *, eps: float = 1e-5) -> None:
        """Makes the parameters `weight` and `bias`, each of shape (dim,)."""
        # Task 1: make the parameters `weight` and `bias`.
        self.eps = eps
        self.weight = Tensor.ones([dim])
        self.bias = Tensor.zeros([dim])

    def forward(self, x: Tensor) -> Tensor:
        """Normalises `x` of shape (..., dim); the result has the same shape."""
        # Tasks 2 to 4: normalise each vector, then scale and shift it.
        centered = x - F.mean(x, axis=-1)
        variance = F.mean(centered * centered, axis=-1)
        return centered * F.rsqrt(variance + self.eps) * self.weight + self.bias
