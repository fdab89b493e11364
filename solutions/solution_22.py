"""Step 22: backward through attention.

Attention has no parameters of its own, but three inputs, and each of them gets a
gradient: the values through the blend, the queries and keys through the softmax.
Where the mask hid a key, its weight was 0, and so no gradient reaches it. Around
it, the heads are split and merged, and one projection made all three inputs.

Tasks:
    1. `softmax_backward`: every weight of a row depends on every score of the row.
    2. `attention_backward`: back through the blend, the softmax, the scale and the
       scores.
    3. `multi_head_attention_backward`: back through `c_proj`, the heads, attention,
       and `c_attn`.

Run: `pixi run s22` or `make s22`
"""

import math

from max.experimental import functional as F
from max.experimental.tensor import Tensor

from solutions.solution_02 import causal_mask
from solutions.solution_08 import scaled_dot_product_attention
from solutions.solution_09 import GPT2MultiHeadAttention
from solutions.solution_21 import linear_backward

# The gradients of a module's parameters, under the parameters' names.
Gradients = dict[str, Tensor]


def named(name: str, gradients: Gradients) -> Gradients:
    """The gradients of a part under their names in the whole: "weight" becomes "c_attn.weight". (Given.)"""
    return {f"{name}.{key}": gradient for key, gradient in gradients.items()}


@F.functional
def softmax_backward(grad_weights: Tensor, weights: Tensor) -> Tensor:
    """Goes back through a softmax over the last axis, weights = softmax(scores).

    grad_scores = weights * (grad_weights - sum(grad_weights * weights))

    Args:
        grad_weights: shape (..., n).
        weights: what the softmax gave, of the same shape.

    Returns:
        The gradient of the scores, of the same shape.

    Source: "FlashAttention" (Dao et al. 2022), appendix B.2.
    """
    # Task 1: subtract what the whole row has in common, and weigh the rest.
    return weights * (grad_weights - F.sum(grad_weights * weights, axis=-1))


@F.functional
def attention_backward(grad_y: Tensor, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Goes back through the causal attention of step 08, y = softmax(Q K^T / sqrt(head_dim) + mask) V.

    Args:
        grad_y: shape (batch, n_head, seq_len, head_dim).
        query, key, value: what attention was given, each of the same shape.

    Returns:
        The gradients of query, key and value, each of the same shape.

    Source: "FlashAttention" (Dao et al. 2022), appendix B.2.
    """
    # Task 2: compute the weights again, then go back line by line.
    scale = 1 / math.sqrt(int(query.shape[-1]))
    mask = causal_mask(query.shape[-2], 0, dtype=query.dtype, device=query.device)  # (seq_len, seq_len)
    weights = F.softmax(query @ key.transpose(-1, -2) * scale + mask)  # (batch, n_head, seq_len, seq_len)
    grad_value = weights.transpose(-1, -2) @ grad_y
    grad_weights = grad_y @ value.transpose(-1, -2)  # (batch, n_head, seq_len, seq_len)
    grad_scores = softmax_backward(grad_weights, weights) * scale
    return grad_scores @ key, grad_scores.transpose(-1, -2) @ query, grad_value


def multi_head_attention_backward(
    attention: GPT2MultiHeadAttention, grad_y: Tensor, x: Tensor
) -> tuple[Tensor, Gradients]:
    """Goes back through the attention of step 09.

    Args:
        attention: the module.
        grad_y: shape (batch, seq_len, n_embd).
        x: what the module was given, of the same shape.

    Returns:
        The gradient of x, and those of the parameters: `c_attn.weight`, `c_attn.bias`, `c_proj.weight` and
        `c_proj.bias`.

    Source: Hugging Face `GPT2Attention`.
    """
    # Task 3: compute queries, keys and values again, then go back through each line of step 09's `forward`.
    query, key, value = (attention._split_heads(projected) for projected in attention.c_attn(x))
    attended = attention._merge_heads(scaled_dot_product_attention(query, key, value))
    grad_attended, grad_weight, grad_bias = linear_backward(grad_y, attended, attention.c_proj.weight)
    c_proj = {"weight": grad_weight, "bias": grad_bias}
    grads = attention_backward(attention._split_heads(grad_attended), query, key, value)
    grad_qkv = F.concat([attention._merge_heads(grad) for grad in grads], axis=-1)  # (batch, seq_len, 3 * n_embd)
    grad_x, grad_weight, grad_bias = linear_backward(grad_qkv, x, attention.c_attn.weight)
    c_attn = {"weight": grad_weight, "bias": grad_bias}
    return grad_x, named("c_attn", c_attn) | named("c_proj", c_proj)
