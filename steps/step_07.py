"""Step 07: query, key and value projections.

Each token asks a question (query), offers a label (key) and carries a message
(value). All three are linear maps of the same vector, so GPT-2 computes them with
one wide matrix and cuts the result into three. One large multiplication uses the
processor better than three small ones.

Tasks:
    1. `__init__`: this class is itself a `Linear` layer. Its input is `n_embd`
       wide, and its output three times as wide.
    2. `forward`: apply the layer and split the last axis into three equal parts.
       In the checkpoint they are in the order query, key, value.

Run: `pixi run s07` or `make s07`
"""

from max.experimental import functional as F
from max.experimental.nn import Linear
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config


class GPT2QKVProjection(Linear):
    """Projects each token's vector to its query, key and value.

    [query, key, value] = x @ weight.T + bias

    Args:
        config: the model's sizes.

    Source: Hugging Face `GPT2Attention.c_attn`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes `weight` of shape (3 * n_embd, n_embd) and `bias` of shape (3 * n_embd,)."""
        raise NotImplementedError(
            "step 07, task 1: GPT2QKVProjection.__init__: give the `Linear` layer its two widths"
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps `x` of shape (batch, seq_len, n_embd) to query, key and value, each of that shape."""
        raise NotImplementedError(
            "step 07, task 2: GPT2QKVProjection.forward: apply the layer and cut its output into three"
        )
