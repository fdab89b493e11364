"""Operations on numbers, element by element, with NumPy's broadcasting, which is MAX's."""

import math

import numpy as np

from tutor.evaluate.operations.registry import Call, elementwise, operation

elementwise("add", np.add)
elementwise("sub", np.subtract)
elementwise("mul", np.multiply)
elementwise("max", np.maximum)
elementwise("min", np.minimum)

elementwise("abs", np.abs)
elementwise("negative", np.negative)
elementwise("ceil", np.ceil)
elementwise("floor", np.floor)
elementwise("trunc", np.trunc)
elementwise("round", np.round)  # halves to the even neighbour
elementwise("exp", np.exp)
elementwise("log", np.log)
elementwise("log1p", np.log1p)
elementwise("sqrt", np.sqrt)
elementwise("rsqrt", lambda x: 1 / np.sqrt(x))
elementwise("sin", np.sin)
elementwise("cos", np.cos)
elementwise("tanh", np.tanh)
elementwise("atanh", np.arctanh)
elementwise("custom mo.acos", np.arccos)


def erf(x: np.ndarray) -> np.ndarray:
    """The error function, element by element; in float64, as NumPy has none."""
    return np.asarray(_erf(np.asarray(x, np.float64)), np.float64)


_erf = np.frompyfunc(math.erf, 1, 1)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), written so that exp does not overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


elementwise("erf", erf)
elementwise("sigmoid", sigmoid)
elementwise("silu", lambda x: x * sigmoid(x))
elementwise("relu", lambda x: np.maximum(x, 0))
elementwise("gelu", lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))))
elementwise("gelu_quick", lambda x: x * sigmoid(1.702 * x))
elementwise("gelu_tanh", lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


@operation("div")
def divide(call: Call, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Division; of integers, rounded toward zero."""
    if left.dtype.kind == "f":
        return left / right
    quotient = np.abs(left) // np.abs(right)
    return np.where((left < 0) == (right < 0), quotient, -quotient)


@operation("mod")
def modulo(call: Call, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What is left of a division that rounds down: the result has the sign of the divisor."""
    return np.mod(left, right)


@operation("pow")
def power(call: Call, base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """base ** exponent."""
    return np.power(base, exponent)


@operation("cast")
def cast(call: Call, x: np.ndarray) -> np.ndarray:
    """Brings numbers to another dtype; the evaluator rounds them to that of the result."""
    return x
