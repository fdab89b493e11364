"""Weights in four and a half bits: the format Q4_0, which MAX multiplies with on a CPU.

A row of a weight is cut into blocks of 32 numbers. A block is one scale, a float16, and 32 whole
numbers from 0 to 15: number i stands for scale * (i - 8). That is 18 bytes where float32 takes 128.

Source: the GGUF format of llama.cpp, `block_q4_0`.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np
from max.dtype import DType
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor

from tutor.errors import QuantizationError

BLOCK, BYTES = 32, 18

# MAX takes the rows of a quantized weight in groups of this size.
_ROWS = 32

# What a layer with a quantized weight keeps beside it, under a name that `Linear` does not have.
_QUANTIZED_ROWS = "quantized_rows"

Model = TypeVar("Model", bound=Module)

# The largest number of a block need not be met exactly: these parts of the obvious scale are tried too.
_SCALES = np.linspace(0.8, 1.1, 16, dtype=np.float32)


def quantize(weight: np.ndarray) -> np.ndarray:
    """Rounds a weight to Q4_0, with the scale of each block that makes the smallest squared error.

    Args:
        weight: float32 of shape (rows, columns); 32 divides columns.

    Returns:
        uint8 of shape (rows, columns / 32 * 18), with rows of zeros added up to a multiple of 32.

    """
    rows, columns = weight.shape
    packed = np.zeros((padded(rows), columns // BLOCK, BYTES), np.uint8)
    for start in range(0, rows, 4096):  # a few rows at a time: all the tries of a large table would fill the memory
        blocks = weight[start : start + 4096].reshape(-1, columns // BLOCK, BLOCK)
        packed[start : start + len(blocks)] = _pack(blocks)
    return packed.reshape(len(packed), -1)


def _pack(blocks: np.ndarray) -> np.ndarray:
    """Quantizes blocks (..., 32) to (..., 18) bytes."""
    # The number furthest from 0 becomes -8, the one end of the range that the other has not.
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)
    best = np.full(extreme.shape, np.inf, np.float32)
    scale, numbers = np.zeros(extreme.shape, np.float16), np.full(blocks.shape, 8, np.uint8)
    for part in _SCALES:
        tried = (extreme / -8 * part).astype(np.float16)
        inverse = np.divide(1, tried, out=np.zeros(tried.shape, np.float32), where=tried != 0, dtype=np.float32)
        rounded = np.clip(np.rint(blocks * inverse) + 8, 0, 15)
        error = np.square((rounded - 8) * tried.astype(np.float32) - blocks).sum(-1, keepdims=True)
        better = error < best
        best = np.where(better, error, best)
        scale = np.where(better, tried, scale)
        numbers = np.where(better, rounded.astype(np.uint8), numbers)
    # The first half of a block is in the lower four bits, the second in the upper.
    halves = numbers[..., : BLOCK // 2] | numbers[..., BLOCK // 2 :] << 4
    return np.concatenate([scale.view(np.uint8).reshape(*scale.shape[:-1], 2), halves], axis=-1)


def dequantize(packed: np.ndarray, rows: int) -> np.ndarray:
    """The numbers that a quantized weight stands for: float32 of shape (rows, columns)."""
    blocks = packed[:rows].reshape(rows, -1, BYTES)
    scale = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    halves = blocks[..., 2:]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32)
    return ((numbers - 8) * scale).reshape(rows, -1)


def pack(weights: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Quantizes what has to be.

    Args:
        weights: the parameters of the language model, in float32.
        shapes: the shape of each parameter of the model that `with_quantized_layers` gave.

    Returns:
        A weight for each of these; a head that is tied gets its own from the table of embeddings.
    """
    packed, weights = {}, {"lm_head.weight": weights["transformer.wte.weight"], **weights}
    for name, shape in shapes.items():
        weight = weights[name]
        packed[name] = weight if weight.shape == shape else quantize(weight)
    return packed


def padded(rows: int) -> int:
    """The number of rows that a quantized weight has."""
    return -(-rows // _ROWS) * _ROWS


def linear_layers(model: Module) -> Iterator[tuple[str, Linear]]:
    """The linear layers of a model, by name."""
    return ((name, layer) for name, layer in model.descendants if isinstance(layer, Linear))


def quantized_rows(layer: Linear) -> int:
    """How many rows of the layer's quantized weight count; those after them only fill it up."""
    return vars(layer)[_QUANTIZED_ROWS]


def with_quantized_layers(model: Model) -> Model:
    """Gives the linear layers of a model room for quantized weights in place of theirs.

    The head gets a weight of its own: the table of embeddings stays as it is.

    Raises:
        QuantizationError: 32 does not divide one of their widths.
    """
    for _, layer in linear_layers(model):
        rows, columns = map(int, layer.weight.shape)
        vars(layer)[_QUANTIZED_ROWS] = rows
        if columns % BLOCK:
            raise QuantizationError(f"n_embd and n_inner must be divisible by {BLOCK} for quantized weights")
        layer.weight = Tensor.zeros([padded(rows), columns // BLOCK * BYTES], dtype=DType.uint8)
    return model
