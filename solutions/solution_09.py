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

from solutions.solution_01 import GPT2Config
from solutions.solution_07 import GPT2QKVProjection
from solutions.solution_08 import scaled_dot_product_attention


class GPT2MultiHeadAttention(Module):
    """Attends in several heads at once.

    y = c_proj(merge(attention(split(Q), split(K), split(V)))),  [Q, K, V] = c_attn(x)

    Args:
        config: the model's sizes.

    Source: "Attention Is All You Need", section 3.2.2; Hugging Face `GPT2Attention`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes the layers `c_attn` and `c_proj`."""
        # Task 1: make `c_attn` and `c_proj`.
        self.n_head = config.n_head
        self.head_dim = config.head_dim
        self.c_attn = GPT2QKVProjection(config)
        self.c_proj = Linear(config.n_embd, config.n_embd)

    def _split_heads(self, x: Tensor) -> Tensor:
        """Cuts (batch, seq_len, n_embd) into heads of shape (batch, n_head, seq_len, head_dim)."""
        # Task 2: cut the last axis into heads and move them forward.
        batch, seq_len, _ = x.shape
        x = x.reshape([batch, seq_len, self.n_head, self.head_dim])
        return x.transpose(1, 2)  # (batch, n_head, seq_len, head_dim)

    def _merge_heads(self, x: Tensor) -> Tensor:
        """Joins the heads (batch, n_head, seq_len, head_dim) again, which gives (batch, seq_len, n_embd)."""
        # Task 3: undo what _split_heads does.
        batch, _, seq_len, _ = x.shape
        x = x.transpose(1, 2)  # (batch, seq_len, n_head, head_dim)
        return x.reshape([batch, seq_len, self.n_head * self.head_dim])

    def forward(self, x: Tensor) -> Tensor:
        """Maps `x` of shape (batch, seq_len, n_embd) to the same shape."""
        # Task 4: project, split, attend, merge, project.
        query, key, value = (self._split_heads(projected) for projected in self.c_attn(x))
        attended = scaled_dot_product_attention(query, key, value)  # (batch, n_head, seq_len, head_dim)
        return self.c_proj(self._merge_heads(attended))  # (batch, seq_len, n_embd)
