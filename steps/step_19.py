"""Step 19: attention you can look at.

Step 08 knows one mask and keeps its weights to itself. This is the general form. The
weights come out, so that you can print, draw and test who looks at whom. The keys may
come from another text than the queries, and the caller says who sees what.

A mistake in a shape is cheap to find while the graph is built, and dear once it runs.
So what cannot work is refused here, by an error that says what to change.

Tasks:
    1. `check_shapes`: refuse queries, keys and values that do not fit together.
    2. `visible_keys`: refuse a mask that does not fit, and turn one that does into
       booleans of the scores' shape.
    3. `scaled_dot_product_attention`: score, hide, softmax, blend; return the weights
       too. A hidden key gets exactly 0, even in a row that sees nothing.
    4. `__init__`: refuse a head count that does not divide, with this message:
       `embed_dim (512) must be divisible by num_heads (7)`. Make `q_proj`, `k_proj`,
       `v_proj` and `out_proj`, and keep `num_heads` and `head_dim`.
    5. `forward`: project, split into heads, attend, merge, project; return the weights
       of every head too.

Run: `pixi run s19` or `make s19`
"""

import math

import numpy as np
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor


def dims(tensor: Tensor) -> str:
    """Writes a shape for a message: "(batch, 1, 4, 4)". (Given.)"""
    return f"({', '.join(str(dim) for dim in tensor.shape)})"


def check_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    """Refuses queries, keys and values that do not fit together; their shapes are as in the attention below.

    Raises:
        ValueError: they have not equally many dimensions, query and key differ in head_dim, or key
            and value differ in length. The message gives the numbers and says what to change.
    """
    raise NotImplementedError(
        "step 19, task 1: check_shapes: refuse what cannot be compared or blended"
    )


def visible_keys(mask: Tensor, scores: Tensor) -> Tensor:
    """Says for each score whether the query may look at the key.

    Args:
        mask: bool, or float with 1.0 where a query may look and 0.0 where it may not. Its shape is
            (query_len, key_len), or has as many dimensions as the scores; a size of 1 serves all.
        scores: shape (query_len, key_len), (batch, query_len, key_len) or
            (batch, num_heads, query_len, key_len).

    Returns:
        Booleans of the scores' shape. Numbers that are known only when the graph runs cannot be
        refused while it is built: there, every number but 1 hides the key.

    Raises:
        ValueError: the mask is neither bool nor float, its numbers are known and not all 0 or 1, or
            its shape does not fit the scores. The message says what is wrong and what to change.
    """
    raise NotImplementedError(
        "step 19, task 2: visible_keys: refuse a mask that does not fit, and spread it over the scores"
    )


@F.functional
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Blends the values by how well each query fits the keys that it may see, and tells the weights.

    weights = softmax(Q K^T / sqrt(head_dim)), a hidden key counting as -inf;  output = weights V

    Args:
        query: shape (query_len, head_dim), (batch, query_len, head_dim) or
            (batch, num_heads, query_len, head_dim).
        key: shape (..., key_len, head_dim). In self-attention key_len is query_len.
        value: shape (..., key_len, value_dim).
        mask: as in `visible_keys`; None hides nothing.

    Returns:
        The output, of shape (..., query_len, value_dim), and the weights, of shape
        (..., query_len, key_len). Weights are never negative. Those of a query sum to 1; if it sees
        no key at all, its weights and its output are 0.

    Raises:
        ValueError: as in `check_shapes` and `visible_keys`, while the graph is built.

    Source: "Attention Is All You Need", section 3.2.1; PyTorch `scaled_dot_product_attention`.
    """
    raise NotImplementedError(
        "step 19, task 3: scaled_dot_product_attention: score, hide, softmax and blend"
    )


class MultiHeadAttention(Module):
    """Attends in several heads at once, and tells the weights of each.

    y = out_proj(merge(attention(split(q_proj(x)), split(k_proj(x)), split(v_proj(x)))))

    MAX's `parameters` is a property, and not a method as in PyTorch: it gives the eight tensors by name.

    Args:
        embed_dim: width of the vector that stands for one token.
        num_heads: number of heads.

    Raises:
        ValueError: num_heads is not positive, or does not divide embed_dim.

    Source: "Attention Is All You Need", section 3.2.2; PyTorch `nn.MultiheadAttention`.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        """Makes the four layers."""
        raise NotImplementedError(
            "step 19, task 4: MultiHeadAttention.__init__: refuse head counts that do not fit, and make the layers"
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Maps `x` of shape (batch, seq_len, embed_dim) to the same shape, and gives the weights too.

        Args:
            x: the vectors of the tokens.
            mask: as in `visible_keys`: (seq_len, seq_len), or (batch, num_heads, seq_len, seq_len), where the
                first two may be 1.

        Returns:
            The output (batch, seq_len, embed_dim) and the weights (batch, num_heads, seq_len, seq_len).
        """
        raise NotImplementedError(
            "step 19, task 5: MultiHeadAttention.forward: project, split, attend, merge, project"
        )
