"""Says why numbers are wrong."""

from collections.abc import Sequence

from tutor.checking.compare import Difference, matches
from tutor.checking.first_wrong_line import FirstWrongLine, frame_of, told, values_of
from tutor.checking.numbers import Compared, Given
from tutor.checking.spec import Check, Mistake
from tutor.checking.verdict import Problem

# Known mistakes are recognised with at least this tolerance, as the NumPy models compute in float64.
_TOLERANCE = 1e-5


def explain_numbers(
    step: int,
    check: Check,
    cases: Sequence[Given],
    compared: Compared,
    line: FirstWrongLine | None = None,
    *,
    before: Sequence[Given] = (),
) -> Problem:
    """Names the mistake whose numbers these are, else the first wrong line, and shows the first numbers that differ.

    Args:
        step, check: which.
        cases: those of the function that is wrong.
        compared: the results, and what differs in these cases.
        line: the first wrong line, if it is known.
        before: the cases of the functions that are right.
    """
    where, difference = next(iter(compared.differences.items()))
    mistake = find_mistake(check, cases, compared, before)
    details = details_of(difference, len(compared.differences), len(cases))
    if mistake is not None:
        summary, advice = f"This is {mistake.name}.", mistake.advice
    elif line is not None:
        summary, advice = "The numbers are wrong.", f"No known mistake gives these numbers. {told(line, step)}"
        details += values_of(line)
    else:
        summary = "The numbers are wrong."
        advice = "No known mistake gives these numbers. Follow the first one that differs, and read the hints."
    frames = [] if line is None else [frame_of(line)]
    return Problem("numbers", step, summary, where=where, details=details, advice=advice, frames=frames)


def details_of(difference: Difference, wrong: int, total: int) -> list[tuple[str, str]]:
    """Labelled values of a difference, for a problem."""
    # A single number has no place.
    where = f" at {list(difference.worst)}" if difference.worst else ""
    first = f"{difference.output}{list(difference.first)}" if difference.first else difference.output
    details = [
        ("cases", f"{wrong} of {total} differ"),
        ("largest error", f"{difference.largest:.3g}{where}; allowed {difference.limit:.3g}"),
        ("first at", f"{first}; {difference.count} of {difference.size} differ"),
        ("expected", f"{difference.expected:.7g}"),
        ("got", f"{difference.got:.7g}"),
    ]
    if difference.nans:
        details.insert(1, ("not a number", f"{difference.nans} of the results are NaN"))
    return details


def find_mistake(
    check: Check, cases: Sequence[Given], compared: Compared, before: Sequence[Given] = ()
) -> Mistake | None:
    """The known mistake that gives the numbers that were got, in every case.

    If several give them, it is the first that leaves what was right before as it is; if none does, no name is better
    than a wrong one.
    """
    # Those that differ come first: in them, most mistakes are seen not to be this one.
    cases = sorted(cases, key=lambda given: given.name not in compared.differences)
    fitting = [mistake for mistake in check.mistakes if _gives(check, mistake, cases, compared)]
    if len(fitting) < 2 or not before:
        return fitting[0] if fitting else None
    return next((mistake for mistake in fitting if _gives(check, mistake, before, compared)), None)


def _gives(check: Check, mistake: Mistake, cases: Sequence[Given], compared: Compared) -> bool:
    if check.numpy_model is None:
        return False
    for given in cases:
        mistaken = check.numpy_model(given.subject, given.parameters, given.inputs, **mistake.arguments)
        tolerance, got = max(_TOLERANCE, given.tolerance), compared.results[given.name]
        if not all(matches(got[name], values, tolerance) for name, values in mistaken.items()):
            return False
    return True
