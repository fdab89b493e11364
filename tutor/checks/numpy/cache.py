"""GPT-2 with a key-value cache in NumPy, right by default, and able to make each known mistake on demand.

The rest is in `gpt2.py`; see there for what the two files are for.
"""

from collections.abc import Sequence

import numpy as np

from tutor.checks.numpy.gpt2 import (
    Array,
    Parameters,
    double,
    linear,
    merge_heads,
    mlp,
    norm_of,
    part,
    query_key_value,
    softmax,
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
    mask: str = "up to itself",
    padding: str = "hidden",
    **settings: str | float,
) -> tuple[Array, list[Array]]:
    """The logits that follow the last new token, (batch, vocab_size), and the caches afterwards.

    Args:
        ids: the new tokens, (batch, seq_len).
        num_tokens: how many tokens are in the caches.
        caches: keys and values of each layer in turn, (batch, n_head, n_positions, head_dim).
        parameters: of the language model.
        starts: the column of each row's first token, (batch,); None where all rows start in column 0.
        positions: "after the cache", "from 0", "columns" (padding counts), "from 1".
        mask: "up to itself", "not shifted", "none", "one ahead", "transposed".
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
    query, key = column[0][:, None], np.arange(total)[None]
    visible = {
        "up to itself": key <= query,
        "not shifted": key <= query - num_tokens,
        "none": np.full((seq_len, total), True),
        "one ahead": key <= query + 1,
        "transposed": key >= query,
    }[mask][None, None]  # (1, 1, seq_len, total)
    real = (np.arange(total) >= begins)[:, None, None]  # (batch, 1, 1, total)
    # Step 17 hides with one number whatever it hides, so that a query that sees nothing looks at all keys alike.
    number = -np.inf if starts is None or padding == "hidden with -inf" else -1e30
    hidden = np.where(visible if padding == "visible" else visible & real, 0.0, number)
    return predict(ids, num_tokens, numbers, hidden, caches, parameters, **settings)


def predict(
    ids: Array,
    num_tokens: int,
    positions: Array,
    mask: Array,
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
    **mistakes: str,
) -> tuple[Array, list[Array]]:
    """The logits that follow the last new token, and the caches afterwards; positions and mask are given.

    Args:
        ids, num_tokens, caches, parameters: as in `cached_language_model`.
        positions: of the new tokens, (seq_len,) or (batch, seq_len).
        mask: added to the scores, (seq_len, total_len) or with more axes in front.
        n_head, n_layer, eps: sizes.
        stored, read: see `extend`.
        layers: "own caches", "swapped" (keys in the place of values), "one for all".
        logits: "last" or "first": of which new token.
        final_norm: "at the end" or "none".
        mistakes: for `attend`.
    """
    transformer = part(parameters, "transformer")
    wte, wpe = double(transformer["wte.weight"], transformer["wpe.weight"])
    x = wte[ids] + wpe[np.minimum(positions, len(wpe) - 1)]
    after = double(*caches)
    after = [cache.copy() for cache in after]
    for layer in range(n_layer):
        own = part(transformer, f"h.{layer}")
        c_attn, c_proj = part(own, "attn.c_attn"), part(own, "attn.c_proj")
        normed = norm_of(own, "ln_1", eps)(x)
        q, k, v = (split_heads(y, n_head) for y in query_key_value(normed, c_attn["weight"], c_attn["bias"]))
        first = 0 if layers == "one for all" else 2 * layer
        pair = [after[first], after[first + 1]]
        if layers == "swapped":
            pair = pair[::-1]
        keys, values = (
            extend(cache, new, num_tokens, stored=stored, read=read) for cache, new in zip(pair, (k, v), strict=True)
        )
        with np.errstate(invalid="ignore"):
            blended = attend(q, keys, values, mask[..., : keys.shape[2]], **mistakes)
            x = x + linear(merge_heads(blended), c_proj["weight"], c_proj["bias"])
            x = x + mlp(norm_of(own, "ln_2", eps)(x), part(own, "mlp"))
    x = x[:, {"last": -1, "first": 0}[logits]]
    if final_norm == "at the end":
        x = norm_of(transformer, "ln_f", eps)(x)
    return linear(x, wte), after


def attend(
    query: Array,
    keys: Array,
    values: Array,
    mask: Array,
    *,
    scale: str = "1/sqrt(head_dim)",
    masking: str = "added",
    order: str = "keys, values",
) -> Array:
    """softmax(query @ keys.T / sqrt(head_dim) + mask) @ values.

    Args:
        query, keys, values: (batch, n_head, seq_len, head_dim), the last two with total_len in place of seq_len.
        mask: 0 where a query may see a key, else -inf; broadcast to the scores.
        scale: by what the scores are multiplied: "1/sqrt(head_dim)", "1/head_dim" or "none".
        masking: "added", "ignored", or "after the softmax".
        order: "keys, values", or "values, keys" where the two are swapped.
    """
    query, keys, values, mask = double(query, keys, values, mask)
    if order == "values, keys":
        keys, values = values, keys
    head_dim = query.shape[-1]
    size = {"1/sqrt(head_dim)": head_dim**-0.5, "1/head_dim": 1 / head_dim, "none": 1.0}[scale]
    scores = query @ keys.swapaxes(-1, -2) * size
    weights = softmax(scores + mask if masking == "added" else scores)
    with np.errstate(invalid="ignore"):
        return (weights + mask if masking == "after the softmax" else weights) @ values


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
