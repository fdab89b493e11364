"""Judges gradients by the learner's own forward pass: how it changes along a random direction, in float64."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from tutor.checking import random_numbers
from tutor.checking.spec import (
    Arrays,
    Case,
    Code,
    DifferentiableSubject,
    Expectation,
    RunnableSubjects,
    Subject,
)

# Sums of float32 products, compared with slopes that are right to nine digits.
TOLERANCE = 1e-4

# From the results of the backward subject to the gradient of each input or parameter of the forward one, by name.
Gradients = Callable[[Sequence[np.ndarray]], Arrays]


def slopes_agree(
    forward: Subject,
    backward: Subject,
    case: Case,
    gradients: Gradients,
    *,
    part: str,
    upstream: str = "",
    advice: str = "",
) -> Expectation:
    """Expects gradients to be the slopes of the forward pass.

    Args:
        forward, backward: the subjects. What the forward one takes, the backward one takes too, under the same names.
        case: of the backward subject.
        gradients: see there.
        part, advice: as in `Expectation`.
        upstream: the backward subject's input that is the gradient of the forward pass's result; empty if that result
            is the loss itself.
    """
    right = "the slopes of your own forward pass"

    def evaluate(_: Code, graphs: RunnableSubjects) -> str:
        parameters, inputs = random_numbers.case(backward, case)
        run = graphs[forward.name]
        if not isinstance(run, DifferentiableSubject):
            return right  # with an operation that only MAX knows: the numbers of the cases have to do
        found = gradients(graphs[backward.name](parameters, *inputs.values()))

        def loss(results: Sequence[np.ndarray]) -> float:
            return float(np.sum(inputs[upstream] * results[0] if upstream else results[0]))

        given = [inputs[name] for name in forward.inputs]
        for name, gradient in found.items():
            direction = np.random.default_rng([case.seed, zlib.crc32(name.encode())]).normal(size=gradient.shape)
            slope = run.slope({key: parameters[key] for key in forward.parameters}, given, {name: direction}, loss)
            sizes = float(np.sum(np.abs(gradient * direction)))
            got = float(np.sum(gradient.astype(np.float64) * direction))
            if not abs(got - slope) <= TOLERANCE * max(sizes, 1e-3):
                says = f"along a random direction the loss changes by {slope:.5g}, the gradient says {got:.5g}"
                return f"not for {name}: {says}"
        return right

    return Expectation(
        f"the gradients of {backward.name}, beside how the loss changes",
        evaluate,
        right,
        advice=advice or "Compare each line with the derivative of the line that it goes back through.",
        needs=(forward.name, backward.name),
        part=part,
        of_graphs=True,
    )
