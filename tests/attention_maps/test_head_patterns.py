"""Head patterns are found where they were planted, and nowhere else."""

import re

import numpy as np
import pytest

from tests.support.attention_maps import N_HEAD, N_LAYER, TEXT
from tests.support.workspaces import Tool
from tutor.attention_maps.head_patterns import find_head_patterns
from tutor.learner.workspace import Workspace

PREVIOUS, FIRST, SAME, INDUCTION = range(4)
# Twelve tokens, said twice, with others between: no earlier occurrence is just before or at the start.
IDS = [90, *range(12), 91, 92, *range(12), 93]


def planted(kind: int) -> np.ndarray:
    """Weights of a head that does one thing: 0.9 of its weight goes there, the rest to the token itself."""
    count = len(IDS)
    table = np.zeros((count, count))
    for query in range(count):
        earlier = [key for key in range(query) if IDS[key] == IDS[query]]
        place = {
            PREVIOUS: query - 1,
            FIRST: 0,
            SAME: earlier[0] if earlier else query,
            INDUCTION: earlier[0] + 1 if earlier else query,
        }[kind]
        table[query, max(place, 0)] += 0.9
        table[query, query] += 0.1
    return table


@pytest.mark.parametrize("kind", [PREVIOUS, FIRST, SAME, INDUCTION])
def test_a_planted_head_is_found_and_no_other(kind: int):
    even = np.tril(np.ones((len(IDS), len(IDS))))
    weights = np.tile(even / even.sum(axis=-1, keepdims=True), (2, 3, 1, 1))
    weights[1, 2] = planted(kind)
    patterns = find_head_patterns(IDS, weights)
    for index, pattern in enumerate(patterns):
        (layer, head, score), *others = pattern.ranked
        verdicts = [pattern.verdict(score) for *_, score in pattern.ranked]
        if index == kind:
            assert (layer, head) == (1, 2) and score == pytest.approx(0.9)
            assert verdicts == ["yes"] + 5 * ["no"]
        else:
            assert set(verdicts) == {"no"}
        for *_, other in others[:4]:
            assert other == pytest.approx(pattern.even), "heads that look at all alike have the even score"


def test_head_patterns_are_scored_by_hand():
    """Five tokens, a b c a b: the fourth's earlier a is the first token, which does not count; the fifth's b does."""
    weights = np.zeros((1, 1, 5, 5))
    weights[0, 0] = np.tril([[1, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [0.2, 0.3, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.4, 0],
                             [0.3, 0.1, 0.2, 0.15, 0.25]])  # fmt: skip
    previous, first, same, induction = find_head_patterns([7, 8, 9, 7, 8], weights)
    assert previous.scores[0, 0] == pytest.approx((0.3 + 0.3 + 0.15) / 3) and previous.tokens == 3
    assert first.scores[0, 0] == pytest.approx((0.2 + 0.1 + 0.3) / 3)
    assert first.even == previous.even == pytest.approx((1 / 3 + 1 / 4 + 1 / 5) / 3)
    assert same.scores[0, 0] == pytest.approx(0.1) and (same.tokens, same.even) == (1, 1 / 5)
    # After the earlier a came b, at place 1; after the earlier b came c, at place 2.
    assert induction.scores[0, 0] == pytest.approx((0.2 + 0.2) / 2) and induction.tokens == 2


def test_summary_prints_each_pattern_with_its_scores(skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, "attention", TEXT, "--summary")
    assert result.returncode == 0 and result.stderr == "", result.stderr
    for name in ("the previous token", "the first token", "the same token, earlier", "(induction)"):
        assert name in result.stdout
    rows = re.findall(r"(\d)\s+(\d)\s+0\.(\d\d)\s+0\.(\d\d)\s+(yes|a little|no)\b", result.stdout)
    assert len(rows) >= 12 and all(int(layer) < N_LAYER and int(head) < N_HEAD for layer, head, *_ in rows)
    once = tutor(skeletons, "attention", "ROMEO is the one", "--summary")
    assert len(re.findall(r"(?:earlier|\(induction\)) +0 *$", once.stdout, re.MULTILINE)) == 2, "no token comes twice"
