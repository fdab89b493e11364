"""Step 09: multi-head attention.

One set of attention weights cannot follow the verb, the rhyme and the speaker at
once. So GPT-2 cuts queries, keys and values into `n_head` pieces, lets each piece
attend on its own, joins the answers, and mixes them with one more linear layer.

Tasks:
    1. `__init__`: make `c_attn` (step 07) and `c_proj`, a `Linear` from `n_embd`
       to `n_embd`; store what you need from the configuration.
    2. `_split_heads`: reshape the last axis to (n_head, head_dim), then move the
       head axis in front of the token axis.
    3. `_merge_heads`: do the opposite.
    4. `forward`: project, split, attend (step 08), merge, project.

Run: `pixi run s09` or `make s09`
"""

from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config
from steps.step_07 import GPT2QKVProjection
from steps.step_08 import scaled_dot_product_attention


class GPT2MultiHeadAttention(Module):
    """Attends in several heads at once.

    y = c_proj(merge(attention(split(Q), split(K), split(V)))),  [Q, K, V] = c_attn(x)

    Args:
        config: the model's sizes.

    Source: "Attention Is All You Need", section 3.2.2; Hugging Face `GPT2Attention`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes the layers `c_attn` and `c_proj`."""
        raise NotImplementedError(
            "step 09, task 1: GPT2MultiHeadAttention.__init__: make `c_attn` and `c_proj`"
        )

    def _split_heads(self, x: Tensor) -> Tensor:
        """Cuts (batch, seq_len, n_embd) into heads of shape (batch, n_head, seq_len, head_dim)."""
        raise NotImplementedError(
            "step 09, task 2: GPT2MultiHeadAttention._split_heads: cut the last axis into heads and move them forward"
        )

    def _merge_heads(self, x: Tensor) -> Tensor:
        """Joins the heads (batch, n_head, seq_len, head_dim) again, which gives (batch, seq_len, n_embd)."""
        raise NotImplementedError(
            "step 09, task 3: GPT2MultiHeadAttention._merge_heads: undo what _split_heads does"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps `x` of shape (batch, seq_len, n_embd) to the same shape."""
        raise NotImplementedError(
            "step 09, task 4: GPT2MultiHeadAttention.forward: project, split, attend, merge, project"
        )
