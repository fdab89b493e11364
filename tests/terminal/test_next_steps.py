"""What a verdict offers at its end."""

import pytest

from tutor.course import COURSE, find_step
from tutor.terminal.next_steps import offers


@pytest.fixture(autouse=True)
def without_pixi(monkeypatch: pytest.MonkeyPatch):
    """The commands are those of make."""
    monkeypatch.delenv("PIXI_PROJECT_ROOT", raising=False)


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_a_step_that_is_not_right_offers_the_next_hint(seen: int):
    assert offers(find_step(8), seen, green=False) == ["Stuck? make hint STEP=08 shows the next hint."]


def test_after_the_last_hint_the_difference_is_offered():
    assert offers(find_step(8), 3, green=False) == ["Stuck? make diff STEP=08 shows your file against the solution."]


@pytest.mark.parametrize("seen", [0, 3])
def test_a_right_step_offers_the_solution_and_the_next_step(seen: int):
    assert offers(find_step(8), seen, green=True) == [
        "Compare with the solution: make diff STEP=08",
        "Next: step 09, multi-head attention: steps/step_09.py",
    ]


@pytest.mark.parametrize(
    ("step", "right", "following"),
    [
        (8, {9}, 10),
        (8, {9, 10, 11}, 12),
        (8, {1, 2, 3}, 9),
        (8, {step.number for step in COURSE[9:]}, 0),
        (8, {step.number for step in COURSE} - {5, 8}, 5),
    ],
)
def test_the_next_step_is_one_that_is_not_right_yet(step: int, right: set[int], following: int):
    told = offers(find_step(step), 0, green=True, right=right)
    assert told[1] == f"Next: step {following:02d}, {COURSE[following].title.lower()}: steps/step_{following:02d}.py"


@pytest.mark.parametrize("step", [0, 8, COURSE[-1].number])
def test_when_all_steps_are_right_none_is_next(step: int):
    told = offers(find_step(step), 0, green=True, right={each.number for each in COURSE} - {step})
    assert told[1].startswith(f"All {len(COURSE)} steps are right. Let your own model write: ")


def test_the_last_step_offers_to_let_the_model_write():
    last = COURSE[-1]
    assert offers(last, 0, green=True) == [
        f"Compare with the solution: make diff STEP={last.label}",
        'That was the last step. Let your own model write: make generate ARGS="--from steps"',
    ]


def test_commands_are_pixis_where_pixi_runs_the_tool(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIXI_PROJECT_ROOT", "/course")
    assert offers(find_step(8), 0, green=False) == ["Stuck? pixi run hint 08 shows the next hint."]
    assert offers(find_step(8), 0, green=True)[0] == "Compare with the solution: pixi run diff 08"
