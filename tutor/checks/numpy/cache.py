"""GPT-2 with a key-value cache in NumPy, right by default, and able to make each known mistake on demand.

The rest is in `gpt2.py`; see there for what the two files are for.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tutor.checks.numpy.gpt2 import (
    Array,
    Parameters,
    attend,
    block,
    causally_visible,
    double,
    linear,
    merge_heads,
    norm_of,
    output_projection,
    part,
    query_key_value,
    split_heads,
)


def cached_language_model(
    ids: Array,
    num_tokens: int,
    caches: Sequence[Array],
    parameters: Parameters,
    *,
    starts: Array | None = None,
    positions: str = "after the cache",
    sees: str = "up to itself",
    padding: str = "hidden",
    **settings: Any,
) -> tuple[Array, list[Array]]:
    """The logits that follow the last new token, (batch, vocab_size), and the caches afterwards.

    Args:
        ids: the new tokens, (batch, seq_len).
        num_tokens: how many tokens are in the caches.
        caches: keys and values of each layer in turn, (batch, n_head, n_positions, head_dim).
        parameters: of the language model.
        starts: the column of each row's first token, (batch,); None where all rows start in column 0.
        positions: "after the cache", "from 0", "columns" (padding counts), "from 1".
        sees: see `causally_visible`.
        padding: "hidden", "visible", "hidden with -inf".
        settings: for `predict`.
    """
    seq_len = ids.shape[1]
    total = num_tokens + seq_len
    begins = (np.zeros(len(ids), int) if starts is None else starts)[:, None]  # (batch, 1)
    column = np.arange(num_tokens, total)[None]  # (1, seq_len)
    numbers = {
        "after the cache": np.maximum(column - begins, 0),
        "from 0": np.maximum(column - num_tokens - begins, 0),
        "columns": np.broadcast_to(column, ids.shape),
        "from 1": np.maximum(column - begins, 0) + 1,
    }[positions]
    visible = causally_visible(seq_len, num_tokens, sees=sees)[None, None]  # (1, 1, seq_len, total)
    real = (np.arange(total) >= begins)[:, None, None]  # (batch, 1, 1, total)
    # Step 17 hides with one number whatever it hides, so that a query that sees nothing looks at all keys alike.
    number = -np.inf if starts is None or padding == "hidden with -inf" else -1e30
    if padding != "visible":
        visible = visible & real
    return predict(ids, num_tokens, numbers, visible, caches, parameters, hidden=number, **settings)


def predict(
    ids: Array,
    num_tokens: int,
    positions: Array,
    visible: Array,
    caches: Sequence[Array],
    parameters: Parameters,
    *,
    n_head: int,
    n_layer: int,
    eps: float = 1e-5,
    stored: str = "behind the cache",
    read: str = "all so far",
    layers: str = "own caches",
    logits: str = "last",
    final_norm: str = "at the end",
    mask_read: str = "as it is",
    **mistakes: Any,
) -> tuple[Array, list[Array]]:
    """The logits that follow the last new token, and the caches afterwards; positions and visible keys are given.

    Args:
        ids, num_tokens, caches, parameters: as in `cached_language_model`.
        positions: of the new tokens, (seq_len,) or (batch, seq_len).
        visible: True where a token may look, (seq_len, total_len) or with more axes in front.
        n_head, n_layer, eps: sizes.
        stored, read: see `extend`.
        layers: "own caches", "swapped" (keys in the place of values), "one for all".
        logits: "last" or "first": of which new token.
        final_norm: "at the end" or "none".
        mask_read: "as it is" or "ignored".
        mistakes: for `attend`.
    """
    transformer = part(parameters, "transformer")
    wte, wpe = double(transformer["wte.weight"], transformer["wpe.weight"])
    x = wte[ids] + wpe[np.minimum(positions, len(wpe) - 1)]
    after = double(*caches)
    after = [cache.copy() for cache in after]

    def cached_attention(first: int, x: Array, attn: Parameters) -> Array:
        """Multi-head attention of a layer whose keys and values are the caches `first` and the next one."""
        c_attn = part(attn, "c_attn")
        q, k, v = (split_heads(y, n_head) for y in query_key_value(x, c_attn["weight"], c_attn["bias"]))
        pair = [after[first], after[first + 1]]
        if layers == "swapped":
            pair = pair[::-1]
        keys, values = (
            extend(cache, new, num_tokens, stored=stored, read=read) for cache, new in zip(pair, (k, v), strict=True)
        )
        keys_seen = None if mask_read == "ignored" else visible[..., : keys.shape[2]]
        attended = attend(q, keys, values, keys_seen, **mistakes)
        return output_projection(merge_heads(attended.output), part(attn, "c_proj"))

    with np.errstate(invalid="ignore"):
        for layer in range(n_layer):
            attention = functools.partial(cached_attention, 0 if layers == "one for all" else 2 * layer)
            x = block(x, part(transformer, f"h.{layer}"), n_head=n_head, eps=eps, attention=attention)
    x = x[:, {"last": -1, "first": 0}[logits]]
    if final_norm == "at the end":
        x = norm_of(transformer, "ln_f", eps)(x)
    return linear(x, wte), after


def extend(
    cache: Array, new: Array, num_tokens: int, *, stored: str = "behind the cache", read: str = "all so far"
) -> Array:
    """Writes the new keys or values into the cache, in place, and gives what is attended to.

    Args:
        cache, new: (batch, n_head, n_positions, head_dim), and the same with seq_len in place of n_positions.
        num_tokens: how many tokens are in the cache.
        stored: "behind the cache", "at 0", "one too far", "not at all".
        read: "all so far", "the cache alone", "the new ones alone".
    """
    seq_len = new.shape[2]
    place = {"behind the cache": num_tokens, "at 0": 0, "one too far": num_tokens + 1, "not at all": None}[stored]
    if place is not None:
        room = cache[:, :, place : place + seq_len]
        room[:] = new[:, :, : room.shape[2]]
    total = num_tokens + seq_len
    if read == "the new ones alone":
        # The mask that goes with it is cut to as many keys.
        return new
    return cache[:, :, : total if read == "all so far" else max(num_tokens, 1)]
