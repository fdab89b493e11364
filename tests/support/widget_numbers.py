"""What the interactive pictures compute, by NumPy and by the course's code."""

from typing import Any

import numpy as np

from solutions.solution_14 import choose_token


def softmax(scores: np.ndarray) -> np.ndarray:
    """The softmax of each row."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def band_part(rows: int, columns: int, lower: int | None, upper: int | None, exclude: bool, value: float) -> np.ndarray:
    """`F.band_part` of a table of `value`, (rows, columns)."""
    i, j = np.indices((rows, columns))
    in_band = np.ones((rows, columns), dtype=bool)
    if lower is not None and lower >= 0:
        in_band &= i - j <= lower
    if upper is not None and upper >= 0:
        in_band &= j - i <= upper
    return np.where(in_band ^ exclude, value, 0.0)


class CapturingRng:
    """Stands in for a random generator: keeps the probabilities that it is asked to draw from."""

    def choice(self, size: int, p: np.ndarray) -> int:
        assert len(p) == size
        self.probabilities = p
        return int(p.argmax())


def distribution(logits: np.ndarray, **options: Any) -> np.ndarray:
    """The probabilities that the solution of step 14 draws from."""
    rng = CapturingRng()
    token = choose_token(logits, rng=rng, **options)
    return rng.probabilities if options["temperature"] else np.eye(len(logits))[token]
