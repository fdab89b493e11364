"""Step 18: six attentions.

One formula in three ways, each with and without the causal mask. Eager attention
writes every table out. Fused attention is a pattern that MAX recognises and replaces
with a kernel of its own. Flash attention takes the keys in tiles, so its memory grows
with seq_len and not with its square; its texts are stored one after another, without
padding.

A token that may look at nothing, such as padding, gets zeros.

Tasks:
    1. `split_heads` and `merge_heads`: do as in step 09, whatever axes come before
       seq_len. Heads are float32, even if the inputs are bfloat16.
    2. `eager_attention`: compute the softmax by hand, with `F.max`, `F.exp` and `F.sum`.
    3. `fused_attention`: compute `F.softmax(scores + table) @ value`, with at most one
       table.
    4. `visible_range`: find the first and the last key that each token may look at.
    5. `online_softmax_step`: add one more tile of keys to a softmax that is not finished.
    6. `tiled_attention`: loop over the tiles of queries, and for each of them over the
       tiles of keys.
    7. The six functions: call the right one of the three, causal or not.

Run: `pixi run s18` or `make s18`
"""

import math

from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.nn.attention import MHAMaskVariant
from max.nn.kernels import flash_attention_gpu, flash_attention_ragged_gpu

from steps.step_02 import causal_mask

TILE = 256  # tokens in a tile
LOWEST = -1e30  # below every score, but finite: LOWEST - LOWEST is 0, whereas -inf - -inf is NaN


def split_heads(x: Tensor, num_heads: int, head_dim: int) -> Tensor:
    """Cuts (..., seq_len, num_heads * head_dim) into float32 heads, (..., num_heads, seq_len, head_dim)."""
    raise NotImplementedError(
        "step 18, task 1: split_heads: cut the last axis into heads, move them forward, and cast"
    )


def merge_heads(x: Tensor, dtype: DType) -> Tensor:
    """Joins heads (..., num_heads, seq_len, head_dim) again, as `dtype` (..., seq_len, num_heads * head_dim)."""
    raise NotImplementedError(
        "step 18, task 1: merge_heads: undo what split_heads does"
    )


def eager_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None, causal: bool
) -> Tensor:
    """Attends step by step; each step makes a table of shape (batch, num_heads, seq_len, seq_len).

    weights = exp(scores - max(scores)),  output = weights V / sum(weights)
    """
    raise NotImplementedError(
        "step 18, task 2: eager_attention: score, scale, mask, softmax by hand, and blend"
    )


def gpu_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, causal: bool, *lengths: Tensor
) -> Tensor:
    """Attends with a kernel that MAX has only for GPUs; `lengths` are cu_seqlens and max_seqlen. (Given.)"""
    kernel = F.functional(flash_attention_ragged_gpu if lengths else flash_attention_gpu)
    variant = MHAMaskVariant.CAUSAL_MASK if causal else MHAMaskVariant.NULL_MASK
    heads = (x.reshape([*x.shape[:-1], num_heads, head_dim]) for x in (query, key, value))
    return kernel(*heads, *lengths, variant, head_dim**-0.5).reshape(query.shape)


def fused_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None, causal: bool
) -> Tensor:
    """Attends with the pattern that MAX's compiler replaces with a FlashAttention kernel.

    output = softmax(Q K^T / sqrt(head_dim) + table) V
    """
    raise NotImplementedError(
        "step 18, task 3: fused_attention: score, scale, add one table of what is hidden, softmax and blend"
    )


def visible_range(cu_seqlens: Tensor, rows: Tensor, causal: bool) -> tuple[Tensor, Tensor]:
    """Finds the first and the last key that each token may see, within its own sequence.

    Args:
        cu_seqlens: where each sequence begins, and where the last one ends: int64 (num_seqs + 1,).
        rows: the positions of some tokens: int64 (tokens,).
        causal: hides the keys after a token's own.

    Returns:
        The positions of the first and the last key for each token, each int64 (tokens,).
    """
    raise NotImplementedError(
        "step 18, task 4: visible_range: find the sequence of each token, and where it begins and ends"
    )


