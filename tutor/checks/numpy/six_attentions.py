"""The six attentions of step 18 in NumPy, right by default, and able to make each known mistake on demand.

See `gpt2.py` for what this file is for. All is computed in float64. Padded inputs are
(batch, seq_len, num_heads * head_dim); packed inputs have their sequences one behind the other,
(total_seq_len, num_heads * head_dim).
"""

import itertools
from typing import Any

import numpy as np

from tutor.checks.numpy.gpt2 import (
    Array,
    attend,
    causally_visible,
    double,
    merge_heads,
    scale_factor,
    split_heads,
)

TILE = 256  # as in the skeleton
KERNEL_TILE = 128  # of MAX's FlashAttention on a CPU


def to_bfloat16(numbers: Array) -> Array:
    """Rounds float32 to the nearest number that bfloat16 has."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def padded(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    *,
    num_heads: int,
    causal: bool,
    sees: str = "up to itself",
    padding: str = "hidden",
    nothing: str = "zeros",
    table: str = "added",
    **mistakes: Any,
) -> Array:
    """Attention of padded texts.

    Args:
        query, key, value: padded, see above.
        mask: (batch, seq_len), True where a token takes part.
        num_heads: into how many heads the last axis is cut.
        causal: whether later tokens are hidden.
        sees: see `numpy_gpt2.causally_visible`; or "everything with a mask".
        padding: "hidden", "visible", "inverted" (real tokens are hidden), "queries" (padding looks at nothing, and
            is seen), "both" (padding looks at nothing, and is hidden).
        nothing: what a token gets that can look at nothing: "zeros", "nan", "mean" (of all values), "nan, by tiles"
            (so does a token that finds all of the kernel's first tile hidden), "as it comes".
        table: "added"; "lost" (neither padding nor the future is hidden), "lost with a mask", "a product" (with a mask,
            nothing but NaN).
        mistakes: for `attend_in_heads`.
    """
    batch, seq_len, _ = query.shape
    visible = np.full((batch, 1, seq_len, seq_len), True)
    if causal:
        if sees == "everything with a mask":
            sees = "up to itself" if mask is None else "everything"
        visible = visible & causally_visible(seq_len, sees=sees)
    if mask is not None:
        as_keys, as_queries = mask[:, None, None, :], mask[:, None, :, None]
        visible = {
            "hidden": visible & as_keys,
            "visible": visible,
            "inverted": visible & ~as_keys,
            "queries": visible & as_queries,
            "both": visible & as_keys & as_queries,
        }[padding]
    if table == "lost" or (table == "lost with a mask" and mask is not None):
        visible = np.ones_like(visible)
    elif table == "a product" and mask is not None:
        return np.full(query.shape, np.nan)
    y = attend_in_heads(query, key, value, visible, num_heads=num_heads, **mistakes)
    empty = ~np.any(visible, axis=-1)[:, 0, :, None]  # (batch, seq_len, 1)
    if nothing == "as it comes":
        return y
    if nothing == "mean":
        average = np.broadcast_to(value.mean(1, keepdims=True), y.shape)
        return np.where(empty, average, y)
    if nothing == "nan, by tiles":
        empty = empty | ~np.any(visible[..., :KERNEL_TILE], axis=-1)[:, 0, :, None]
    return np.where(empty, 0.0 if nothing == "zeros" else np.nan, y)


def packed(
    query: Array,
    key: Array,
    value: Array,
    cu_seqlens: Array,
    *,
    num_heads: int,
    causal: bool,
    sequences: str = "apart",
    sees: str = "up to itself",
    **mistakes: Any,
) -> Array:
    """Attention of packed sequences.

    Args:
        query, key, value: packed, see above.
        cu_seqlens: where each sequence begins, and the end of the last.
        num_heads, causal: as in `padded`.
        sequences, sees: see `visible_range`.
        mistakes: for `tiled`.
    """
    first, last = visible_range(cu_seqlens, np.arange(len(query)), causal=causal, sequences=sequences, sees=sees)
    return tiled(query, key, value, first, last, num_heads=num_heads, **mistakes)


def visible_range(
    cu_seqlens: Array, rows: Array, *, causal: bool, sequences: str = "apart", sees: str = "up to itself"
) -> tuple[Array, Array]:
    """The first and the last key that each token may see.

    Args:
        cu_seqlens: as in `packed`.
        rows: which tokens, (tokens,).
        causal: whether later tokens are hidden.
        sequences: "apart"; "together" (each sees the others), "together if causal", "one too far" (each sees the first
            token of the next).
        sees: "up to itself"; "up to the next", "up to the one before", "everything" (of its sequence).
    """
    starts, rows = np.asarray(cu_seqlens, np.int64), np.asarray(rows, np.int64)
    number = np.searchsorted(starts, rows, side="right") - 1
    first, last = starts[number], starts[number + 1] - 1
    if sequences == "together" or (sequences == "together if causal" and causal):
        first, last = np.zeros_like(first), np.full_like(last, starts[-1] - 1)
    elif sequences == "one too far" and not causal:
        last = last + 1
    if causal:
        last = {
            "up to itself": rows,
            "up to the next": rows + 1,
            "up to the one before": rows - 1,
            "everything": last,
        }[sees]
    return first, last


def attend_in_heads(
    query: Array,
    key: Array,
    value: Array,
    visible: Array,
    *,
    num_heads: int,
    heads: str = "transposed",
    merge: str = "transposed",
    **mistakes: Any,
) -> Array:
    """softmax(query @ key.T / sqrt(head_dim)) @ value for each head, over the visible keys; NaN where there are none.

    Args:
        query, key, value: padded, see above.
        visible: broadcasts to (batch, num_heads, seq_len, seq_len).
        num_heads: see `padded`.
        heads, merge: see `numpy_gpt2.split_heads`.
        mistakes: for `numpy_gpt2.attend`.
    """
    q, k, v = (split_heads(x, num_heads, way=heads) for x in (query, key, value))
    return merge_heads(attend(q, k, v, visible, **mistakes).output, way=merge)


def tiled(
    query: Array,
    key: Array,
    value: Array,
    first: Array,
    last: Array,
    *,
    num_heads: int,
    sum_of: str = "all tiles",
    accumulator_of: str = "all tiles",
    tiles: str = "all",
    start: float = -np.inf,
    divided: bool = True,
    scale: str = "1/sqrt(head_dim)",
    heads: str = "transposed",
    merge: str = "transposed",
) -> Array:
    """Attention tile by tile with a running softmax.

    Args:
        query, key, value: packed, see above.
        first, last: the keys that each token may see, (total_seq_len,).
        num_heads: see `padded`.
        sum_of, accumulator_of: "all tiles" (what there is gets corrected for the new maximum), "uncorrected" (it does
            not), "last tile" (it is forgotten).
        tiles: "all"; "without the last".
        start: the running maximum before the first tile.
        divided: False leaves out the division at the end.
        scale: see `numpy_gpt2.attend`.
        heads, merge: see `attend_in_heads`.
    """
    (q, k, v), total_seq_len = (
        (split_heads(x[None], num_heads, way=heads)[0] for x in double(query, key, value)),
        len(query),
    )
    factor = scale_factor(scale, q.shape[-1], n_head=num_heads)
    y = np.zeros_like(q)
    for top in range(0, total_seq_len, TILE):
        rows = slice(top, min(top + TILE, total_seq_len))
        begin, end = first[rows].min(), last[rows].max()
        edges = [*range(begin, max(end, begin) + 1, TILE), max(end, begin) + 1]
        pieces = list(itertools.pairwise(edges))
        state = _at_the_start(q[:, rows], start)
        for left, right in pieces if tiles == "all" else pieces[:-1]:
            places = np.arange(left, right)
            columns = np.minimum(places, total_seq_len - 1)
            visible = (first[rows, None] <= places) & (places <= last[rows, None])
            scores = np.where(visible, q[:, rows] @ k[:, columns].swapaxes(-1, -2) * factor, -np.inf)
            state = online_softmax_step(scores, v[:, columns], *state, sum_of=sum_of, accumulator_of=accumulator_of)
        _, running_sum, accumulator = state
        with np.errstate(invalid="ignore", divide="ignore"):
            y[:, rows] = accumulator / running_sum if divided else accumulator
    return merge_heads(y[None], way=merge)[0]


def _at_the_start(q: Array, start: float) -> tuple[Array, Array, Array]:
    """Running maximum, sum and accumulator before the first tile."""
    ones = np.ones((*q.shape[:2], 1))
    return start * ones, 0 * ones, np.zeros_like(q)


def online_softmax_step(
    scores: Array,
    values: Array,
    running_max: Array,
    running_sum: Array,
    accumulator: Array,
    *,
    sum_of: str = "all tiles",
    accumulator_of: str = "all tiles",
) -> tuple[Array, Array, Array]:
    """Running maximum, sum and accumulator after one more tile; `sum_of` and `accumulator_of` as in `tiled`."""
    scores, values, running_max, running_sum, accumulator = double(
        scores, values, running_max, running_sum, accumulator
    )
    new_max = np.maximum(running_max, scores.max(-1, keepdims=True))
    finite = np.where(np.isfinite(new_max), new_max, 0.0)
    weights, correction = np.exp(scores - finite), np.exp(running_max - finite)
    factor = {"all tiles": correction, "uncorrected": 1.0, "last tile": 0.0}
    running_sum = factor[sum_of] * running_sum + weights.sum(-1, keepdims=True)
    return new_max, running_sum, factor[accumulator_of] * accumulator + weights @ values
