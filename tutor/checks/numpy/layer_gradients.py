"""The backward passes of step 21 in NumPy, in float64, with the mistakes that learners make."""

import math

import numpy as np

FACTOR, CUBIC = np.sqrt(2 / np.pi), 0.044715


def _by_token(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1])


def linear_backward(
    grad_y: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    *,
    grad_x: str = "grad_y @ weight",
    grad_weight: str = "grad_y.T @ x",
    grad_bias: str = "sum over tokens",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of x, weight and bias."""
    grad_y, x, weight = (array.astype(np.float64) for array in (grad_y, x, weight))
    tokens = len(_by_token(x))
    square = weight.shape[0] == weight.shape[1]
    if grad_x == "grad_y @ weight.T" and square:
        by_x = grad_y @ weight.T
    elif grad_x == "averaged":
        by_x = grad_y @ weight / tokens
    else:
        by_x = grad_y @ weight
    by_weight = _by_token(grad_y).T @ _by_token(x)
    if grad_weight == "x.T @ grad_y" and square:
        by_weight = by_weight.T
    elif grad_weight == "averaged":
        by_weight = by_weight / tokens
    elif grad_weight == "first text":
        by_weight = grad_y[0].T @ x[0]
    elif grad_weight == "averaged over texts":
        by_weight = by_weight / len(x)
    by_bias = {
        "sum over tokens": _by_token(grad_y).sum(axis=0),
        "averaged": _by_token(grad_y).mean(axis=0),
        "first text": grad_y[0].sum(axis=0),
        "averaged over texts": grad_y.sum(axis=1).mean(axis=0),
        "largest": _by_token(grad_y).max(axis=0),
    }[grad_bias]
    return by_x, by_weight, by_bias


def gelu_backward(grad_y: np.ndarray, x: np.ndarray, *, slope: str = "tanh form", at: str = "x") -> np.ndarray:
    """The gradient of what GELU was given. `slope` says which derivative is taken."""
    grad_y, x = grad_y.astype(np.float64), x.astype(np.float64)
    if at == "gelu(x)":
        x = 0.5 * x * (1 + np.tanh(FACTOR * (x + CUBIC * x**3)))
    t = np.tanh(FACTOR * (x + CUBIC * x**3))
    inner = FACTOR * (1 + 3 * CUBIC * x**2)
    if slope == "exact form":
        cdf = np.vectorize(lambda value: 0.5 * (1 + math.erf(value / 2**0.5)))(x)
        return grad_y * (cdf + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))
    return (
        grad_y
        * {
            "tanh form": 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner,
            "first term": 0.5 * (1 + t),
            "second term": 0.5 * x * (1 - t * t) * inner,
            "inner without 3": 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * FACTOR * (1 + CUBIC * x**2),
            "inner forgotten": 0.5 * (1 + t) + 0.5 * x * (1 - t * t),
            "inner without the root": 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (1 + 3 * CUBIC * x**2),
            "tanh not squared": 0.5 * (1 + t) + 0.5 * x * (1 - t) * inner,
            "without the half": (1 + t) + x * (1 - t * t) * inner,
            "without x": 0.5 * (1 + t) + 0.5 * (1 - t * t) * inner,
            "gelu itself": 0.5 * x * (1 + t),
            "relu": (x > 0).astype(np.float64),
            "sigmoid": 1 / (1 + np.exp(-1.702 * x)),
        }[slope]
    )


def layer_norm_backward(
    grad_y: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    eps: float,
    *,
    terms: str = "both means",
    gain: str = "grad_y * weight",
    scale: str = "1 / sqrt(var + eps)",
    grad_weight: str = "grad_y * n",
    grad_bias: str = "grad_y",
    summed: str = "tokens",
    variance_of: str = "dim",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of x, weight and bias."""
    grad_y, x, weight = (array.astype(np.float64) for array in (grad_y, x, weight))
    centered = x - x.mean(axis=-1, keepdims=True)
    divisor = x.shape[-1] - (variance_of == "dim - 1" and x.shape[-1] > 1)
    variance = (centered**2).sum(axis=-1, keepdims=True) / divisor
    root = 1 / np.sqrt(variance + eps)
    n = centered * root
    g = grad_y * weight if gain == "grad_y * weight" else grad_y
    along = {
        "both means": g.mean(axis=-1, keepdims=True) + n * (g * n).mean(axis=-1, keepdims=True),
        "neither": 0.0,
        "the first": g.mean(axis=-1, keepdims=True),
        "the second": n * (g * n).mean(axis=-1, keepdims=True),
        "sums": g.sum(axis=-1, keepdims=True) + n * (g * n).sum(axis=-1, keepdims=True),
        "with x": g.mean(axis=-1, keepdims=True) + x * (g * x).mean(axis=-1, keepdims=True),
        "without n": g.mean(axis=-1, keepdims=True) + (g * n).mean(axis=-1, keepdims=True),
        "added": -g.mean(axis=-1, keepdims=True) - n * (g * n).mean(axis=-1, keepdims=True),
    }[terms]
    factor = {"1 / sqrt(var + eps)": root, "none": 1.0, "1 / (var + eps)": root * root, "sqrt(var + eps)": 1 / root}
    grad_x = (g - along) * factor[scale]
    factors = {"grad_y * n": (grad_y, n), "grad_y * x": (grad_y, x), "grad_y * centered": (grad_y, centered)}
    one, other = factors.get(grad_weight, (g, n))
    by_weight, by_bias = _by_token(one * other), _by_token(g if grad_bias == "g" else grad_y)
    if summed == "averaged":
        return grad_x, by_weight.mean(axis=0), by_bias.mean(axis=0)
    return grad_x, by_weight.sum(axis=0), by_bias.sum(axis=0)


def embedding_backward(
    grad_y: np.ndarray, input_ids: np.ndarray, num_rows: int, *, repeated: str = "added"
) -> np.ndarray:
    """The gradient of a table. `repeated` says what becomes of a row that was looked up more than once."""
    table = np.zeros((num_rows, grad_y.shape[-1]))
    rows, gradients = input_ids.reshape(-1), _by_token(grad_y.astype(np.float64))
    if repeated == "last":
        table[rows] = gradients
        return table
    np.add.at(table, rows, gradients)
    if repeated == "averaged":
        table /= np.maximum(np.bincount(rows, minlength=num_rows), 1)[:, None]
    elif repeated == "averaged over tokens":
        table /= len(rows)
    elif repeated == "added to ones":
        table += 1
    return table
