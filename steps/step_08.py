"""Step 08: scaled dot-product attention with the causal mask.

Attention for all tokens and heads at once, in five lines. Every query is compared
with every key, which gives scores; the softmax turns the scores into weights; the
weights blend the values. Your mask from step 02 hides the future.

Tasks:
    1. Compute the scores: `query @ key.transpose(-1, -2)`.
    2. Divide them by sqrt(head_dim). `head_dim` is the length of the query's last axis.
    3. Add the causal mask of step 02, with the dtype and device of the query.
    4. Take the softmax over the keys, the last axis.
    5. Blend the values with the weights.

Run: `pixi run s08` or `make s08`
"""

import math

from max.experimental import functional as F
from max.experimental.tensor import Tensor

from steps.step_02 import causal_mask


@F.functional
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Blends the values, weighted by how well each query fits the keys up to its own position.

    attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim) + mask) V

    Args:
        query: shape (batch, n_head, seq_len, head_dim).
        key: shape (batch, n_head, seq_len, head_dim).
        value: shape (batch, n_head, seq_len, head_dim).

    Returns:
        The blended values, of shape (batch, n_head, seq_len, head_dim).

    Source: "Attention Is All You Need", section 3.2.1; Hugging Face `eager_attention_forward`.
    """
    raise NotImplementedError(
        "step 08, tasks 1 to 5: scaled_dot_product_attention: score, scale, mask, softmax and blend"
    )
