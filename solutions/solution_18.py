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

from solutions.solution_02 import causal_mask

TILE = 256  # tokens in a tile
LOWEST = -1e30  # below every score, but finite: LOWEST - LOWEST is 0, whereas -inf - -inf is NaN


def split_heads(x: Tensor, num_heads: int, head_dim: int) -> Tensor:
    """Cuts (..., seq_len, num_heads * head_dim) into float32 heads, (..., num_heads, seq_len, head_dim)."""
    # Task 1: cut the last axis into heads, move them forward, and cast.
    x = x.reshape([*x.shape[:-1], num_heads, head_dim])
    return x.transpose(-3, -2).cast(DType.float32)  # (..., num_heads, seq_len, head_dim)


def merge_heads(x: Tensor, dtype: DType) -> Tensor:
    """Joins heads (..., num_heads, seq_len, head_dim) again, as `dtype` (..., seq_len, num_heads * head_dim)."""
    # Task 1: undo what split_heads does.
    x = x.transpose(-3, -2)  # (..., seq_len, num_heads, head_dim)
    return x.reshape([*x.shape[:-2], x.shape[-2] * x.shape[-1]]).cast(dtype)


def eager_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None, causal: bool
) -> Tensor:
    """Attends step by step; each step makes a table of shape (batch, num_heads, seq_len, seq_len).

    weights = exp(scores - max(scores)),  output = weights V / sum(weights)
    """
    # Task 2: score, scale, mask, softmax by hand, and blend.
    dtype = query.dtype
    query, key, value = (split_heads(x, num_heads, head_dim) for x in (query, key, value))
    scores = query @ key.transpose(-1, -2) / math.sqrt(head_dim)  # (batch, num_heads, seq_len, seq_len)
    if causal:
        scores = scores + causal_mask(scores.shape[-1], 0, dtype=scores.dtype, device=scores.device)
    if mask is not None:
        scores = F.where(mask.unsqueeze(1).unsqueeze(1), scores, float("-inf"))
    row_max = F.elementwise_max(F.max(scores, axis=-1), LOWEST)  # a token that sees nothing has a maximum of -inf
    weights = F.exp(scores - row_max)
    # The largest weight is exp(0) = 1. If the sum is less, it is 0: nothing was visible, and 0 / 1 is 0.
    row_sum = F.elementwise_max(F.sum(weights, axis=-1), 1.0)
    return merge_heads(weights @ value / row_sum, dtype)


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
    # Task 3: score, scale, add one table of what is hidden, softmax and blend.
    if mask is None and not query.device.is_host:
        return gpu_attention(query, key, value, num_heads, head_dim, causal)  # on a GPU, the pattern needs a table
    dtype = query.dtype
    query, key, value = (split_heads(x, num_heads, head_dim) for x in (query, key, value))
    scores = query @ key.transpose(-1, -2) / math.sqrt(head_dim)
    batch, _, seq_len, _ = scores.shape
    if mask is None:
        if causal:
            scores = scores + causal_mask(seq_len, 0, dtype=scores.dtype, device=scores.device)
        return merge_heads(F.softmax(scores) @ value, dtype)
    visible = mask.cast(scores.dtype).reshape([batch, 1, 1, seq_len])
    if causal:
        visible = F.band_part(F.broadcast_to(visible, [batch, 1, seq_len, seq_len]), num_lower=None, num_upper=0)
    # Not -inf: the kernel works in tiles too, and a tile that is entirely hidden would give NaN.
    output = F.softmax(scores + (1.0 - visible) * LOWEST) @ value
    return merge_heads(output * F.max(visible, axis=-1), dtype)  # zeros where nothing is visible


def visible_range(cu_seqlens: Tensor, rows: Tensor, causal: bool) -> tuple[Tensor, Tensor]:
    """Finds the first and the last key that each token may see, within its own sequence.

    Args:
        cu_seqlens: where each sequence begins, and where the last one ends: int64 (num_seqs + 1,).
        rows: the positions of some tokens: int64 (tokens,).
        causal: hides the keys after a token's own.

    Returns:
        The positions of the first and the last key for each token, each int64 (tokens,).
    """
    # Task 4: find the sequence of each token, and where it begins and ends.
    begun = (cu_seqlens <= rows.unsqueeze(-1)).cast(DType.int64)  # (tokens, num_seqs + 1)
    sequence = F.sum(begun, axis=-1).squeeze(-1) - 1  # (tokens,)
    first = F.gather(cu_seqlens, sequence, axis=0)
    return first, rows if causal else F.gather(cu_seqlens, sequence + 1, axis=0) - 1


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
    # Task 5: correct the sums so far, and add what the tile contributes.
    new_max = F.elementwise_max(running_max, F.max(scores, axis=-1))
    correction, weights = F.exp(running_max - new_max), F.exp(scores - new_max)
    return new_max, correction * running_sum + F.sum(weights, axis=-1), correction * accumulator + weights @ values


