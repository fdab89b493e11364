"""Step 19: attention you can look at.

Step 08 has one mask and keeps its weights to itself. This is the general form. It
returns the weights, so that you can print, draw and test who looks at whom. The keys
may come from a different text than the queries, and the caller says who sees what.

A wrong shape is cheap to find while the graph is built, and expensive once it runs. So
what cannot work is rejected here, with an error that says what to change.

Tasks:
    1. `check_shapes`: reject queries, keys and values that do not fit together.
    2. `visible_keys`: reject a mask that does not fit the scores, and turn one that does
       into booleans of the scores' shape.
    3. `scaled_dot_product_attention`: score, hide, softmax, blend. Return the weights as
       well. A hidden key gets exactly 0, even in a row that sees nothing.
    4. `__init__`: reject a `num_heads` that is not positive, or that does not divide
       `embed_dim`, with this message:
       `embed_dim (512) must be divisible by num_heads (7)`. Make `q_proj`, `k_proj`,
       `v_proj` and `out_proj`, and store `num_heads` and `head_dim`.
    5. `forward`: project, split into heads, attend, merge, project. Return the weights
       of every head as well.

Run: `pixi run s19` or `make s19`
"""

import math

import numpy as np
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor


def dims(tensor: Tensor) -> str:
    """Formats a shape for a message: "(batch, 1, 4, 4)". (Given.)"""
    return f"({', '.join(str(dim) for dim in tensor.shape)})"


def check_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    """Rejects queries, keys and values that do not fit together; their shapes are as in the attention below.

    Raises:
        ValueError: they do not all have 2, all 3 or all 4 dimensions, query and key differ in head_dim, or
            key and value differ in length. The message gives the numbers and says what to change.
    """
    # Task 1: reject what cannot be compared or blended.
    ranks = query.rank, key.rank, value.rank
    if len(set(ranks)) > 1 or ranks[0] not in (2, 3, 4):
        raise ValueError(f"query, key and value have {ranks} dimensions: give all three 2, 3 or 4")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"query has head_dim {query.shape[-1]}, key has {key.shape[-1]}: project both to one size")
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"key has length {key.shape[-2]}, value has {value.shape[-2]}: make both from the same tokens")


def visible_keys(mask: Tensor, scores: Tensor) -> Tensor:
    """Says for each score whether the query may look at the key.

    Args:
        mask: bool, or float with 1.0 where a query may look and 0.0 where it may not. Its shape is
            (query_len, key_len), or has as many dimensions as the scores. A size of 1 means "the same for all".
        scores: shape (query_len, key_len), (batch, query_len, key_len) or
            (batch, num_heads, query_len, key_len).

    Returns:
        Booleans of the scores' shape. Numbers that are known only when the graph runs cannot be
        rejected while it is built: of these, every number but 1 hides the key.

    Raises:
        ValueError: the mask is neither bool nor float, its numbers are known and not all 0 or 1, or
            its shape does not fit the scores. The message says what is wrong and what to change.
    """
    # Task 2: reject a mask that does not fit, and broadcast it to the scores' shape.
    if mask.dtype != DType.bool and not mask.dtype.is_float():
        raise ValueError(f"mask has dtype {mask.dtype.name}: make it bool, with mask.cast(DType.bool), or float")
    wrong = np.setdiff1d(mask.to_numpy(), (0, 1)) if mask.real else ()
    if len(wrong):
        raise ValueError(f"mask holds {wrong[0]}: make it 1 where a query may look, and 0 where it may not")
    if mask.rank == 3 and scores.rank == 4:
        raise ValueError(f"mask has shape {dims(mask)} and no heads: make it {dims(mask.unsqueeze(1))} by unsqueeze(1)")
    sizes = zip(mask.shape, scores.shape[-mask.rank :], strict=False)
    if mask.rank not in (2, scores.rank) or not all(size in (1, wanted) for size, wanted in sizes):
        raise ValueError(f"mask has shape {dims(mask)}, the scores have {dims(scores)}: match each size, or make it 1")
    return F.broadcast_to(mask if mask.dtype == DType.bool else mask == 1, scores.shape)


