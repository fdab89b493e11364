"""Step 11: the transformer block.

One block is two pre-norm residual steps: first attention, which moves information
between tokens, then the MLP, which works on each token alone. GPT-2 small is
twelve of these blocks and little else.

Tasks:
    1. Make `ln_1`, `attn`, `ln_2` and `mlp`, in this order and with these names,
       which are those of the checkpoint. Give both norms the configuration's
       epsilon, and the MLP its `intermediate_size`.
    2. `forward`: the residual step around attention.
    3. `forward`: the residual step around the MLP.

Run: `pixi run s11` or `make s11`
"""

from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from solutions.solution_01 import GPT2Config
from solutions.solution_03 import LayerNorm
from solutions.solution_04 import GPT2MLP
from solutions.solution_09 import GPT2MultiHeadAttention


class GPT2Block(Module):
    """One layer of GPT-2: attention, then the MLP, each in a residual step.

    x = x + attn(ln_1(x));  y = x + mlp(ln_2(x))

    Args:
        config: the model's sizes.

    Source: Hugging Face `GPT2Block`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes `ln_1`, `attn`, `ln_2` and `mlp`."""
        # Task 1: make `ln_1`, `attn`, `ln_2` and `mlp`.
        self.ln_1 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = GPT2MultiHeadAttention(config)
        self.ln_2 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = GPT2MLP(config.intermediate_size, config)

    def forward(self, x: Tensor) -> Tensor:
        """Maps `x` of shape (batch, seq_len, n_embd) to the same shape."""
        # Tasks 2 and 3: take a residual step around attention, then the MLP.
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x
