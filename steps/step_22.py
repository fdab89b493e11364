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

from steps.step_02 import causal_mask
from steps.step_08 import scaled_dot_product_attention
from steps.step_09 import GPT2MultiHeadAttention
from steps.step_21 import linear_backward

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
    raise NotImplementedError(
        "step 22, task 1: softmax_backward: subtract what the whole row has in common, and weigh the rest"
    )


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
    raise NotImplementedError(
        "step 22, task 2: attention_backward: compute the weights again, then go back line by line"
    )


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
    raise NotImplementedError(
        "step 22, task 3: multi_head_attention_backward: compute queries, keys and values again, then go back through each line of step 09's `forward`"
    )
