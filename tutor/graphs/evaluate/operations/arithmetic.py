"""Operations on numbers, element by element, with NumPy's broadcasting, which is MAX's."""

import math

import numpy as np

from tutor.graphs.evaluate.numbers import round_to_bfloat16
from tutor.graphs.evaluate.operations.registry import Call, elementwise, operation

elementwise("add", np.add)
elementwise("sub", np.subtract)
elementwise("mul", np.multiply)
# Of a number and NaN, MAX's CPU gives the number.
elementwise("max", np.fmax)
elementwise("min", np.fmin)

elementwise("abs", np.abs)
elementwise("negative", np.negative)
elementwise("ceil", np.ceil)
elementwise("floor", np.floor)
elementwise("trunc", np.trunc)
elementwise("round", np.round)  # halves to the even neighbour
elementwise("log", np.log)
elementwise("log1p", np.log1p)
elementwise("sqrt", np.sqrt)
elementwise("sin", np.sin)
elementwise("cos", np.cos)
elementwise("atanh", np.arctanh)
elementwise("relu", lambda x: np.fmax(x, 0))
# The argument is brought into [-1, 1], NaN to 1.
elementwise("custom mo.acos", lambda x: np.arccos(np.fmax(np.fmin(x, 1), -1)))


def exp(x: np.ndarray) -> np.ndarray:
    """e to the power of x; of NaN, infinity, as MAX's CPU has it."""
    return np.where(np.isnan(x), np.inf, np.exp(x))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)); of NaN, 0."""
    return 1 / (1 + exp(-x))


def erf(x: np.ndarray) -> np.ndarray:
    """The error function, in float64: NumPy has none."""
    return np.asarray(_erf(np.asarray(x, np.float64)), np.float64)


_erf = np.frompyfunc(math.erf, 1, 1)

elementwise("exp", exp)
elementwise("sigmoid", sigmoid)
elementwise("silu", lambda x: x * sigmoid(x))
elementwise("erf", erf)
elementwise("gelu", lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))))
elementwise("gelu_quick", lambda x: x * sigmoid(1.702 * x))
elementwise("gelu_tanh", lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


@operation("rsqrt")
def reciprocal_root(call: Call, x: np.ndarray) -> np.ndarray:
    """1 / sqrt(x). In bfloat16 the root is rounded as well."""
    return 1 / _rounded(call, np.sqrt(x))


def _rounded(call: Call, x: np.ndarray) -> np.ndarray:
    """What is in between, where MAX computes in bfloat16 itself."""
    return round_to_bfloat16(x) if call.operand_dtype == "bfloat16" and x.dtype == np.float32 else x


# tanh is x times a quotient of polynomials in x², in MAX as in Eigen; the coefficients from the constant up.
_TANH_ABOVE = (
    *(4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08),
    *(-8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16),
)
_TANH_BELOW = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)


@operation("tanh")
def tanh(call: Call, x: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent; of NaN, 1. In bfloat16 each step is rounded, and the result is 2 units off at times."""
    if call.operand_dtype != "bfloat16" or x.dtype != np.float32:
        return np.where(np.isnan(x), 1.0, np.tanh(x))
    clipped = np.fmax(np.fmin(x, 9), -9)
    square = round_to_bfloat16(clipped * clipped)

    def polynomial(coefficients: tuple[float, ...]) -> np.ndarray:
        value = np.zeros_like(square)
        for coefficient in round_to_bfloat16(np.array(coefficients[::-1], np.float32)):
            # A fused multiply-add: the product is exact.
            value = round_to_bfloat16((value.astype(np.float64) * square + coefficient).astype(np.float32))
        return value

    return round_to_bfloat16(clipped * polynomial(_TANH_ABOVE)) / polynomial(_TANH_BELOW)


@operation("div")
def divide(call: Call, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Division; of integers, rounded toward zero.

    Raises:
        ZeroDivisionError: an integer is divided by 0; MAX's process ends there.
    """
    if left.dtype.kind == "f":
        return left / right
    if not np.all(right):
        raise ZeroDivisionError("an integer is divided by 0")
    quotient, rest = np.divmod(left, right)
    return quotient + ((rest != 0) & ((left < 0) != (right < 0)))


@operation("mod")
def modulo(call: Call, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What is left of a division that rounds down: the result has the sign of the divisor. Of integers by 0 it is 0."""
    if left.dtype.kind == "f":
        return left - np.floor(left / right) * right
    return np.mod(left, right)


@operation("pow")
def power(call: Call, base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """base ** exponent: by multiplication for whole exponents, by exp(exponent * log(base)) for others.

    An integer to a negative power is 0.
    """
    if base.dtype.kind != "f":
        return np.where(exponent < 0, 0, np.power(base, np.maximum(exponent, 0)))
    whole = exponent == np.floor(exponent)
    by_logarithm = exp(_rounded(call, exponent * _rounded(call, np.log(np.abs(base)))))
    fraction = np.where((base < 0) & ~np.isnan(exponent), np.nan, by_logarithm)
    return np.where(np.isinf(exponent), 1, np.where(whole, np.power(base, exponent), fraction))


@operation("cast")
def cast(call: Call, x: np.ndarray) -> np.ndarray:
    """Brings numbers to another dtype; the evaluator rounds them to that of the result. NaN is False as a bool."""
    if call.result_dtype == "bool" and x.dtype.kind == "f":
        return (x != 0) & ~np.isnan(x)
    return x
