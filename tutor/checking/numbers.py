"""Compares the numbers of a subject with what is expected, case by case."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tutor.checking import random_numbers, stored_numbers
from tutor.checking.compare import Difference, errors, find_difference, limit_for
from tutor.checking.guard import ProblemFound
from tutor.checking.spec import Arrays, Case, Check, Subject
from tutor.checking.verdict import Problem


@dataclass(frozen=True)
class Given:
    """A case with its numbers: what goes in, and what is to come out. Those of a drawn case are in no file."""

    case: Case
    subject: Subject
    parameters: Arrays
    inputs: Arrays
    expected: Arrays
    tolerance: float
    drawn: bool = False

    @property
    def name(self) -> str:
        """The case in words."""
        return self.case.name


@dataclass
class Compared:
    """What comparing gave: the results by case, those that differ, and the largest error of the others."""

    results: dict[str, Arrays] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)
    largest_error: float = 0.0

    def add(self, step: int, given: Given, arrays: Sequence[np.ndarray]) -> None:
        """Compares the results of one case.

        Raises:
            ProblemFound: a result has the wrong shape.
        """
        results = dict(zip(given.subject.results, arrays, strict=True))
        self.results[given.name] = results
        for name, values in given.expected.items():
            if results[name].shape != values.shape:
                details = [("expected", str(values.shape)), ("got", str(results[name].shape))]
                summary = "The result has the wrong shape."
                raise ProblemFound(Problem("returns", step, summary, where=given.name, details=details))
            difference = find_difference(name, results[name], values, given.tolerance)
            if difference is not None:
                self.differences.setdefault(given.name, difference)
            elif given.tolerance and not given.drawn:  # the same code reports the same largest error each time
                part = float(errors(results[name], values).max(initial=0.0)) / limit_for(values, given.tolerance)
                self.largest_error = max(self.largest_error, part)


def stored_cases(step: int, check: Check) -> list[Given]:
    """The cases of a check with Hugging Face's numbers."""
    stored = stored_numbers.load(step) if check.cases else {}
    return [_given(check, case, *stored[case.name]) for case in check.cases]


def drawn_cases(check: Check, cases: Sequence[Given], seed: int) -> Iterator[Given]:
    """One more case for each subject, with inputs that no file knows, and the numbers of the NumPy model.

    Parameters stay those that are stored. What a case does not draw cannot be drawn again.
    """
    if check.numpy_model is None:
        return
    seen: set[str] = set()
    for given in cases:
        if given.subject.name in seen or given.case.shipped or not given.case.redrawn:
            continue
        seen.add(given.subject.name)
        case = replace(given.case, seed=seed, note=f"{given.case.note}, numbers drawn now".lstrip(", "))
        parameters, inputs = random_numbers.case(given.subject, case)
        if given.case.given is None:
            parameters = given.parameters
        expected = check.numpy_model(given.subject, parameters, inputs)
        yield replace(_given(check, case, parameters, inputs, expected), drawn=True)


def _given(check: Check, case: Case, parameters: Arrays, inputs: Arrays, expected: Mapping[str, np.ndarray]) -> Given:
    tolerance = check.tolerance if case.tolerance is None else case.tolerance
    return Given(case, check.subject(case.subject), parameters, inputs, expected, tolerance)
