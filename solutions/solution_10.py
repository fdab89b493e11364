"""Step 10: residual connections and pre-norm.

A sublayer of a transformer does not replace its input, but adds a correction to it.
The sum is the residual stream, which runs straight from the embeddings to the
output. GPT-2 normalises what each sublayer reads, but never the stream itself.

Tasks:
    1. Make `ln`, your layer norm from step 03, and store the `sublayer`.
    2. `forward`: normalise, apply the sublayer, and add the result to the input.

Run: `pixi run s10` or `make s10`
"""

from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from solutions.solution_03 import LayerNorm


class PreNormResidual(Module):
    """Applies a sublayer to the normalised input, and adds the result to the input.

    y = x + sublayer(ln(x))

    Args:
        dim: length of the last axis.
        sublayer: any module that keeps the shape.
        eps: the epsilon of the layer norm.

    Source: "Language Models are Unsupervised Multitask Learners", section 2.3; Hugging Face `GPT2Block`.
    """

    def __init__(self, dim: int, sublayer: Module, *, eps: float = 1e-5) -> None:
        """Makes the layer norm `ln` and stores the `sublayer`."""
        # Task 1: make `ln` and store the `sublayer`.
        self.ln = LayerNorm(dim, eps=eps)
        self.sublayer = sublayer

    def forward(self, x: Tensor) -> Tensor:
        """Maps `x` of shape (..., dim) to the same shape."""
        # Task 2: normalise, apply the sublayer, and add the result to `x`.
        return x + self.sublayer(self.ln(x))
