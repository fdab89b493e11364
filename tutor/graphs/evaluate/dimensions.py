"""Sizes of tensors: numbers, names, and expressions over names.

MAX prints a shape as `[n, 4, add(mul_no_wrap(n, 2), -1)]`. The names get their sizes from the shapes of the inputs;
a few operations, a slice with bounds known at run time for one, declare a name of their own, and their result gives it
its size.
"""

import math
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import reduce

from tutor.graphs.evaluate.errors import EvaluationError

Dims = tuple["int | str | Expression", ...]


@dataclass(frozen=True)
class Expression:
    """An operator of MAX's and its operands: `add(n, -1)`."""

    operator: str
    operands: Dims


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("a dimension is divided by 0")
    # MAX rounds toward zero, Python down.
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - right * _divide(left, right)


_OPERATORS: Mapping[str, Callable[..., int]] = {
    "add": lambda *operands: sum(operands),
    "mul": lambda *operands: math.prod(operands),
    "mul_no_wrap": lambda *operands: math.prod(operands),
    "div": lambda *operands: reduce(_divide, operands),
    "div_s": lambda *operands: reduce(_divide, operands),
    "floor_div_s": lambda left, right: left // right,
    "ceil_div_s": lambda left, right: -(-left // right),
    "mod": _remainder,
    "rem_s": _remainder,
    "max": max,
    "min": min,
}

_TOKEN = re.compile(r"\s*(?:(?P<number>-?\d+)|(?P<name>[A-Za-z_]\w*)|(?P<mark>[\[\](),]))")


def parse_dims(text: str) -> tuple[Dims, str]:
    """Reads the shape that a text begins with.

    Args:
        text: as MAX prints it: `[n, add(n, 1)], f32`.

    Returns:
        The dimensions, and what follows them in the text.

    Raises:
        ValueError: the text does not begin with a shape.
    """
    if not text.startswith("["):
        raise ValueError(f"no shape: {text[:40]}")
    dims, end = _parse_list(text, 1, "]")
    return dims, text[end:]


def _parse_list(text: str, position: int, closing: str) -> tuple[Dims, int]:
    """Reads dimensions up to a closing mark, and gives the position after it."""
    items: list[int | str | Expression] = []
    while True:
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"not a dimension: {text[position : position + 40]}")
        position = token.end()
        if token["mark"] == closing:
            return tuple(items), position
        if token["mark"] == ",":
            continue
        if token["number"]:
            items.append(int(token["number"]))
        elif token["name"] and text[position : position + 1] == "(":
            operands, position = _parse_list(text, position + 1, ")")
            items.append(Expression(token["name"], operands))
        elif token["name"]:
            items.append(token["name"])
        else:
            raise ValueError(f"not a dimension: {text[token.start() : token.start() + 40]}")


def names_in(dims: Sequence[int | str | Expression]) -> set[str]:
    """All names that dimensions depend on."""
    names: set[str] = set()
    for dim in dims:
        if isinstance(dim, str):
            names.add(dim)
        elif isinstance(dim, Expression):
            names |= names_in(dim.operands)
    return names


def unknown_operators(dims: Sequence[int | str | Expression]) -> set[str]:
    """The operators in dimensions that cannot be computed."""
    names: set[str] = set()
    for dim in dims:
        if isinstance(dim, Expression):
            names |= unknown_operators(dim.operands) | ({dim.operator} - _OPERATORS.keys())
    return names


def size_of(dim: int | str | Expression, sizes: Mapping[str, int]) -> int:
    """Computes a dimension.

    Raises:
        EvaluationError: a name has no size.
    """
    if isinstance(dim, int):
        return dim
    if isinstance(dim, str):
        if dim not in sizes:
            raise EvaluationError(f"the size of dimension {dim!r} is not known")
        return sizes[dim]
    return _OPERATORS[dim.operator](*(size_of(operand, sizes) for operand in dim.operands))


def bind(dims: Dims, shape: tuple[int, ...], sizes: MutableMapping[str, int], what: str) -> None:
    """Gives names that have no size yet the size that a shape has there, and compares all other dimensions.

    Args:
        dims: the type's dimensions.
        shape: the array's.
        sizes: the sizes known so far; it is added to.
        what: what has this shape, for the message.

    Raises:
        EvaluationError: the shape is not of this type.
    """
    if len(dims) != len(shape):
        raise EvaluationError(f"{what} has {len(shape)} axes where its type has {len(dims)}")
    for axis, (dim, size) in enumerate(zip(dims, shape, strict=True)):
        if isinstance(dim, str) and dim not in sizes:
            sizes[dim] = size
        elif (expected := size_of(dim, sizes)) != size:
            raise EvaluationError(f"{what} has size {size} on axis {axis} where its type has {expected}")
