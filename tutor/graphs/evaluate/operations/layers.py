"""Matrix products and normalisations."""

import numpy as np

from tutor.graphs.evaluate.numbers import round_to_bfloat16
from tutor.graphs.evaluate.operations.registry import Call, elementwise, operation

elementwise("matmul", np.matmul)


@operation("reduce.layer_norm")
def layer_norm(call: Call, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1 along the last axis, then a factor and a summand for each element of it."""
    centered = x - np.mean(x, axis=-1, keepdims=True)
    variance = np.mean(centered * centered, axis=-1, keepdims=True)
    return centered / np.sqrt(variance + epsilon) * gamma + beta


@operation("reduce.rms_norm")
def rms_norm(call: Call, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Divides by the root of the mean of squares along the last axis, then multiplies with a weight."""
    normal = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + x.dtype.type(call.get("epsilon", float)))
    if call.operand_dtype == "bfloat16" and not call.get("multiply_before_cast", bool) and x.dtype == np.float32:
        normal = round_to_bfloat16(normal)
    return normal * (weight + x.dtype.type(call.get("weight_offset", float)))


@operation("reduce.group_norm")
def group_norm(
    call: Call, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Mean 0 and variance 1 in each group of channels, the second axis, then a factor and a summand a channel."""
    grouped = x.reshape(x.shape[0], int(groups), -1)
    centered = grouped - grouped.mean(axis=-1, keepdims=True)
    normal = centered / np.sqrt(np.mean(centered * centered, axis=-1, keepdims=True) + epsilon)
    per_channel = (-1, *[1] * (x.ndim - 2))
    return normal.reshape(x.shape) * gamma.reshape(per_channel) + beta.reshape(per_channel)
