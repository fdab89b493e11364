"""The steps that are to blame are found with few looks: each traces the graphs again."""

from collections.abc import Collection

import pytest

from tutor.checking.attempt import Attempt
from tutor.checking.blame import Blame, find_blame
from tutor.checking.verdict import Problem

STEP = 13
EARLIER = list(range(1, STEP))
WRONG = Problem("numbers", STEP, "The numbers are wrong.")


class Looks:
    """Looks at a step that is right itself, on earlier ones of which some are wrong."""

    def __init__(self, wrong: Collection[int]) -> None:
        self.wrong = frozenset(wrong)
        self.count = 0

    def __call__(self, own: Collection[int]) -> Attempt:
        self.count += 1
        problem = WRONG if self.wrong & frozenset(own) else None
        return Attempt(frozenset(own), "", loaded=frozenset([*EARLIER, STEP]), problem=problem)

    def blame(self, suspects: Collection[int]) -> Blame:
        return find_blame(STEP, self([*EARLIER, STEP]), suspects, self)


@pytest.mark.parametrize("wrong", [[step] for step in EARLIER] + [[1, 12], [3, 4], [2, 7, 11], EARLIER])
def test_all_culprits_are_found(wrong: list[int]) -> None:
    blame = Looks(wrong).blame(EARLIER)
    assert blame.borrowed and blame.culprits == wrong


@pytest.mark.parametrize("wrong", EARLIER)
def test_one_culprit_takes_few_looks(wrong: int) -> None:
    looks = Looks([wrong])
    looks.blame(EARLIER)
    assert looks.count <= 2 + 7  # of all files, of the step alone, and of halves


def test_suspects_are_looked_at_before_steps_that_were_right() -> None:
    looks = Looks([8])
    assert looks.blame([8, 9]).culprits == [8] and looks.count == 2 + 2
    assert Looks([5]).blame([8, 9]).culprits == [5]


def test_steps_that_are_wrong_only_together_are_all_suspects() -> None:
    looks = Looks([])

    def wrong_together(own: Collection[int]) -> Attempt:
        found = looks(own)
        found.problem = WRONG if {3, 9} <= set(own) else None
        return found

    blame = find_blame(STEP, wrong_together([*EARLIER, STEP]), [3, 9], wrong_together)
    assert blame.borrowed and blame.culprits == [] and blame.suspects == [3, 9]
