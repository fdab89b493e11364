"""Expectations about drawn numbers hold for the solutions, whatever is drawn, and other seeds draw other numbers."""

import itertools

import pytest

from tutor.checking.attempt import equal
from tutor.checking.loader import StepModules
from tutor.course import COURSE, find_step
from tutor.learner.workspace import REPOSITORY, Workspace

DRAWING = [step.number for step in COURSE if step.check.drawn(0)]
SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("step", DRAWING)
def test_the_solution_is_right_for_other_numbers_too(step: int, seed: int):
    code = StepModules(Workspace(REPOSITORY), own=())
    for expectation in find_step(step).check.drawn(seed):
        if not expectation.needs:
            got = expectation.read(expectation.evaluate(code, {}))
            assert equal(got, expectation.expected), f"{expectation.name}: {got!r}"


@pytest.mark.parametrize("step", DRAWING)
def test_no_known_wrong_answer_is_the_right_one(step: int):
    for seed in range(20):
        for expectation in find_step(step).check.drawn(seed):
            for wrong, _ in expectation.wrong:
                assert not equal(wrong, expectation.expected), f"{expectation.name}, seed {seed}"


@pytest.mark.parametrize("step", DRAWING)
def test_no_two_known_wrong_answers_are_the_same(step: int):
    for seed in range(50):
        for expectation in find_step(step).check.expectations_for(seed):
            for (one, _), (other, _) in itertools.combinations(expectation.wrong, 2):
                assert not equal(one, other), f"{expectation.name}, seed {seed}"


@pytest.mark.parametrize("step", DRAWING)
def test_each_function_is_asked_about_numbers_that_differ_from_check_to_check(step: int):
    one, other = ({e.name: e.expected for e in find_step(step).check.drawn(seed)} for seed in (1, 2))
    assert any(name not in other or not equal(expected, other[name]) for name, expected in one.items())
