"""The benchmark of waiting times edits files that there are, and knows what a check says."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.feedback import ATTENTION, BEFORE, TARGET, TARGET_OF_A_SAVE, THE_WORD, Learner, Row, table_of
from benchmarks.timing import Timing
from tutor.course import find_step
from tutor.learner.skeleton import finished_workspace
from tutor.terminal.report import Report


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    return Learner(ATTENTION, finished_workspace(tmp_path), {})


def test_every_edit_is_new_code(learner: Learner, tmp_path: Path) -> None:
    file, texts = tmp_path / "steps" / f"step_{ATTENTION:02d}.py", set()
    for _ in range(3):
        learner.edit("math.sqrt(head_dim)", "(NUMBER * math.sqrt(head_dim))")
        texts.add(file.read_text())
    assert len(texts) == 3 and learner.right not in texts
    assert all("(1.00000" in text for text in texts)
    assert "key.transpose(-1, -2)" in learner.right
    with pytest.raises(ValueError, match="occurs 0 times"):
        learner.edit("no such text", "")


def test_the_word_is_what_a_check_says_before_it_compiles() -> None:
    out = io.StringIO()
    with Report(Console(file=out, width=200)).phases(find_step(ATTENTION)) as display:
        display("trace", 0, 0.0)
        assert THE_WORD not in out.getvalue()
        display("right", 0, 0.0)
        display("compile", 2, 0.0)
    assert THE_WORD in out.getvalue()


def test_the_table_shows_medians_beside_the_figures_of_before() -> None:
    out = io.StringIO()
    rows = [Row("unfilled", Timing((1.0, 3.0, 2.0))), Row("something else", Timing((7.0,)), target=False)]
    Console(file=out, width=120).print(table_of(rows))
    unfilled = next(line for line in out.getvalue().splitlines() if "unfilled" in line)
    assert "2.00" in unfilled and str(TARGET) in unfilled and BEFORE["unfilled"] in unfilled
    saved = Row("saved", Timing((0.4,)), seconds=TARGET_OF_A_SAVE)
    Console(file=out, width=120).print(table_of([saved]))
    assert str(TARGET_OF_A_SAVE) in next(line for line in out.getvalue().splitlines() if "saved" in line)
    other = next(line for line in out.getvalue().splitlines() if "something else" in line)
    assert "7.00" in other and str(TARGET) not in other
