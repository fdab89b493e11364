"""The attention of step 19 in NumPy, in float64: right by default, and able to make each known mistake on demand.

As in `gpt2.py`, it explains mistakes; what is right is decided by PyTorch's numbers.
"""

import numpy as np

from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.numpy.gpt2 import Array, Parameters


def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None = None,
    *,
    scale: str = "1/sqrt(head_dim)",
    masking: str = "before the softmax",
    looks: str = "at 1",
    empty: str = "zeros",
    axis: int = -1,
    given: str = "weights",
) -> tuple[Array, Array]:
    """softmax(query @ key.T / sqrt(head_dim)) @ value and the weights, where hidden keys count as -inf.

    Args:
        query, key, value: shapes (..., query_len, head_dim), (..., key_len, head_dim), (..., key_len, value_dim).
        mask: 1 where a query may look, broadcast to the scores.
        scale: by what the scores are multiplied.
        masking: "before the softmax"; "ignored", "inverted", "added", "multiplied", "after the softmax" (the
            weights that remain do not sum to 1), "the first batch's", "the first head's", "causal too".
        looks: see `visible_keys`.
        empty: what a row that sees nothing gives: "zeros"; "nan"; "nan, and with heads all of the output" (which
            is what MAX 26.7.0 makes of it on CPU: it joins hiding, softmax and blend in one kernel, with 0 times -inf);
            or "even" (the same weight for all keys).
        axis: of the softmax.
        given: what is returned beside the output: "weights"; "scores", or "hidden scores" with -inf where a key
            is hidden.
    """
    query, key, value = numpy_gpt2.double(query, key, value)
    head_dim = query.shape[-1]
    scores = query @ key.swapaxes(-1, -2)
    scores = (
        scores
        * {
            "1/sqrt(head_dim)": head_dim**-0.5,
            "1/sqrt(embed_dim)": (head_dim * (query.shape[-3] if query.ndim == 4 else 1)) ** -0.5,
            "1/sqrt(key_len)": scores.shape[-1] ** -0.5,
            "1/head_dim": 1 / head_dim,
            "sqrt(head_dim)": head_dim**0.5,
            "none": 1.0,
        }[scale]
    )
    raw, visible = scores, visible_keys(mask, scores.shape, masking=masking, looks=looks)
    if mask is not None and masking == "added":
        scores = scores + mask
    elif mask is not None and masking == "multiplied":
        scores = scores * mask
    elif masking != "after the softmax":
        scores = np.where(visible, scores, -np.inf)
    weights = numpy_gpt2.softmax(scores, axis=axis)
    sees = visible.any(axis=-1, keepdims=True)
    if masking == "after the softmax" or axis != -1:
        weights = np.where(visible, weights, 0.0)
    elif masking not in ("added", "multiplied") and empty in ("zeros", "even"):
        weights = np.where(sees, weights, 0.0 if empty == "zeros" else 1 / scores.shape[-1])
    with np.errstate(invalid="ignore"):
        output = weights @ value
    if empty == "nan, and with heads all of the output" and query.ndim == 4 and mask is not None:
        output = np.full(output.shape, np.nan)
    return output, {"weights": weights, "scores": raw, "hidden scores": scores}[given]


def visible_keys(
    mask: Array | None, shape: tuple[int, ...], *, masking: str = "before the softmax", looks: str = "at 1"
) -> Array:
    """Which keys each query sees.

    Args:
        mask, masking: as in `attention`.
        shape: of the scores.
        looks: "at 1": where the mask is 1, the query may look; "not 0", "above 0".
    """
    causal = np.tri(*shape[-2:], dtype=bool)
    if mask is None or masking in ("ignored", "added", "multiplied"):
        return np.broadcast_to(causal, shape) if masking == "causal too" else np.full(shape, True)
    mask = np.asarray(mask, np.float64)
    chosen = {"at 1": mask == 1, "not 0": mask != 0, "above 0": mask > 0}[looks]
    if masking == "the first batch's" and chosen.ndim > 2:
        chosen = chosen[:1]
    if masking == "the first head's" and chosen.ndim == 4:
        chosen = chosen[:, :1]
    chosen = {"inverted": ~chosen, "causal too": chosen & causal}.get(masking, chosen)
    return np.broadcast_to(chosen, shape)


def multi_head_attention(
    x: Array,
    parameters: Parameters,
    mask: Array | None = None,
    *,
    num_heads: int,
    order: str = "query key value",
    split: str = "transposed",
    merge: str = "transposed",
    projection: str = "x @ weight.T + bias",
    passed: str = "the mask",
    **mistakes: object,
) -> tuple[Array, Array]:
    """out_proj(merge(attention(split(q_proj(x)), split(k_proj(x)), split(v_proj(x))))) and the weights.

    Args:
        x: shape (batch, seq_len, embed_dim).
        parameters: `q_proj`, `k_proj`, `v_proj` and `out_proj`.
        mask: as in `attention`.
        num_heads: number of heads.
        order: which of the three is used as query, key and value.
        split, merge: see `numpy_gpt2.split_heads`.
        projection: what `out_proj` does; "none" leaves it out.
        passed: "the mask", or "no mask" where it is forgotten on the way.
        mistakes: for `attention`.
    """
    layer = {name: numpy_gpt2.part(parameters, f"{name}_proj") for name in ("q", "k", "v", "out")}
    heads = {
        name: numpy_gpt2.split_heads(numpy_gpt2.linear(x, layer[name[0]]["weight"], layer[name[0]]["bias"]), num_heads,
                                     way=split)
        for name in ("query", "key", "value")
    }  # fmt: skip
    chosen = [heads[name] for name in order.split()]
    attended, weights = attention(*chosen, mask if passed == "the mask" else None, **mistakes)
    merged = numpy_gpt2.merge_heads(attended, way=merge)
    weight, bias = layer["out"]["weight"], layer["out"]["bias"]
    return {
        "x @ weight.T + bias": lambda: numpy_gpt2.linear(merged, weight, bias),
        "x @ weight + bias": lambda: numpy_gpt2.linear(merged, weight.T, bias),
        "x @ weight.T": lambda: numpy_gpt2.linear(merged, weight),
        "none": lambda: merged,
    }[projection](), weights
