"""Numbers as the figures write them."""

import numpy as np


def signed(number: float, decimals: int) -> str:
    """A number with a minus sign instead of a hyphen; minus infinity becomes −∞."""
    return "−∞" if number == -np.inf else f"{number:.{decimals}f}".replace("-", "−")
