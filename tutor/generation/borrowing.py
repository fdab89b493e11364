"""Runs code of a learner's step. While the step is not filled in, its solution stands in for it."""

from collections.abc import Callable
from typing import Any

from tutor.checking.guard import Guard, ProblemFound
from tutor.course import ATTENTION_WEIGHTS, PRETRAINED_WEIGHTS, find_step

# Is told in one line what the solution of a step does in place of the learner's file.
OnBorrowed = Callable[[str], None]

_WORK = {
    PRETRAINED_WEIGHTS: "reads the model's weights",
    ATTENTION_WEIGHTS: "computes the weights of attention",
}


def run_or_borrow(
    guard: Guard,
    step: int,
    where: str,
    run: Callable[[], Any],
    *,
    on_borrowed: OnBorrowed,
    returns: type[Exception] | tuple[()] = (),
) -> Any:
    """Returns what `run` returns. If the learner has not filled in the step yet, it runs again on the solution.

    Args:
        guard: runs the code of the steps.
        step: the step that may be missing; a wrong one is not replaced.
        where, run, returns: as for `Guard`.
        on_borrowed: told that the solution is used.

    Raises:
        ProblemFound: the code is wrong, or another step is not filled in.
    """
    try:
        return guard(where, run, returns=returns)
    except ProblemFound as stop:
        unfilled = stop.problem.kind == "unfilled" and stop.problem.step == step
        if not unfilled or step not in guard.view.own:
            raise
    guard.view.use_solution(step)
    on_borrowed(f"Step {find_step(step).label} is not filled in yet: for now, its solution {_WORK[step]}.")
    return guard(where, run, returns=returns)
