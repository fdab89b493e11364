"""Which cases of a step can be shown line by line, and which one is shown."""

from collections.abc import Sequence

from tutor.checking.numbers import Given, stored_cases
from tutor.course import Step
from tutor.errors import CaseError


def cases_with_a_graph(step: Step) -> list[Given]:
    """The cases of a step that can be shown line by line, with their numbers. Plain Python has none."""
    check = step.check
    if not any(subject.compiled for subject in check.subjects):
        return []
    return [given for given in stored_cases(step.number, check) if given.subject.compiled]


def choose_case(cases: Sequence[Given], number: int | None) -> Given:
    """The case with a number, from 1; without one, the smallest that is still worth looking at.

    Raises:
        CaseError: there is no such case; the message lists them.
    """
    if number is None:
        return min(cases, key=_room)
    if not 1 <= number <= len(cases):
        known = "\n".join(f"  {index:>2}  {given.name}" for index, given in enumerate(cases, start=1))
        raise CaseError(f"there is no case {number}. The step has these:\n{known}")
    return cases[number - 1]


# Fewer tokens than this show no pattern, and one layer no loop.
_FEWEST, _MANY = 3, 2


def _room(given: Given) -> tuple[bool, bool, bool, int]:
    """Orders cases: bfloat16 last, before it a single token or layer, before these special numbers; then by size."""
    case, subject = given.case, given.subject
    layers = subject.settings.get("n_layer", _MANY)
    dtypes = {spec.dtype for spec in (*subject.inputs.values(), *subject.outputs.values())}
    lengths = [size for name, size in case.dims.items() if name.endswith(("_len", "length", "rows"))]
    if not case.dims:
        lengths = [max((max(array.shape, default=1) for array in given.expected.values()), default=1)]
    arrays = (*given.inputs.values(), *given.expected.values())
    return (
        "bfloat16" in dtypes,
        min(lengths, default=_FEWEST) < _FEWEST or layers == 1,
        bool(case.note) or case.scale != 1.0,
        sum(array.size for array in arrays),
    )
