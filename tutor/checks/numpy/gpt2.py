"""GPT-2 in NumPy, right by default, and able to make each known mistake on demand.

It explains mistakes: where a learner's numbers equal those of a mistake made here, the
mistake has a name. What is right is decided by Hugging Face's numbers, not by this file.

All is computed in float64. Linear weights are `[out, in]`, as in MAX. The parameters of a
composite part come as one mapping with dotted names, relative to the part. Keyword
arguments without a counterpart in GPT-2 are the switches for mistakes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Parameters = Mapping[str, Array]


def part(parameters: Parameters, name: str) -> dict[str, Array]:
    """The parameters of the part `name`, without that prefix."""
    return {key.removeprefix(f"{name}."): array for key, array in parameters.items() if key.startswith(f"{name}.")}


def double(*arrays: Array) -> list[Array]:
    """The arrays in float64."""
    return [np.asarray(array, dtype=np.float64) for array in arrays]


# --- one layer --------------------------------------------------------------------------------


def softmax(scores: Array, *, axis: int = -1, normalised: bool = True, shifted: bool = True) -> Array:
    """exp(scores) / sum(exp(scores)) over `axis`.

    Args:
        scores: of any shape.
        axis: over which the sum is taken.
        normalised: False leaves out the division by the sum.
        shifted: False does not subtract the largest score first, so that exponentials may overflow. The sum is then
            taken to be at least 1, which it is where the largest score is subtracted.
    """
    (scores,) = double(scores)
    with np.errstate(invalid="ignore", over="ignore"):  # a row of nothing but -inf gives NaN, as it does in MAX
        exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True) if shifted else scores)
        if not normalised:
            return exponentials
        total = exponentials.sum(axis=axis, keepdims=True)
        return exponentials / (total if shifted else np.maximum(total, 1.0))


def layer_norm(
    x: Array,
    weight: Array,
    bias: Array,
    *,
    eps: float = 1e-5,
    axis: int = -1,
    ddof: int = 0,
    epsilon: str = "inside",
    centred: str = "both",
    divisor: str = "std",
    affine: str = "weight, bias",
) -> Array:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last axis.

    Args:
        x: shape (..., dim).
        weight, bias: shape (dim,).
        eps: added to the variance.
        axis: over which axis mean and variance are taken.
        ddof: 1 for the sample variance.
        epsilon: "inside" the square root, "outside" it, or "none".
        centred: where the mean is subtracted: "both", "variance", "result", "neither".
        divisor: "std", "variance", or "1/std" (multiplied in place of divided).
        affine: "weight, bias", "weight", "bias", "none", "bias, weight" (added first), or "exchanged".
    """
    x, weight, bias = double(x, weight, bias)
    mean = x.mean(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = x.var(axis=axis, keepdims=True, ddof=ddof)
        if centred in ("neither", "result"):
            variance = (x * x).mean(axis=axis, keepdims=True)
        if epsilon == "inside":
            variance = variance + eps
        size = variance if divisor == "variance" else np.sqrt(variance)
        if epsilon == "outside":
            size = size + eps
        numerator = x - mean if centred in ("both", "result") else x
        y = numerator * size if divisor == "1/std" else numerator / size
    return {
        "weight, bias": y * weight + bias,
        "bias, weight": (y + bias) * weight,
        "exchanged": y * bias + weight,
        "weight": y * weight,
        "bias": y + bias,
        "none": y,
    }[affine]


def gelu(x: Array, *, kind: str = "tanh") -> Array:
    """The activation of the MLP; `kind` may also name another one."""
    (x,) = double(x)
    return _ACTIVATIONS[kind](x)


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "square for cube": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**2))),
    "without the half": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "without the root": lambda x: 0.5 * x * (1 + np.tanh(2 / np.pi * (x + 0.044715 * x**3))),
    "without the cube": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * x)),
    "exact": lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2))),
    "quick": lambda x: x / (1 + np.exp(-1.702 * x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "tanh alone": np.tanh,
    "none": lambda x: x,
}


def _erf(x: Array) -> Array:
    """The error function, which NumPy lacks."""
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x @ weight.T + bias, with a weight of shape [out, in]."""
    x, weight = double(x, weight)
    y = x @ weight.T
    return y if bias is None else y + bias


def visible_keys(
    sequence_length: int,
    num_tokens: int = 0,
    *,
    ahead: int = 0,
    shifted: bool = True,
    band: str = "past",
    inverted: bool = False,
) -> Array:
    """True where key j <= num_tokens + i; bool of shape (sequence_length, sequence_length + num_tokens).

    Args:
        sequence_length: number of queries.
        num_tokens: number of keys in the cache.
        ahead: by how many keys each query sees too far.
        shifted: False forgets that a cache moves the diagonal.
        band: which keys a query may see: "past"; "past, -1 is no limit" (as `F.band_part` reads an upper
            limit of -1); "future" (from the diagonal on); "future, swapped" (from num_tokens before it
            on); "num_lower=num_tokens" (no further back than that); "cache at the end" (the keys in the
            cache take the last places); "everything"; "nothing".
        inverted: hides what should be seen, and the other way round.
    """
    i = np.arange(sequence_length)[:, None]
    j = np.arange(sequence_length + num_tokens)[None, :]
    last = i + ahead + (num_tokens if shifted else 0)
    visible = {
        "past": j <= last,
        "past, -1 is no limit": (j <= last) | (num_tokens + ahead == -1),
        "future": j >= last,
        "future, swapped": j >= i - num_tokens,
        "num_lower=num_tokens": (j >= i - num_tokens) & (j <= last),
        "cache at the end": (j <= i) | (j >= sequence_length),
        "everything": np.full(np.broadcast_shapes(i.shape, j.shape), True),
        "nothing": np.full(np.broadcast_shapes(i.shape, j.shape), False),
    }[band]
    return visible != inverted


def causal_mask(
    sequence_length: int, num_tokens: int = 0, *, hidden: float = -np.inf, visible: float = 0.0, **mistakes: Any
) -> Array:
    """0 where key j <= num_tokens + i, else -inf; shape (sequence_length, sequence_length + num_tokens).

    Args:
        sequence_length, num_tokens: as in `visible_keys`.
        hidden, visible: the two numbers of the mask.
        mistakes: for `visible_keys`.
    """
    return np.where(visible_keys(sequence_length, num_tokens, **mistakes), visible, hidden)


def causally_visible(sequence_length: int, num_tokens: int = 0, *, sees: str = "up to itself") -> Array:
    """Which keys each query sees, by the name of the mistake; see `visible_keys`.

    Args:
        sequence_length, num_tokens: as in `visible_keys`.
        sees: "up to itself"; "up to the next", "up to the one before", "from itself on", "only the later",
            "everything", "up to itself without the cache" (which forgets that a cache moves the diagonal).
    """
    return {
        "up to itself": lambda: visible_keys(sequence_length, num_tokens),
        "up to the next": lambda: visible_keys(sequence_length, num_tokens, ahead=1),
        "up to the one before": lambda: visible_keys(sequence_length, num_tokens, ahead=-1),
        "up to itself without the cache": lambda: visible_keys(sequence_length, num_tokens, shifted=False),
        "from itself on": lambda: visible_keys(sequence_length, num_tokens, band="future"),
        "only the later": lambda: visible_keys(sequence_length, num_tokens, inverted=True),
        "everything": lambda: visible_keys(sequence_length, num_tokens, band="everything"),
    }[sees]()


# --- attention --------------------------------------------------------------------------------


class Attended(NamedTuple):
    """What attention computes.

    Args:
        output: the blended values, (..., query_len, value_dim).
        weights: with which they are blended, (..., query_len, key_len).
        scores: before anything is hidden, of the same shape.
        masked: the scores that the softmax gets.
    """

    output: Array
    weights: Array
    scores: Array
    masked: Array


def scale_factor(scale: str, head_dim: int, *, n_head: int = 1, key_len: int = 1) -> float:
    """By what the scores are multiplied, for `scale` as in `attend`."""
    return {
        "1/sqrt(head_dim)": head_dim**-0.5,
        "1/sqrt(n_embd)": (n_head * head_dim) ** -0.5,
        "1/sqrt(key_len)": key_len**-0.5,
        "1/head_dim": 1 / head_dim,
        "1/sqrt(n_head)": n_head**-0.5,
        "sqrt(head_dim)": head_dim**0.5,
        "1 // sqrt(head_dim)": 1.0 if head_dim == 1 else 0.0,
        "none": 1.0,
    }[scale]


def attend(
    query: Array,
    key: Array,
    value: Array,
    visible: Array | None = None,
    *,
    scale: str = "1/sqrt(head_dim)",
    masking: str = "before the softmax",
    hidden: float = -np.inf,
    axis: int = -1,
    normalised: bool = True,
    shifted: bool = True,
    empty: str = "nan",
    order: str = "query key value",
) -> Attended:
    """softmax(query @ key.T / sqrt(head_dim)) @ value over the visible keys.

    Every NumPy model of attention is made of this one.

    Args:
        query, key, value: shapes (..., query_len, head_dim), (..., key_len, head_dim), (..., key_len, value_dim). With
            four axes, the second is that of the heads.
        visible: True where a query may look, broadcast to the scores; None where it may look everywhere.
        scale: by what the scores are multiplied: "1/sqrt(head_dim)"; "1/sqrt(n_embd)", "1/sqrt(key_len)",
            "1/head_dim", "sqrt(head_dim)", "none".
        masking: how keys are hidden. "before the softmax": `hidden` is added to their scores, 0 to the others. These
            numbers may also be "subtracted", "multiplied" or "added after the softmax", to the weights; "1 and 0
            added" and "multiplied by 1 and 0" take `visible` for numbers; "after the softmax" sets weights to 0,
            and those that remain do not sum to 1.
        hidden: the number that hides.
        axis: of the softmax.
        normalised, shifted: see `softmax`.
        empty: what the weights of a query that sees nothing become: "nan", "zeros", or "even".
        order: which of the three is used as query, key and value.
    """
    given = dict(zip(["query", "key", "value"], double(query, key, value), strict=True))
    query, key, value = (given[name] for name in order.split())
    n_head, key_len, head_dim = query.shape[-3] if query.ndim == 4 else 1, key.shape[-2], query.shape[-1]
    scores = query @ key.swapaxes(-1, -2) * scale_factor(scale, head_dim, n_head=n_head, key_len=key_len)
    visible = np.broadcast_to(True if visible is None else visible, scores.shape)
    mask = np.where(visible, 0.0, hidden)
    with np.errstate(invalid="ignore"):
        masked = {
            "before the softmax": scores + mask,
            "subtracted": scores - mask,
            "multiplied": scores * mask,
            "1 and 0 added": scores + visible,
            "multiplied by 1 and 0": scores * visible,
            "after the softmax": scores,
            "added after the softmax": scores,
        }[masking]
        weights = softmax(masked, axis=axis, normalised=normalised, shifted=shifted)
        if masking == "after the softmax" or (masking == "before the softmax" and empty == "zeros"):
            weights = np.where(visible, weights, 0.0)
        elif masking == "added after the softmax":
            weights = weights + mask
        elif empty == "even":
            weights = np.where(visible.any(axis=-1, keepdims=True), weights, 1 / key_len)
        return Attended(weights @ value, weights, scores, masked)


def attention(query: Array, key: Array, value: Array, *, sees: str = "up to itself", **mistakes: Any) -> Array:
    """Causal attention: softmax(query @ key.T / sqrt(head_dim) + mask) @ value.

    Args:
        query, key, value: shape (batch, n_head, seq_len, head_dim).
        sees: see `causally_visible`.
        mistakes: for `attend`.
    """
    return attend(query, key, value, causally_visible(query.shape[-2], sees=sees), **mistakes).output


def query_key_value(
    x: Array,
    weight: Array,
    bias: Array | None,
    *,
    order: str = "query key value",
    layout: str = "whole",
    n_head: int = 1,
) -> tuple[Array, Array, Array]:
    """The three parts of x @ weight.T + bias, each (batch, seq_len, n_embd).

    Args:
        x: shape (batch, seq_len, n_embd).
        weight, bias: shapes (3 * n_embd, n_embd) and (3 * n_embd,).
        order: in which order the parts are taken to lie.
        layout: "whole": one part after the other; "per head": the three parts of a head after
            one another; "per entry": the three parts of an entry after one another.
        n_head: number of heads, for the layout "per head".
    """
    qkv = linear(x, weight, bias)  # (batch, seq_len, 3 * n_embd)
    groups = {"whole": 1, "per head": n_head, "per entry": qkv.shape[-1] // 3}[layout]
    pieces = qkv.reshape(*qkv.shape[:-1], groups, 3, -1)  # (batch, seq_len, groups, 3, n_embd / groups)
    parts = {name: pieces[..., i, :].reshape(x.shape) for i, name in enumerate(order.split())}
    return parts["query"], parts["key"], parts["value"]


def split_heads(x: Array, n_head: int, *, way: str = "transposed") -> Array:
    """Cuts (batch, seq_len, n_embd) into (batch, n_head, seq_len, head_dim).

    `way`: "transposed"; "reshaped" (without the transpose), "interleaved" (a head owns every n_head-th entry).
    """
    batch, seq_len, n_embd = x.shape
    if way == "reshaped":
        return x.reshape(batch, n_head, seq_len, n_embd // n_head)
    if way == "interleaved":
        return x.reshape(batch, seq_len, n_embd // n_head, n_head).transpose(0, 3, 1, 2)
    return x.reshape(batch, seq_len, n_head, n_embd // n_head).transpose(0, 2, 1, 3)


def merge_heads(x: Array, *, way: str = "transposed") -> Array:
    """Joins (batch, n_head, seq_len, head_dim) to (batch, seq_len, n_embd); `way` as in `split_heads`."""
    batch, n_head, seq_len, head_dim = x.shape
    if way == "reshaped":
        return x.reshape(batch, seq_len, n_head * head_dim)
    if way == "interleaved":
        return x.transpose(0, 2, 3, 1).reshape(batch, seq_len, n_head * head_dim)
    return x.transpose(0, 2, 1, 3).reshape(batch, seq_len, n_head * head_dim)


def multi_head_attention(
    x: Array,
    parameters: Parameters,
    *,
    n_head: int,
    split: str = "transposed",
    merge: str = "transposed",
    projection: str = "x @ weight.T + bias",
    **mistakes: Any,
) -> Array:
    """c_proj(merge(attention(split(c_attn(x))))).

    Args:
        x: shape (batch, seq_len, n_embd).
        parameters: `c_attn` and `c_proj`.
        n_head: number of heads.
        split, merge: see `split_heads`.
        projection: see `output_projection`.
        mistakes: for `attention`.
    """
    c_attn = part(parameters, "c_attn")
    heads = (split_heads(y, n_head, way=split) for y in query_key_value(x, c_attn["weight"], c_attn["bias"]))
    merged = merge_heads(attention(*heads, **mistakes), way=merge)
    return output_projection(merged, part(parameters, "c_proj"), kind=projection)


def output_projection(x: Array, parameters: Parameters, *, kind: str = "x @ weight.T + bias") -> Array:
    """The linear layer after the heads are merged; `kind` may be another formula, or "none"."""
    weight, bias = parameters["weight"], parameters["bias"]
    return {
        "x @ weight.T + bias": lambda: linear(x, weight, bias),
        "x @ weight + bias": lambda: linear(x, weight.T, bias),
        "x @ weight.T": lambda: linear(x, weight),
        "none": lambda: x,
    }[kind]()


# --- composition ------------------------------------------------------------------------------


def mlp(
    x: Array, parameters: Parameters, *, activation: str = "tanh", after: str = "c_fc", biases: str = "c_fc, c_proj"
) -> Array:
    """c_proj(gelu(c_fc(x))); `after`: which layer the activation follows; `biases`: which layers add theirs."""
    for layer in ("c_fc", "c_proj"):
        own = part(parameters, layer)
        x = linear(x, own["weight"], own["bias"] if layer in biases else None)
        if layer == after:
            x = gelu(x, kind=activation)
    return x


def residual(
    x: Array, norm: Callable[[Array], Array], sublayer: Callable[[Array], Array], *, kind: str = "x + f(ln(x))"
) -> Array:
    """A pre-norm residual step; `kind` may be another formula."""
    (x,) = double(x)
    return _RESIDUALS[kind](x, norm, sublayer)


_RESIDUALS: dict[str, Callable[..., Array]] = {
    "x + f(ln(x))": lambda x, ln, f: x + f(ln(x)),
    "f(ln(x))": lambda x, ln, f: f(ln(x)),
    "ln(x + f(x))": lambda x, ln, f: ln(x + f(x)),
    "ln(x) + f(ln(x))": lambda x, ln, f: ln(x) + f(ln(x)),
    "ln(x) + f(x)": lambda x, ln, f: ln(x) + f(x),
    "x + ln(f(x))": lambda x, ln, f: x + ln(f(x)),
    "x + f(x)": lambda x, ln, f: x + f(x),
    "x + ln(x)": lambda x, ln, f: x + ln(x),
}


def norm_of(parameters: Parameters, name: str, eps: float) -> Callable[[Array], Array]:
    """The layer norm `name` as a function."""
    own = part(parameters, name)
    return lambda x: layer_norm(x, own["weight"], own["bias"], eps=eps)


def block(
    x: Array,
    parameters: Parameters,
    *,
    n_head: int,
    eps: float = 1e-5,
    attn: str = "x + f(ln(x))",
    mlp_step: str = "x + f(ln(x))",
    norms: Sequence[str] = ("ln_1", "ln_2"),
    own_eps: Sequence[float | None] = (None, None),
    order: str = "attn, mlp",
    attention: Callable[[Array, Parameters], Array] | None = None,
) -> Array:
    """x + attn(ln_1(x)), then x + mlp(ln_2(x)).

    Args:
        x: shape (batch, seq_len, n_embd).
        parameters: `ln_1`, `attn`, `ln_2`, `mlp`.
        n_head, eps: sizes.
        attn, mlp_step: the formulas of the two steps, see `residual`.
        norms: the norm of attention and that of the MLP.
        own_eps: the epsilon of the one and of the other, where it is not `eps`.
        order: "attn, mlp", "mlp, attn", or "parallel" (both read the same x).
        attention: takes the place of `multi_head_attention`; it gets the normalised x and the parameters of `attn`.
    """
    attn_norm, mlp_norm = (
        norm_of(parameters, name, eps if own is None else own) for name, own in zip(norms, own_eps, strict=True)
    )

    def attend_to(y: Array) -> Array:
        own = part(parameters, "attn")
        return multi_head_attention(y, own, n_head=n_head) if attention is None else attention(y, own)

    def feed_forward(y: Array) -> Array:
        return mlp(y, part(parameters, "mlp"))

    if order == "parallel":
        return x + attend_to(attn_norm(x)) + feed_forward(mlp_norm(x))
    steps = [(attn_norm, attend_to, attn), (mlp_norm, feed_forward, mlp_step)]
    for norm, sublayer, kind in steps if order == "attn, mlp" else reversed(steps):
        x = residual(x, norm, sublayer, kind=kind)
    return x


def embeddings(ids: Array, parameters: Parameters, *, positions: str = "from 0") -> Array:
    """wte[ids] + wpe[0, 1, ...]; `positions`: "from 0", "from 1", "reversed", "all 0", or "none" (not added)."""
    wte, wpe = double(parameters["wte.weight"], parameters["wpe.weight"])
    x = wte[ids]  # (batch, seq_len, n_embd)
    return x if positions == "none" else x + position_rows(wpe, ids.shape[-1], positions=positions)


def position_rows(table: Array, seq_len: int, *, positions: str = "from 0") -> Array:
    """The rows of the position table for a text of `seq_len` tokens: (seq_len, n_embd).

    "sines" are those of the original transformer, which had no table.
    """
    t = np.arange(seq_len)
    if positions == "sines":
        width = table.shape[1]
        angles = t[:, None] / 1e4 ** (np.arange(0, width, 2) / width)  # (seq_len, n_embd / 2)
        return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(seq_len, -1)[:, :width]
    numbers = {
        "from 0": t,
        "from 1": t + 1,
        "reversed": t[::-1],
        "last rows": t + len(table) - seq_len,
        "all 0": 0 * t,
        "always the last": 0 * t + seq_len - 1,
    }
    # Past the end of the table, the last row: no case of a check gets there but by a mistake.
    return table[np.minimum(numbers[positions], len(table) - 1)]


def model(
    ids: Array,
    parameters: Parameters,
    *,
    n_head: int,
    n_layer: int,
    eps: float = 1e-5,
    positions: str = "from 0",
    blocks: str = "in order",
    final_norm: str = "at the end",
    final_eps: float | None = None,
) -> Array:
    """ln_f(blocks(wte[ids] + wpe)).

    Args:
        ids: shape (batch, seq_len).
        parameters: `wte`, `wpe`, `h`, `ln_f`.
        n_head, n_layer, eps: sizes.
        positions: see `embeddings`.
        blocks: "in order", "reversed", "first only", "last only", "without the last", "without the first",
            "all on the input" (of the embeddings, so that only the last one counts).
        final_norm: "at the end", "none", "at the start", "after each block", "twice".
        final_eps: another epsilon in `ln_f`.
    """
    x = embeddings(ids, parameters, positions=positions)
    norm = norm_of(parameters, "ln_f", eps if final_eps is None else final_eps)
    layers = list(range(n_layer))
    chosen = {
        "in order": layers,
        "reversed": layers[::-1],
        "first only": [0] * n_layer,
        "last only": [n_layer - 1] * n_layer,
        "without the last": layers[:-1],
        "without the first": layers[1:],
        "all on the input": layers[-1:],
    }[blocks]
    if final_norm == "at the start":
        x = norm(x)
    for layer in chosen:
        x = block(x, part(parameters, f"h.{layer}"), n_head=n_head, eps=eps)
        if final_norm == "after each block":
            x = norm(x)
    if final_norm == "twice":
        x = norm(norm(x))
    return norm(x) if final_norm == "at the end" else x


def language_model(ids: Array, parameters: Parameters, *, logits: str = "x @ wte.T", **settings: Any) -> Array:
    """The logits: model(ids) @ wte.T. `logits` may be another formula; `settings` are those of `model`."""
    transformer = part(parameters, "transformer")
    x = model(ids, transformer, **settings)
    y = linear(x, transformer["wte.weight"])
    return {
        "x @ wte.T": y,
        "softmax": softmax(y),
        "log softmax": np.log(softmax(y)),
        "divided by sqrt(n_embd)": y / np.sqrt(x.shape[-1]),
        "multiplied by sqrt(n_embd)": y * np.sqrt(x.shape[-1]),
    }[logits]
