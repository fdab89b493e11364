"""Numbers as the figures write them."""

import numpy as np


def signed(number: float, decimals: int) -> str:
    """A number with a minus sign, not a hyphen; minus infinity as a sign too."""
    return "−∞" if number == -np.inf else f"{number:.{decimals}f}".replace("-", "−")
