"""The NumPy models that explain mistakes give the stored numbers; with a mistake, they give others."""

import functools
import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from tutor.checking import stored_numbers
from tutor.checking.compare import errors, limit_for, matches
from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.course import COURSE
from tutor.learner.skeleton import parts_of
from tutor.learner.workspace import REPOSITORY, Workspace

CHECKS: dict[int, Check] = {step.number: step.check for step in COURSE}
COMPARED = [number for number, check in CHECKS.items() if check.cases]
MISTAKES = [(number, mistake) for number in COMPARED for mistake in CHECKS[number].mistakes]


@functools.cache
def cases(number: int) -> Sequence[tuple[Case, Subject, Arrays, Arrays, Arrays]]:
    """Each case of a step with its subject, parameters, inputs and expected outputs."""
    stored = stored_numbers.load(number)
    check = CHECKS[number]
    return [(case, check.subject(case.subject), *stored[case.name]) for case in check.cases if case.name in stored]


def tolerance(number: int, case: Case) -> float:
    """How closely a case is compared with a mistake: as a check does it, which leaves room for rounding."""
    return max(1e-5, CHECKS[number].tolerance, case.tolerance or 0.0)


def computed(number: int, mistake: Mistake | None = None) -> dict[str, Arrays]:
    """What the NumPy reference gives for each case, right or with a mistake."""
    change = {} if mistake is None else mistake.arguments
    return {
        case.name: CHECKS[number].numpy_model(subject, parameters, inputs, **change)
        for case, subject, parameters, inputs, _ in cases(number)
    }


def same(number: int, one: dict[str, Arrays], other: dict[str, Arrays]) -> bool:
    """Whether two results are equal, within the tolerance, in every case."""
    return all(
        matches(one[case.name][name], other[case.name][name], tolerance(number, case))
        for case, *_ in cases(number)
        for name in one[case.name]
    )


@pytest.mark.parametrize("number", COMPARED)
def test_case_names_differ(number: int) -> None:
    names = [case.name for case in CHECKS[number].cases]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("number", COMPARED)
def test_numpy_reference_equals_stored_numbers(number: int) -> None:
    for case, subject, parameters, inputs, expected in cases(number):
        got = CHECKS[number].numpy_model(subject, parameters, inputs)
        assert got.keys() == expected.keys()
        for name, values in expected.items():
            assert np.isfinite(values).all() or number == 2, f"{case.name}: only the mask may hold -inf"
            # Both were computed in float64: a part of what a check allows is enough.
            assert matches(got[name], values, 1e-6), f"{case.name}: {errors(got[name], values).max()}"


@pytest.mark.parametrize(("number", "mistake"), MISTAKES, ids=[f"{n:02d}-{m.name}" for n, m in MISTAKES])
def test_mistake_gives_other_numbers(number: int, mistake: Mistake) -> None:
    """By far more than the tolerance, in at least one case."""
    wrong = computed(number, mistake)
    found = 0.0
    for case, _, _, _, expected in cases(number):
        for name, values in expected.items():
            if wrong[case.name][name].shape != values.shape:
                return
            # A check that allows no error at all still leaves mistakes room for rounding.
            limit = limit_for(values, CHECKS[number].tolerance if case.tolerance is None else case.tolerance)
            found = max(found, errors(wrong[case.name][name], values).max() / (limit or 1e-5))
    assert found > 10


@pytest.mark.parametrize("number", COMPARED)
def test_no_two_mistakes_give_the_same_numbers(number: int) -> None:
    results = {str(mistake): computed(number, mistake) for mistake in CHECKS[number].mistakes}
    for one, other in itertools.combinations(results, 2):
        assert not same(number, results[one], results[other]), f"{one} and {other}"


def functions_of(number: int) -> list[str]:
    """The functions of a step in the order in which a check looks at them, as far as cases are about them."""
    functions = [part.function for part in parts_of(Workspace(REPOSITORY).solution(number).read_text())]
    return [
        name for name in functions if any((subject.part or functions[-1]) == name for _, subject, *_ in cases(number))
    ]


@pytest.mark.parametrize("number", COMPARED)
def test_a_mistake_is_told_from_all_others_by_the_functions_up_to_the_wrong_one(number: int) -> None:
    """When a function is wrong, those before it were right. Of two mistakes that look alike so far, the one that makes
    fewer functions wrong comes first, and is named."""
    last = [part.function for part in parts_of(Workspace(REPOSITORY).solution(number).read_text())][-1]
    about = {case.name: subject.part or last for case, subject, *_ in cases(number)}
    right = {case.name: expected for case, _, _, _, expected in cases(number)}

    def alike(one: dict[str, Arrays], other: dict[str, Arrays], function: str) -> bool:
        return all(
            matches(one[case.name][name], other[case.name][name], tolerance(number, case))
            for case, *_ in cases(number)
            if about[case.name] == function
            for name in one[case.name]
        )

    results = {mistake.name: computed(number, mistake) for mistake in CHECKS[number].mistakes}
    functions = functions_of(number)
    wrong = {name: [f for f in functions if not alike(result, right, f)] for name, result in results.items()}
    for function in functions:
        seen = [name for name in results if wrong[name][:1] == [function]]
        for one, other in itertools.combinations(seen, 2):
            narrower = set(wrong[one]) < set(wrong[other])
            assert narrower or not alike(results[one], results[other], function), f"{function}: {one}, and {other}"
