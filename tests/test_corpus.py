"""The verdicts on all wrong and right files of the tests: what `python -m tests.corpus` counts."""

import pytest

from tests.corpus import ACCEPTED, LOCATED, NAMED, REJECTED, Judged, judged, run, shares, table_of
from tests.right_files import RIGHT_FILES, RightFile
from tests.support.judging import Judge
from tests.wrong_files import WRONG_FILES
from tutor.learner.workspace import Workspace


def test_there_are_enough_files() -> None:
    assert len(WRONG_FILES) >= 250 and len(RIGHT_FILES) >= 60
    sources = [(file.step, file.source()) for file in (*WRONG_FILES, *RIGHT_FILES)]
    assert len(set(sources)) == len(sources), "no file is there twice"


@pytest.mark.parametrize("file", RIGHT_FILES, ids=lambda file: file.name)
def test_a_right_file_in_another_style_is_accepted(file: RightFile, filled: Workspace, judge: Judge) -> None:
    outcome = judged(file, judge, filled)
    assert not outcome.rejected, outcome.told


def test_most_mistakes_are_named_and_located() -> None:
    """Of every fourth file; the command judges all of them."""
    result = shares(run([file for file in WRONG_FILES if not file.right_but_for_max][::4]))
    assert result.rejected >= REJECTED and result.named >= NAMED and result.located >= LOCATED


def test_the_table_counts_each_step_and_all() -> None:
    outcomes = [
        Judged(2, "a", wrong=True, rejected=True, named=True),
        Judged(2, "b", wrong=True, rejected=False),
        Judged(3, "c", wrong=False, rejected=False),
    ]
    columns = [list(column.cells) for column in table_of(outcomes).columns]
    assert columns[1] == ["2", "0", "2", ""] and columns[2] == ["1", "0", "1", "50 %"]
    assert columns[6] == ["0", "1", "1", "100 %"]
    assert shares(outcomes).accepted == ACCEPTED and not shares(outcomes).are_enough
