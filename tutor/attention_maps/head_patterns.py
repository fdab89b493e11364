"""Finds heads that show a pattern: they look at the previous token, the first, or where the same token was before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutor.errors import PromptError

# A text of fewer tokens has no token whose previous one is not also the first. More tokens make no better score,
# and the weights of all heads of a large model fill gigabytes.
FEWEST_TOKENS, MOST_TOKENS = 3, 256

# A head shows a pattern a little if it gives it this many times the share that it would give if it looked at all
# tokens alike. It shows the pattern clearly if that share is also a large part of its attention.
_TIMES, _SHARE = 2.0, 0.25


@dataclass(frozen=True)
class HeadPattern:
    """Something that a head may do, and which heads do it.

    Args:
        name: what the heads look at.
        tokens: how many tokens of the text have such a thing to look at; the scores are means over them.
        even: the score of a head that looks at all tokens alike.
        scores: (n_layer, n_head): the mean share of the weight that goes where the pattern says.
    """

    name: str
    tokens: int
    even: float
    scores: np.ndarray

    @property
    def ranked(self) -> list[tuple[int, int, float]]:
        """All heads as layer, head and score, the best first."""
        order = np.argsort(-self.scores, axis=None, kind="stable")
        places = zip(*np.unravel_index(order, self.scores.shape), strict=True)
        return [(int(layer), int(head), float(self.scores[layer, head])) for layer, head in places]

    def verdict(self, score: float) -> str:
        """What a score says: "yes", "a little" or "no"."""
        if score < _TIMES * self.even:
            return "no"
        return "yes" if score >= _SHARE else "a little"


def check(ids: Sequence[int]) -> int:
    """How many tokens of a text are looked at, at most.

    Raises:
        PromptError: the text is too short to tell one pattern from another.
    """
    if len(ids) < FEWEST_TOKENS:
        raise PromptError(
            f"the text is too short for a summary ({len(ids)} of at least {FEWEST_TOKENS} tokens): give more"
        )
    return MOST_TOKENS


def find_head_patterns(ids: Sequence[int], weights: np.ndarray) -> list[HeadPattern]:
    """Scores every head on every pattern.

    Only tokens from the third on count: for the second, the previous token is the first. Where a pattern is about
    an earlier occurrence, the previous and the first token do not count for it: they have patterns of their own.

    Args:
        ids: the tokens.
        weights: (n_layer, n_head, seq_len, seq_len).

    Source: for the last one "In-context Learning and Induction Heads" (Olsson et al. 2022), its prefix matching.
    """
    return [_scored(name, table, weights) for name, table in looked_at(ids)]


def looked_at(ids: Sequence[int]) -> list[tuple[str, np.ndarray]]:
    """The names of the patterns, and for each the table (seq_len, seq_len) of the keys that a query looks at."""
    tokens = np.asarray(ids)
    query, key = np.indices((len(tokens), len(tokens)))
    between = (query >= 2) & (key >= 1) & (key <= query - 2)
    same = tokens[:, None] == tokens[None, :]
    after_same = np.zeros_like(same)
    after_same[:, 1:] = same[:, :-1]
    return [
        ("the previous token", (query >= 2) & (key == query - 1)),
        ("the first token", (query >= 2) & (key == 0)),
        ("the same token, earlier", between & same),
        ("what followed it (induction)", between & after_same),
    ]


def _scored(name: str, table: np.ndarray, weights: np.ndarray) -> HeadPattern:
    """Scores a pattern, given as the table of queries and the keys that they should look at."""
    rows = np.any(table, axis=-1)
    count = int(rows.sum())
    if not count:
        return HeadPattern(name, 0, 0.0, np.zeros(weights.shape[:2]))
    shares = (weights * table).sum(axis=-1)  # (n_layer, n_head, seq_len)
    even = table.sum(axis=-1) / np.arange(1, len(rows) + 1)
    return HeadPattern(name, count, float(even[rows].mean()), shares[..., rows].mean(axis=-1))
