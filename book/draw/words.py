"""Tokens and numbers as the figures write them."""

import numpy as np


def visible_token(text: str) -> str:
    """A token as the figures show it, and the interactive pictures too: its space and its new line visible."""
    return text.replace("\n", "⏎").replace(" ", "␣")


def signed(number: float, decimals: int) -> str:
    """A number with a minus sign, not a hyphen; minus infinity as a sign too."""
    return "−∞" if number == -np.inf else f"{number:.{decimals}f}".replace("-", "−")
