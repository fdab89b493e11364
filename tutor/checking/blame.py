"""Finds out whether a step is wrong, or one of the earlier steps that it builds on."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from tutor.checking.attempt import Attempt
from tutor.checking.verdict import Problem

# Looks at the step with these steps as the learner wrote them, all others as the solutions have them.
LookAt = Callable[[Collection[int]], Attempt]


@dataclass(frozen=True)
class Blame:
    """Who is to blame for a problem.

    Args:
        problem: what to show.
        attempt: the look in which it was found.
        borrowed: the step is right on the solutions' earlier steps.
        culprits: the earlier steps that are wrong, each by itself.
        suspects: if there is no culprit, the earlier steps that may be.
    """

    problem: Problem
    attempt: Attempt
    borrowed: bool = False
    culprits: list[int] = field(default_factory=list)
    suspects: list[int] = field(default_factory=list)


def find_blame(step: int, attempt: Attempt, suspects: Collection[int], look_at: LookAt, look_briefly: LookAt) -> Blame:
    """Decides between the step and the earlier ones.

    Args:
        step: which.
        attempt: what was found on the learner's own files; it has a problem.
        suspects: the earlier steps of the learner's that took part and have not been green as they are.
        look_at: looks again, with other files.
        look_briefly: does the same where nothing needs to be told but whether the step is right: that is faster.
    """

    def is_wrong(steps: Collection[int]) -> bool:
        return look_briefly([step, *steps]).problem is not None

    problem = attempt.problem
    assert problem is not None
    if not suspects and problem.step == step:
        return Blame(problem, attempt)
    # Where the first wrong line is, the mistake is, as a rule: two looks show that, where halves take many more.
    pointed_at = _pointed_at(problem)
    if pointed_at is not None and pointed_at in suspects and is_wrong([pointed_at]):
        others = look_briefly(sorted(attempt.own - {pointed_at}))
        if others.right:
            return Blame(problem, others, borrowed=True, culprits=[pointed_at])
    borrowed = look_at([step])
    if borrowed.problem is not None:
        shown = _on_right_foundations(step, problem, borrowed.problem)
        return Blame(shown, attempt if shown is problem else borrowed)
    if borrowed.unfilled is not None:
        return Blame(borrowed.unfilled, borrowed)
    earlier = sorted(number for number in borrowed.loaded | attempt.loaded if number != step)
    if not earlier:
        return Blame(problem, attempt)
    if problem.step != step:
        return Blame(problem, borrowed, borrowed=True, culprits=[problem.step])

    likely = [number for number in earlier if number in suspects]
    culprits = _culprits(likely, is_wrong) or _culprits([n for n in earlier if n not in suspects], is_wrong)
    maybe = [] if culprits else sorted(suspects or earlier)
    return Blame(problem, borrowed, borrowed=True, culprits=culprits, suspects=maybe)


def _pointed_at(problem: Problem) -> int | None:
    """The step in whose file the first wrong line is, if the numbers are wrong and the line was found."""
    match = re.fullmatch(r"steps/step_(\d\d)\.py", problem.frames[-1].file) if problem.frames else None
    return int(match[1]) if match is not None and problem.kind == "numbers" else None


def _culprits(steps: list[int], is_wrong: Callable[[Collection[int]], bool]) -> list[int]:
    """The steps that are wrong each by itself.

    Halves of them are tried: each look traces the step's graphs again, and most of the steps are right.

    Args:
        steps: some of which are wrong, as it seems.
        is_wrong: whether these steps together are, with the solutions of all others.
    """
    if len(steps) <= 1:
        return [step for step in steps if is_wrong([step])]
    first, second = steps[: len(steps) // 2], steps[len(steps) // 2 :]
    # What is known of one step need not be asked again.
    if len(first) == 1:
        return [*_culprits(first, is_wrong), *_culprits(second, is_wrong)]
    if not is_wrong(first):
        return _culprits(second, is_wrong)
    return [*_culprits(first, is_wrong), *(_culprits(second, is_wrong) if is_wrong(second) else [])]


def _on_right_foundations(step: int, own: Problem, borrowed: Problem) -> Problem:
    """The step is wrong on the solutions' earlier steps too: which of the two problems shows it best."""
    if borrowed.kind in ("numbers", "expectation"):
        return borrowed  # not blurred by other mistakes
    if own.step == step:
        return own
    if any(frame.file.startswith("solutions") for frame in borrowed.frames):
        told = "This run used the solutions of the earlier steps, so the error is in this step."
        return replace(borrowed, advice=f"{borrowed.advice} {told}".strip())
    return borrowed
