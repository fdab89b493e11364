"""How numbers are written: short, and those of one table alike."""

from collections.abc import Callable

import numpy as np

# From which largest number on a table has how many decimals.
_DECIMALS = ((1000.0, 1), (100.0, 2), (10.0, 3), (0.1, 4), (0.01, 5))


def number_format(array: np.ndarray) -> Callable[[np.generic], str]:
    """How to write the numbers of an array: with about five digits; -inf, inf and nan by these words."""
    if array.dtype.kind == "b":
        return lambda number: str(bool(number))
    if array.dtype.kind in "iu":
        return lambda number: str(int(number))
    finite = np.abs(array[np.isfinite(array)].astype(np.float64))
    largest = float(finite.max(initial=0.0))
    decimals = next((count for least, count in _DECIMALS if largest >= least), None)
    if largest >= 1e5 or (decimals is None and largest):
        return lambda number: _exact(number) or f"{float(number):.3e}"
    return lambda number: _exact(number) or f"{float(number):.{decimals or 1}f}"


def _exact(number: np.generic) -> str:
    """What is written without decimals: zero, and what is no number."""
    if not np.isfinite(number):
        return str(float(number))
    return "0" if number == 0 else ""


def range_in_words(array: np.ndarray) -> str:
    """The smallest and the largest finite number, and how many are not finite: "-1.2 to 3.4, 10 are -inf"."""
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {array.size} are True"
    finite, shown = array[np.isfinite(array)], number_format(array)
    parts = [f"{shown(finite.min())} to {shown(finite.max())}"] if finite.size else []
    counts = {
        "-inf": int(np.isneginf(array).sum()),
        "inf": int(np.isposinf(array).sum()),
        "nan": int(np.isnan(array).sum()),
    }
    parts += [f"{count} {'is' if count == 1 else 'are'} {word}" for word, count in counts.items() if count]
    return ", ".join(parts)
