"""Dtypes, and how results are rounded to them.

NumPy has no bfloat16, and computes float16 slowly. Values of both are kept in float32 arrays, and rounded to what
the dtype can hold after every operation.
"""

from collections.abc import Mapping

import numpy as np

# How MLIR writes a dtype, and MAX's name for it.
DTYPES: Mapping[str, str] = {
    "bool": "bool",
    "i1": "bool",
    "bf16": "bfloat16",
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    **{f"si{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}

FLOATS = frozenset({"bfloat16", "float16", "float32", "float64"})

_LARGEST_BFLOAT16 = float.fromhex("0x1.fep127")

_KEPT_IN_FLOAT32 = frozenset({"bfloat16", "float16"})


def storage(dtype: str) -> np.dtype:
    """The dtype of the arrays in which values of a MAX dtype are kept."""
    return np.dtype(np.float32 if dtype in _KEPT_IN_FLOAT32 else dtype)


def finite_range(dtype: str) -> tuple[float, float]:
    """The smallest and the largest finite number of a MAX dtype."""
    if dtype == "bool":
        return False, True
    if dtype == "bfloat16":
        return -_LARGEST_BFLOAT16, _LARGEST_BFLOAT16
    if dtype in FLOATS:
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def round_to_bfloat16(values: np.ndarray) -> np.ndarray:
    """Rounds float32 numbers to the nearest that bfloat16 can hold, ties to even; NaN and infinities stay."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(values), values, rounded.view(np.float32)).reshape(np.shape(values))


def round_to(values: np.ndarray, dtype: str) -> np.ndarray:
    """Brings numbers to a MAX dtype, in the arrays in which it is kept.

    Args:
        values: any array.
        dtype: MAX's name of the dtype.
    """
    kept = values.astype(storage(dtype), copy=False)
    if dtype == "bfloat16":
        return round_to_bfloat16(kept)
    if dtype == "float16":
        return kept.astype(np.float16).astype(np.float32)
    return kept