def online_softmax_step(
    scores: Tensor, values: Tensor, running_max: Tensor, running_sum: Tensor, accumulator: Tensor
) -> tuple[Tensor, ...]:
    """Adds one more tile of keys to a softmax that has seen some keys already.

    running_max' = max(running_max, max(scores))
    correction = exp(running_max - running_max'),  weights = exp(scores - running_max')
    running_sum' = correction running_sum + sum(weights)
    accumulator' = correction accumulator + weights V

    Args:
        scores: the scores of the tile, -inf for hidden keys: (num_heads, queries, keys).
        values: the values of the tile: (num_heads, keys, head_dim).
        running_max: the largest score so far, LOWEST before the first tile: (num_heads, queries, 1).
        running_sum: the sum of the weights so far: (num_heads, queries, 1).
        accumulator: the sum of the weighted values so far: (num_heads, queries, head_dim).

    Returns:
        The new `running_max`, `running_sum` and `accumulator`.

    Source: "Online normalizer calculation for softmax", algorithm 3; "FlashAttention-2", algorithm 1.
    """
    raise NotImplementedError(
        "step 18, task 5: online_softmax_step: correct the sums so far, and add what the tile contributes"
    )


def tiled_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, cu_seqlens: Tensor, causal: bool
) -> Tensor:
    """Attends tile by tile: each tile of queries goes through only the tiles of keys that it may see.

    output = accumulator / running_sum, after all of these tiles
    """
    raise NotImplementedError(
        "step 18, task 6: tiled_attention: loop over the tiles of queries, and for each over the tiles of keys"
    )


def flash_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, causal: bool, *lengths: Tensor
) -> Tensor:
    """Attends within sequences; `lengths` are cu_seqlens and max_seqlen. On a GPU, MAX has a kernel. (Given.)"""
    cu_seqlens, max_seqlen = lengths
    if query.device.is_host:
        return tiled_attention(query, key, value, num_heads, head_dim, cu_seqlens, causal)
    return gpu_attention(query, key, value, num_heads, head_dim, causal, cu_seqlens, max_seqlen.to(CPU()))


@F.functional
def eager_bidirectional_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Lets each token look at all tokens of its text, and writes every table out.

    attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim)) V for each head

    Args:
        query, key, value: shape (batch, seq_len, num_heads * head_dim), float32 or bfloat16.
        num_heads, head_dim: how the last axis is cut into heads.
        mask: boolean (batch, seq_len), True where a token takes part, False where it is padding;
            None if all tokens take part.

    Returns:
        The blended values, with the shape and dtype of the query; zeros for a token that may look at
        nothing.

    Source: "Attention Is All You Need", section 3.2.1; PyTorch `scaled_dot_product_attention`.
    """
    raise NotImplementedError(
        "step 18, task 7: eager_bidirectional_attention: call eager_attention"
    )


@F.functional
def eager_causal_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Does what `eager_bidirectional_attention` does, but no token sees a later one."""
    raise NotImplementedError(
        "step 18, task 7: eager_causal_attention: call eager_attention"
    )


@F.functional
def sdpa_bidirectional_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Computes what `eager_bidirectional_attention` computes, in one kernel."""
    raise NotImplementedError(
        "step 18, task 7: sdpa_bidirectional_attention: call fused_attention"
    )


@F.functional
def sdpa_causal_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Computes what `eager_causal_attention` computes, in one kernel."""
    raise NotImplementedError(
        "step 18, task 7: sdpa_causal_attention: call fused_attention"
    )


@F.functional
def flash_bidirectional_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, cu_seqlens: Tensor, max_seqlen: Tensor
) -> Tensor:
    """Lets each token look at all tokens of its sequence; the sequences are stored one after another.

    attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim)) V for each head of each sequence

    Args:
        query, key, value: shape (total_seq_len, num_heads * head_dim), float32 or bfloat16.
        num_heads, head_dim: how the last axis is cut into heads.
        cu_seqlens: where each sequence begins, and where the last one ends: uint32 (num_seqs + 1,).
            Sequences of 2, 3 and 4 tokens give [0, 2, 5, 9].
        max_seqlen: the length of the longest sequence: uint32 (1,). Only MAX's kernel for GPUs needs it.

    Returns:
        The blended values, with the shape and dtype of the query.

    Source: "FlashAttention-2"; `flash_attn_varlen_func` of the package flash-attn.
    """
    raise NotImplementedError(
        "step 18, task 7: flash_bidirectional_attention: call flash_attention"
    )


@F.functional
def flash_causal_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, cu_seqlens: Tensor, max_seqlen: Tensor
) -> Tensor:
    """Does what `flash_bidirectional_attention` does, but no token sees a later one."""
    raise NotImplementedError(
        "step 18, task 7: flash_causal_attention: call flash_attention"
    )
