"""Step 04: the feed-forward network.

Attention moves information between tokens. The feed-forward network (MLP) then
works on each token alone: it widens the vector, applies a smooth gate to every
entry, and narrows it again. It holds two thirds of a block's weights.

Tasks:
    1. `c_fc`: a `Linear` layer from `n_embd` to `intermediate_size`.
    2. `c_proj`: a `Linear` layer back to `n_embd`.
    3. `forward`: widen with `c_fc`, apply GELU in its tanh form (`F.gelu` with
       `approximate="tanh"`), and narrow with `c_proj`.

Run: `pixi run s04` or `make s04`
"""

from max.experimental import functional as F
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config


class GPT2MLP(Module):
    """Widens, gates and narrows the vector of each token.

    y = c_proj(gelu(c_fc(x)))
    gelu(x) = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))

    Args:
        intermediate_size: width of the layer in the middle.
        config: the model's sizes.

    Source: Hugging Face `GPT2MLP`; "Gaussian Error Linear Units" (Hendrycks, Gimpel 2016), section 2.
    """

    def __init__(self, intermediate_size: int, config: GPT2Config) -> None:
        """Makes the layers `c_fc` and `c_proj`, both with a bias."""
        raise NotImplementedError(
            "step 04, tasks 1 and 2: GPT2MLP.__init__: make the layers `c_fc` and `c_proj`"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps `x` of shape (batch, seq_len, n_embd) to the same shape."""
        raise NotImplementedError(
            "step 04, task 3: GPT2MLP.forward: widen, apply GELU, narrow"
        )
