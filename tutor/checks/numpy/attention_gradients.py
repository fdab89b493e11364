"""The backward passes of step 22 in NumPy, in float64, with the mistakes that learners make."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tutor.checks.numpy import gpt2

Array = np.ndarray


def softmax_backward(grad_weights: Array, weights: Array, *, jacobian: str = "whole") -> Array:
    """The gradient of the scores. `jacobian` says which part of the softmax's derivative is used."""
    grad_weights, weights = grad_weights.astype(np.float64), weights.astype(np.float64)
    product = grad_weights * weights
    return {
        "whole": product - weights * product.sum(axis=-1, keepdims=True),
        "diagonal": product * (1 - weights),
        "weights alone": product,
        "sum of gradients": weights * (grad_weights - grad_weights.sum(axis=-1, keepdims=True)),
        "mean": weights * (grad_weights - product.mean(axis=-1, keepdims=True)),
        "along the queries": weights * (grad_weights - product.sum(axis=-2, keepdims=True)),
        "added": product + weights * product.sum(axis=-1, keepdims=True),
        "without weights": grad_weights - product.sum(axis=-1, keepdims=True),
        "sum not weighted": product - product.sum(axis=-1, keepdims=True),
        "nothing": grad_weights,
    }[jacobian]


def attention_backward(
    grad_y: Array,
    query: Array,
    key: Array,
    value: Array,
    *,
    sees: str = "up to itself",
    scale: str = "both ways",
    jacobian: str = "whole",
    grad_query: str = "grad_scores @ key",
    grad_key: str = "grad_scores.T @ query",
    grad_value: str = "weights.T @ grad_y",
    order: str = "query key value",
) -> tuple[Array, Array, Array]:
    """The gradients of query, key and value."""
    grad_y, query, key, value = (array.astype(np.float64) for array in (grad_y, query, key, value))
    root = 1 / np.sqrt(query.shape[-1])
    forward = 1.0 if scale in ("nowhere", "backward alone") else root
    visible = gpt2.causally_visible(query.shape[-2], sees=sees)
    scores = np.where(visible, query @ np.swapaxes(key, -1, -2) * forward, -np.inf)
    weights = gpt2.softmax(scores)
    grad_weights = grad_y @ np.swapaxes(value, -1, -2)
    backward = {"forward alone": 1.0, "nowhere": 1.0, "twice": root * root, "upside down": 1 / root}.get(scale, root)
    grad_scores = softmax_backward(grad_weights, weights, jacobian=jacobian) * backward
    of_query = {"grad_scores @ key": grad_scores @ key, "grad_scores @ query": grad_scores @ query}[grad_query]
    of_key = {
        "grad_scores.T @ query": np.swapaxes(grad_scores, -1, -2) @ query,
        "grad_scores @ query": grad_scores @ query,
        "grad_scores.T @ key": np.swapaxes(grad_scores, -1, -2) @ key,
    }[grad_key]
    of_value = {
        "weights.T @ grad_y": np.swapaxes(weights, -1, -2) @ grad_y,
        "weights @ grad_y": weights @ grad_y,
        "scaled": np.swapaxes(weights, -1, -2) @ grad_y * root,
        "scores.T @ grad_y": np.swapaxes(grad_scores, -1, -2) @ grad_y,
    }[grad_value]
    named = {"query": of_query, "key": of_key, "value": of_value}
    one, two, three = (named[name] for name in order.split())
    return one, two, three


def multi_head_attention_backward(
    grad_y: Array,
    x: Array,
    parameters: Mapping[str, Array],
    n_head: int,
    *,
    heads: str = "transposed",
    order: str = "query key value",
    reads: str = "attended",
    part: str = "all three",
    bias: str = "sum",
    **mistake: Any,
) -> dict[str, Array]:
    """The gradient of x, and those of the parameters by name."""
    p = {name: array.astype(np.float64) for name, array in parameters.items()}
    grad_y, x = grad_y.astype(np.float64), x.astype(np.float64)
    pieces = np.split(x @ p["c_attn.weight"].T + p["c_attn.bias"], 3, axis=-1)
    query, key, value = (gpt2.split_heads(piece, n_head) for piece in pieces)
    attended = gpt2.merge_heads(gpt2.attention(query, key, value))
    grad_attended = gpt2.split_heads(grad_y @ p["c_proj.weight"], n_head, way=heads)
    back = attention_backward(grad_attended, query, key, value, **mistake)
    grads: dict[str, Array] = dict(zip(("query", "key", "value"), back, strict=True))
    if part != "all three":
        grads = {name: grad if name == part else 0 * grad for name, grad in grads.items()}
    grad_qkv = np.concatenate([gpt2.merge_heads(grads[name]) for name in order.split()], axis=-1)
    read = {"attended": attended, "x": x, "grad_y": grad_y}[reads]

    def weight(grad: Array, given: Array) -> Array:
        return grad.reshape(-1, grad.shape[-1]).T @ given.reshape(-1, given.shape[-1])

    def added(grad: Array) -> Array:
        summed = grad.reshape(-1, grad.shape[-1]).sum(axis=0)
        return summed if bias == "sum" else 0 * summed

    return {
        "grad_x": grad_qkv @ p["c_attn.weight"],
        "c_attn.weight": weight(grad_qkv, x),
        "c_attn.bias": added(grad_qkv),
        "c_proj.weight": weight(grad_y, read),
        "c_proj.bias": added(grad_y),
    }
