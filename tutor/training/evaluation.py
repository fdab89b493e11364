"""How well does a model predict a text? Its loss, in windows that overlap."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tutor.errors import TrainingError

# What step 20 gives a position that counts for nothing.
IGNORE_INDEX = -100

# From ids and targets, (1, seq_len), to the mean loss of the targets that count.
Loss = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Evaluation:
    """What evaluating a text gave.

    Args:
        tokens: how many were predicted.
        loss: their mean surprise, in nats a token.
        bytes: how many bytes of UTF-8 the predicted text has.
    """

    tokens: int
    loss: float
    bytes: int

    @property
    def perplexity(self) -> float:
        """Among how many equally likely tokens a choice would be as unsure; infinite beyond float64."""
        return math.exp(self.loss) if self.loss < 709 else math.inf

    @property
    def bits_per_byte(self) -> float:
        """The loss as no tokenizer can flatter it: whatever a token is, the text has as many bytes."""
        return self.loss * self.tokens / math.log(2) / self.bytes


def evaluate(
    loss: Loss,
    tokens: np.ndarray,
    *,
    n_positions: int,
    stride: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> float:
    """The mean loss of a text's tokens but the first, each predicted once.

    The first window predicts what fits into it. Each other one moves on by `stride` tokens and predicts only those that
    are new: the tokens before them are there to be read.

    Args:
        loss: see `Loss`; targets of IGNORE_INDEX do not count.
        tokens: the ids of the text, two at least.
        n_positions: the most tokens that the model can read at once.
        stride: by how many tokens a window moves on, from 1 to `n_positions`.
        on_progress: told how many windows are done, of how many.

    Returns:
        The mean, in nats a token.

    Raises:
        TrainingError: there is nothing to predict.

    Source: Hugging Face's guide "Perplexity of fixed-length models".
    """
    if len(tokens) < 2:
        raise TrainingError(f"the text has {len(tokens)} tokens: there is nothing to predict")
    windows = list(windows_of(len(tokens) - 1, n_positions, stride))
    total = 0.0
    for done, (start, first, end) in enumerate(windows):
        on_progress(done, len(windows))
        ids = tokens[start:end].astype(np.int64)[None]
        targets = tokens[start + 1 : end + 1].astype(np.int64)[None]
        targets[:, : first - start] = IGNORE_INDEX
        total += loss(ids, targets) * (end - first)
    on_progress(len(windows), len(windows))
    return total / (len(tokens) - 1)


def windows_of(predicted: int, n_positions: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Where each window starts, which position is the first that is new in it, and where it ends."""
    start = first = 0
    while first < predicted:
        end = min(start + n_positions, predicted)
        yield start, first, end
        start, first = start + stride, end
