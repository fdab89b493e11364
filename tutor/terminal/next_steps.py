"""What to do after a verdict."""

from tutor.course import COURSE, Step
from tutor.invocation import own_generation, typed


def offers(step: Step, hints_seen: int, green: bool) -> list[str]:
    """The lines that end a verdict: what the learner may do next.

    Args:
        step: the step that was checked.
        hints_seen: how many of its hints were shown.
        green: whether it is right.
    """
    if not green:
        if hints_seen < len(step.hints):
            return [f"Stuck? {typed('hint', step.label)} shows the next hint."]
        return [f"Stuck? {typed('diff', step.label)} shows your file against the solution."]
    compare = f"Compare with the solution: {typed('diff', step.label)}"
    following = next((other for other in COURSE if other.number == step.number + 1), None)
    if following is None:
        return [compare, f"That was the last step. Let your own model write: {own_generation()}"]
    return [compare, f"Next: step {following.label}, {following.title.lower()}: steps/step_{following.label}.py"]
