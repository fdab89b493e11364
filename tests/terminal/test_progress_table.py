"""How `progress` draws the course: in 80 columns, with and without colour, with and without Unicode."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from tutor.course import COURSE
from tutor.learner.progress import Progress, Work
from tutor.terminal.step_pages import StepPrinter, time_at_work

KNOWN = Progress(
    hints={0: 1, 7: 3},
    work={0: Work(2, 45, right="2026-11-26T10:00:00+00:00"), 7: Work(123, 43_500), 19: Work(1, 0)},
)
STATES = {step.number: "green" if step.number < 7 else "edited" if step.number == 7 else "open" for step in COURSE}


class Ascii(io.StringIO):
    encoding = "ascii"


def drawn(out: io.StringIO, *, colour: bool = False) -> list[str]:
    console = Console(file=out, width=80, force_terminal=colour, color_system="standard" if colour else None)
    StepPrinter(console).progress(STATES, KNOWN)
    return out.getvalue().splitlines()


def test_all_lines_fit_80_columns():
    lines = drawn(io.StringIO())
    assert all(len(line) <= 80 for line in lines)


def test_a_row_says_what_a_step_took():
    rows = {line.split()[0]: " ".join(line.split()) for line in drawn(io.StringIO()) if line.strip()}
    assert rows["00"] == "00 Attention, one token at a time right 2 1 min 1 of 3"
    assert rows["07"] == "07 Query, key and value projections edited 123 12 h 05 min 3 of 3"
    assert rows["08"] == "08 Scaled dot-product attention open"
    assert rows["19"] == "19 Attention you can look at open 1"


def test_the_bar_has_two_cells_for_each_step():
    bar = "█" * 14 + "░" * (2 * len(COURSE) - 14)
    assert f"  {bar}" in [line.rstrip() for line in drawn(io.StringIO())]
    assert f"  {'#' * 14}{'-' * (2 * len(COURSE) - 14)}" in [line.rstrip() for line in drawn(Ascii())]


def test_without_colour_the_words_are_the_same():
    plain, coloured = drawn(io.StringIO()), drawn(io.StringIO(), colour=True)
    assert "\x1b[" in "".join(coloured) and "\x1b[" not in "".join(plain)
    assert [line.rstrip() for line in plain] == [Text.from_ansi(line).plain.rstrip() for line in coloured]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, ""), (1, "< 1 min"), (29, "< 1 min"), (31, "1 min"), (3_599, "1 h 00 min"), (3_900, "1 h 05 min"),
     (363_600, "101 h 00 min")],
)  # fmt: skip
def test_times_are_told_in_hours_and_minutes(seconds: int, told: str):
    assert time_at_work(seconds) == told
