"""Compares arrays of numbers, and says where they differ."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Difference:
    """How an array differs from the expected one.

    Args:
        output: which output.
        count, size: how many of its numbers differ, and how many there are.
        largest: the largest error; inf where one number is not finite and the other is.
        limit: the largest error allowed.
        worst: the index of the largest error.
        first: the index of the first number that differs.
        expected, got: the numbers at `first`.
        nans: how many numbers are NaN that should not be.
    """

    output: str
    count: int
    size: int
    largest: float
    limit: float
    worst: tuple[int, ...]
    first: tuple[int, ...]
    expected: float
    got: float
    nans: int


def errors(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The absolute error of each number: 0 for equal infinities or two NaNs, inf where only one is finite."""
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.abs(got - expected)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.where(same, 0.0, np.where(np.isfinite(error), error, np.inf))


def limit_for(expected: np.ndarray, tolerance: float) -> float:
    """The largest error allowed: `tolerance` times the largest finite expected number, or 1 if that is larger."""
    finite = np.abs(expected[np.isfinite(expected)])
    return tolerance * max(1.0, float(finite.max(initial=0.0)))


def find_difference(output: str, got: np.ndarray, expected: np.ndarray, tolerance: float) -> Difference | None:
    """Compares arrays of one shape; None if no error is above the limit."""
    error, limit = errors(got, expected), limit_for(expected, tolerance)
    wrong = error > limit
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    worst = tuple(int(i) for i in np.unravel_index(int(error.argmax()), error.shape))
    return Difference(
        output=output,
        count=int(wrong.sum()),
        size=int(wrong.size),
        largest=float(error[worst]),
        limit=limit,
        worst=worst,
        first=first,
        expected=float(expected[first]),
        got=float(got[first]),
        nans=int((np.isnan(got) & ~np.isnan(expected)).sum()),
    )


def matches(got: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Whether two arrays have one shape and no error above the limit."""
    return got.shape == expected.shape and find_difference("", got, expected, tolerance) is None
