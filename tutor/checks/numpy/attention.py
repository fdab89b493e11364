"""The attention of step 19 in NumPy, in float64: right by default, and able to make each known mistake on demand.

As in `gpt2.py`, it explains mistakes; what is right is decided by PyTorch's numbers.
"""

from typing import Any

import numpy as np

from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.numpy.gpt2 import Array, Parameters


def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None = None,
    *,
    mask_read: str = "as it is",
    empty: str = "zeros",
    given: str = "weights",
    **mistakes: Any,
) -> tuple[Array, Array]:
    """softmax(query @ key.T / sqrt(head_dim)) @ value and the weights, where hidden keys count as -inf.

    Args:
        query, key, value: shapes (..., query_len, head_dim), (..., key_len, head_dim), (..., key_len, value_dim).
        mask: 1 where a query may look, broadcast to the scores.
        mask_read: see `visible_keys`.
        empty: what a row that sees nothing gives: "zeros"; "nan"; "nan, and with heads all of the output" (which
            is what MAX 26.7.0 makes of it on CPU: it joins hiding, softmax and blend in one kernel, with 0 times -inf);
            or "even" (the same weight for all keys).
        given: what is returned beside the output: "weights"; "scores", or "hidden scores" with -inf where a key
            is hidden.
        mistakes: for `numpy_gpt2.attend`.
    """
    visible = visible_keys(mask, (*query.shape[:-1], key.shape[-2]), mask_read=mask_read)
    if mask is None:
        mistakes.pop("masking", None)
    weights_of_empty = "nan" if empty.startswith("nan") else empty
    attended = numpy_gpt2.attend(query, key, value, visible, empty=weights_of_empty, **mistakes)
    output = attended.output
    if empty == "nan, and with heads all of the output" and query.ndim == 4 and mask is not None:
        output = np.full(output.shape, np.nan)
    beside = {"weights": attended.weights, "scores": attended.scores, "hidden scores": attended.masked}[given]
    return output, beside


def visible_keys(mask: Array | None, shape: tuple[int, ...], *, mask_read: str = "as it is") -> Array:
    """Which keys each query sees.

    Args:
        mask: as in `attention`.
        shape: of the scores.
        mask_read: "as it is": a query may look where the mask is 1; or where it is "not 0" or "above 0"; "ignored",
            "inverted", "the first batch's", "the first head's", "causal too".
    """
    if mask_read == "causal too":
        causal = numpy_gpt2.visible_keys(shape[-1])
        return np.broadcast_to(causal if mask is None else causal & (np.asarray(mask) == 1), shape)
    if mask is None or mask_read == "ignored":
        return np.full(shape, True)
    (mask,) = numpy_gpt2.double(mask)
    visible = {"not 0": mask != 0, "above 0": mask > 0}.get(mask_read, mask == 1)
    if mask_read == "the first batch's" and visible.ndim > 2:
        visible = visible[:1]
    elif mask_read == "the first head's" and visible.ndim == 4:
        visible = visible[:, :1]
    elif mask_read == "inverted":
        visible = ~visible
    return np.broadcast_to(visible, shape)


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
    **mistakes: Any,
) -> tuple[Array, Array]:
    """out_proj(merge(attention(split(q_proj(x)), split(k_proj(x)), split(v_proj(x))))) and the weights.

    Args:
        x: shape (batch, seq_len, embed_dim).
        parameters: `q_proj`, `k_proj`, `v_proj` and `out_proj`.
        mask: as in `attention`.
        num_heads: number of heads.
        order: which of the three is used as query, key and value.
        split, merge: see `numpy_gpt2.split_heads`.
        projection: what `out_proj` does; see `numpy_gpt2.output_projection`.
        passed: "the mask", or "no mask" where it is forgotten on the way.
        mistakes: for `attention`.
    """
    layer = {name: numpy_gpt2.part(parameters, f"{name}_proj") for name in ("q", "k", "v", "out")}
    heads = {
        name: numpy_gpt2.split_heads(numpy_gpt2.linear(x, layer[name[0]]["weight"], layer[name[0]]["bias"]), num_heads,
                                     way=split)
        for name in ("query", "key", "value")
    }  # fmt: skip
    query, key, value = (heads[name] for name in order.split())
    attended, weights = attention(query, key, value, mask if passed == "the mask" else None, **mistakes)
    merged = numpy_gpt2.merge_heads(attended, way=merge)
    return numpy_gpt2.output_projection(merged, layer["out"], kind=projection), weights
