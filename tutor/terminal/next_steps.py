"""What to do after a verdict."""

from collections.abc import Collection

from tutor.course import COURSE, Step
from tutor.invocation import own_generation, typed


def offers(step: Step, hints_seen: int, green: bool, right: Collection[int] = ()) -> list[str]:
    """The lines that end a verdict: what the learner may do next.

    Args:
        step: the step that was checked.
        hints_seen: how many of its hints were shown.
        green: whether it is right.
        right: the steps that are known to be right.
    """
    if not green:
        if hints_seen < len(step.hints):
            return [f"Stuck? {typed('hint', step.label)} shows the next hint."]
        return [f"Stuck? {typed('diff', step.label)} shows your file against the solution."]
    compare = f"Compare with the solution: {typed('diff', step.label)}"
    following = next_step(step, right)
    if following is not None:
        return [compare, f"Next: step {following.label}, {following.title.lower()}: steps/step_{following.label}.py"]
    all_right = all(other == step or other.number in right for other in COURSE)
    done = f"All {len(COURSE)} steps are right." if all_right else "That was the last step."
    return [compare, f"{done} Let your own model write: {own_generation()}"]


def next_step(step: Step, right: Collection[int]) -> Step | None:
    """The step to do after one that is right: the first later one that is not; after these, an earlier one.

    None after the last step, and if all are right.
    """
    later = [other for other in COURSE if other.number > step.number]
    earlier = [other for other in COURSE if other.number < step.number] if later else []
    return next((other for other in [*later, *earlier] if other.number not in right), None)