@F.functional
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Blends the values, weighted by how well each query fits the keys that it may see, and returns the weights too.

    weights = softmax(Q K^T / sqrt(head_dim)), where a hidden key has the score -inf;  output = weights V

    Args:
        query: shape (query_len, head_dim), (batch, query_len, head_dim) or
            (batch, num_heads, query_len, head_dim).
        key: shape (..., key_len, head_dim). In self-attention key_len is query_len.
        value: shape (..., key_len, value_dim).
        mask: as in `visible_keys`; None hides nothing.

    Returns:
        The output, of shape (..., query_len, value_dim), and the weights, of shape
        (..., query_len, key_len). Weights are never negative. The weights of a query sum to 1; if it
        sees no key at all, its weights and its output are 0.

    Raises:
        ValueError: as in `check_shapes` and `visible_keys`, while the graph is built.

    Source: "Attention Is All You Need", section 3.2.1; PyTorch `scaled_dot_product_attention`.
    """
    # Task 3: score, hide, softmax and blend.
    check_shapes(query, key, value)
    scores = query @ key.transpose(-1, -2) / math.sqrt(int(query.shape[-1]))  # (..., query_len, key_len)
    if mask is not None:
        scores = F.where(visible_keys(mask, scores), scores, float("-inf"))
    # The softmax of a row of nothing but -inf is NaN, so its weights are set to 0. On a CPU, this also keeps MAX
    # 26.7.0 from fusing the softmax and the blend into one kernel that is wrong if value_dim is not head_dim.
    attention_weights = F.where(scores == float("-inf"), 0.0, F.softmax(scores))
    return attention_weights @ value, attention_weights  # (..., query_len, value_dim), (..., query_len, key_len)


class MultiHeadAttention(Module):
    """Attends in several heads at once, and returns the weights of each.

    y = out_proj(merge(attention(split(q_proj(x)), split(k_proj(x)), split(v_proj(x)))))

    In MAX, `parameters` is a property, not a method as in PyTorch: it gives the eight tensors by name.

    Args:
        embed_dim: width of the vector that stands for one token.
        num_heads: number of heads.

    Raises:
        ValueError: num_heads is not positive, or does not divide embed_dim.

    Source: "Attention Is All You Need", section 3.2.2; PyTorch `nn.MultiheadAttention`.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        """Makes the four layers."""
        # Task 4: reject a head count that does not fit, and make the layers.
        if num_heads <= 0:
            raise ValueError(f"num_heads ({num_heads}) must be greater than 0")
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim ({embed_dim}) must be divisible by num_heads ({num_heads})")
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = Linear(embed_dim, embed_dim)
        self.k_proj = Linear(embed_dim, embed_dim)
        self.v_proj = Linear(embed_dim, embed_dim)
        self.out_proj = Linear(embed_dim, embed_dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Maps `x` of shape (batch, seq_len, embed_dim) to the same shape, and returns the weights too.

        Args:
            x: the vectors of the tokens.
            mask: as in `visible_keys`: (seq_len, seq_len), or (batch, num_heads, seq_len, seq_len), in which the
                first two sizes may be 1.

        Returns:
            The output (batch, seq_len, embed_dim) and the weights (batch, num_heads, seq_len, seq_len).
        """
        # Task 5: project, split, attend, merge, project.
        batch, seq_len, embed_dim = x.shape
        query, key, value = (
            project(x).reshape([batch, seq_len, self.num_heads, self.head_dim]).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )  # (batch, num_heads, seq_len, head_dim)
        attended, attention_weights = scaled_dot_product_attention(query, key, value, mask)
        merged = attended.transpose(1, 2).reshape([batch, seq_len, embed_dim])
        return self.out_proj(merged), attention_weights  # (batch, seq_len, embed_dim), (..., seq_len, seq_len)
