"""Numerical gradients of a traced graph, by central differences in float64.

A backward pass is judged with them: they need nothing but the forward pass. In float64 a central difference with a
step of 6e-6 is wrong by some 1e-10 of the derivative's size, from the formula and from rounding in equal parts.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.evaluator import evaluate
from tutor.graphs.evaluate.program import Program
from tutor.graphs.evaluate.reader import Readable, read_module

# The cube root of float64's rounding error: smaller, rounding takes over; larger, the third derivative does.
STEP = 6e-6

# From the results of a graph to the number that is differentiated.
Loss = Callable[[Sequence[np.ndarray]], float]


def only_result(results: Sequence[np.ndarray]) -> float:
    """The loss that a graph computes itself: its only result, a single number."""
    if len(results) != 1 or results[0].size != 1:
        raise EvaluationError("the graph gives more than one number; say what the loss is")
    return results[0].item()


def numerical_gradient(
    module: Readable,
    inputs: Sequence[np.ndarray],
    position: int,
    *,
    loss: Loss = only_result,
    elements: Sequence[int] | None = None,
) -> np.ndarray:
    """Differentiates a loss with respect to each element of an input: 2 evaluations an element.

    Args:
        module: the graph.
        inputs: its inputs.
        position: which of them.
        loss: see `Loss`.
        elements: only these elements, as indices into the flattened input; all others are 0 in the result.

    Returns:
        The gradient, float64, of the input's shape.
    """
    program = read_module(module)
    gradient = np.zeros(inputs[position].shape)
    direction = np.zeros(inputs[position].shape)
    for element in range(gradient.size) if elements is None else elements:
        direction.flat[element] = 1.0
        gradient.flat[element] = _slope(program, inputs, {position: direction}, loss)
        direction.flat[element] = 0.0
    return gradient


def directional_derivative(
    module: Readable,
    inputs: Sequence[np.ndarray],
    directions: dict[int, np.ndarray],
    *,
    loss: Loss = only_result,
) -> float:
    """How fast a loss changes if inputs move along given directions: 2 evaluations for any number of elements.

    Of a right gradient g it is the sum of g * direction. One random direction exposes a wrong gradient of a whole
    model almost surely.

    Args:
        module: the graph.
        inputs: its inputs.
        directions: for inputs, by their position, an array of their shape. They are used as they are: directions of
            size about 1 give the accuracy that is promised above.
        loss: see `Loss`.
    """
    return _slope(read_module(module), inputs, directions, loss)


def _slope(program: Program, inputs: Sequence[np.ndarray], directions: dict[int, np.ndarray], loss: Loss) -> float:
    def at(step: float) -> float:
        # Copies, as the graph may write to its buffers.
        moved = [np.array(array, np.float64 if array.dtype.kind == "f" else array.dtype) for array in inputs]
        for position, direction in directions.items():
            moved[position] += step * direction
        return float(loss(evaluate(program, moved, dtype=np.float64)))

    moved_sizes = (np.abs(inputs[position][direction != 0]) for position, direction in directions.items())
    step = STEP * max(1.0, *(float(sizes.max(initial=0)) for sizes in moved_sizes))
    return (at(step) - at(-step)) / (2 * step)
