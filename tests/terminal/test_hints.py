"""Hints on narrow and on wide terminals."""

import io
import itertools

import pytest
from rich.console import Console

from tutor.course import COURSE, Step
from tutor.terminal.step_pages import StepPrinter


def shown(step: Step, number: int, width: int) -> list[str]:
    """The lines of a hint as they are printed, without the headline."""
    out = io.StringIO()
    StepPrinter(Console(file=out, width=width)).hint(step, number)
    return [line.removeprefix("  ").rstrip() for line in out.getvalue().splitlines()[1:]]


@pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_hint_keeps_its_lines_where_they_fit(step: Step, number: int):
    assert shown(step, number, 100) == step.hints[number - 1].splitlines()


@pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("width", [60, 80])
def test_a_hint_is_wrapped_again_where_they_do_not(step: Step, number: int, width: int):
    hint, lines = step.hints[number - 1], shown(step, number, width)
    assert " ".join(lines).split() == hint.split()
    code = [line for line in hint.splitlines() if line.startswith("    ") and len(line) <= width - 2]
    assert [line for line in lines if line in code] == code, "code keeps its lines"
    if max(map(len, hint.splitlines())) <= width - 2:
        assert lines == hint.splitlines()
        return
    for line, following in itertools.pairwise(lines):
        if line and following and not line.startswith(" ") and not following.startswith(" "):
            assert len(line) + 1 + len(following.split()[0]) > width - 2, "a line ends early"
