"""Learners' files that are solutions in which a few pieces are replaced."""

from collections.abc import Sequence

from tutor.learner.skeleton import as_learners_file
from tutor.learner.workspace import REPOSITORY, Workspace


def replaced_in_solution(step: int, replace: Sequence[tuple[str, str]]) -> str:
    """The solution of a step as a learner's file, with other pieces in place of some that occur once each."""
    text = Workspace(REPOSITORY).solution(step).read_text()
    for old, new in replace:
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in solution {step:02d}"
        text = text.replace(old, new)
    return as_learners_file(text)