def tiled_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, cu_seqlens: Tensor, causal: bool
) -> Tensor:
    """Attends tile by tile: each tile of queries goes through only the tiles of keys that it may see.

    output = accumulator / running_sum, after all of these tiles
    """
    # Task 6: loop over the tiles of queries, and for each over the tiles of keys.
    dtype, device = query.dtype, query.device
    cu_seqlens = cu_seqlens.cast(DType.int64)

    def attend(start: Tensor, output: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, ...]:
        """One tile of queries. MAX requires that what the inner loop reads is made here or comes in with the state."""
        tile, last_token = F.arange(0, TILE, dtype=DType.int64, device=device), cu_seqlens[-1] - 1
        rows = F.elementwise_min(start + tile, last_token)  # (TILE,); beyond the end, the last token again
        first, last = visible_range(cu_seqlens, rows, causal)
        begin, end = F.min(first, axis=0), F.max(last, axis=0)
        queries = split_heads(F.gather(query, rows, axis=0), num_heads, head_dim) / math.sqrt(head_dim)

        def meet(tiles: Tensor, places: Tensor, *softmax: Tensor) -> tuple[Tensor, ...]:
            """One tile of keys, those at the positions `places`."""
            columns = F.elementwise_min(places, last_token)  # (TILE,)
            keys, values = (split_heads(F.gather(x, columns, axis=0), num_heads, head_dim) for x in (key, value))
            visible = (first.unsqueeze(-1) <= places) & (places <= last.unsqueeze(-1))  # (TILE, TILE)
            scores = F.where(visible, queries @ keys.transpose(-1, -2), float("-inf"))  # (num_heads, TILE, TILE)
            return tiles - 1, places + TILE, *online_softmax_step(scores, values, *softmax)

        tiles = ((end - begin)[0] // TILE + 1).to(CPU())
        zeros = F.broadcast_to(Tensor(0.0, dtype=DType.float32, device=device), [num_heads, TILE, head_dim])
        state = (tiles, begin + tile, zeros[..., :1] + LOWEST, zeros[..., :1], zeros)
        *_, running_sum, accumulator = F.while_loop(state, lambda tiles, *_: tiles > 0, meet)
        attended = merge_heads(accumulator / running_sum, dtype)  # (TILE, num_heads * head_dim)
        return start + TILE, F.scatter_nd(output, attended, rows.unsqueeze(-1)), key, value

    output = F.broadcast_to(Tensor(0.0, dtype=dtype, device=device), query.shape)
    state = (Tensor(0, dtype=DType.int64, device=device), output, key, value)
    _, output, _, _ = F.while_loop(state, lambda start, *_: (start < cu_seqlens[-1]).to(CPU()), attend)
    return output


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
    # Task 7: call eager_attention.
    return eager_attention(query, key, value, num_heads, head_dim, mask, causal=False)


@F.functional
def eager_causal_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Does what `eager_bidirectional_attention` does, but no token sees a later one."""
    # Task 7: call eager_attention.
    return eager_attention(query, key, value, num_heads, head_dim, mask, causal=True)


@F.functional
def sdpa_bidirectional_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Computes what `eager_bidirectional_attention` computes, in one kernel."""
    # Task 7: call fused_attention.
    return fused_attention(query, key, value, num_heads, head_dim, mask, causal=False)


@F.functional
def sdpa_causal_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Computes what `eager_causal_attention` computes, in one kernel."""
    # Task 7: call fused_attention.
    return fused_attention(query, key, value, num_heads, head_dim, mask, causal=True)


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
    # Task 7: call flash_attention.
    return flash_attention(query, key, value, num_heads, head_dim, False, cu_seqlens, max_seqlen)


@F.functional
def flash_causal_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, head_dim: int, cu_seqlens: Tensor, max_seqlen: Tensor
) -> Tensor:
    """Does what `flash_bidirectional_attention` does, but no token sees a later one."""
    # Task 7: call flash_attention.
    return flash_attention(query, key, value, num_heads, head_dim, True, cu_seqlens, max_seqlen)
