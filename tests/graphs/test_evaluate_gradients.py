"""Numerical gradients of traced graphs against PyTorch's automatic ones."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from max.driver import CPU
from max.experimental import functional as F
from max.experimental.tensor import Tensor

from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.gradients import directional_derivative, numerical_gradient
from tutor.graphs.evaluate.program import Program
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace


def max_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, weights: Tensor) -> Tensor:
    return F.sum(F.sum(F.layer_norm(x, gamma, beta, 1e-5) * weights, axis=0))


def torch_layer_norm(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (torch.nn.functional.layer_norm(x, (7,), gamma, beta, 1e-5) * weights).sum()


def max_gelu(x: Tensor, weights: Tensor) -> Tensor:
    return F.sum(F.sum((F.gelu(x, approximate="tanh") + F.gelu(x)) * weights, axis=0))


def torch_gelu(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    gelu = torch.nn.functional.gelu
    return ((gelu(x, approximate="tanh") + gelu(x)) * weights).sum()


def max_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
    scores = query @ key.transpose(-1, -2) / math.sqrt(4.0) + mask
    return F.sum(F.sum(F.softmax(scores) @ value * weights, axis=0))


def torch_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    return (torch.softmax(query @ key.T / math.sqrt(4.0) + mask, dim=-1) @ value * weights).sum()


CAUSAL = np.triu(np.full((5, 5), -np.inf, np.float32), 1)

# The function in MAX and in PyTorch, the shapes of random inputs, further inputs, how many are differentiated.
CASES = {
    "layer norm": (max_layer_norm, torch_layer_norm, [(3, 7), (7,), (7,), (3, 7)], [], 3),
    "gelu": (max_gelu, torch_gelu, [(4, 6), (4, 6)], [], 1),
    "attention": (max_attention, torch_attention, [(5, 4), (5, 4), (5, 4)], [CAUSAL, "like the first"], 3),
}


def traced(function: Callable[..., Tensor], inputs: list[np.ndarray]) -> Program:
    specs = [TensorSpec("float32", array.shape) for array in inputs]
    return read_module(trace(lambda: function, specs, CPU()).module)


def make_inputs(name: str) -> list[np.ndarray]:
    _, _, shapes, others, _ = CASES[name]
    rng = np.random.default_rng(len(name))
    drawn = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    return drawn + [
        rng.normal(size=shapes[0]).astype(np.float32) if isinstance(other, str) else other for other in others
    ]


def torch_gradients(name: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    _, function, _, _, differentiated = CASES[name]
    tensors = [torch.tensor(array, dtype=torch.float64) for array in inputs]
    for tensor in tensors[:differentiated]:
        tensor.requires_grad_()
    function(*tensors).backward()
    return [tensor.grad.numpy() for tensor in tensors[:differentiated] if tensor.grad is not None]


@pytest.mark.parametrize("name", CASES)
def test_the_numerical_gradient_is_that_of_automatic_differentiation(name: str) -> None:
    inputs = make_inputs(name)
    program = traced(CASES[name][0], inputs)
    for position, expected in enumerate(torch_gradients(name, inputs)):
        np.testing.assert_allclose(numerical_gradient(program, inputs, position), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_a_random_direction_gives_the_gradients_product_with_it(name: str) -> None:
    inputs = make_inputs(name)
    program = traced(CASES[name][0], inputs)
    gradients = torch_gradients(name, inputs)
    rng = np.random.default_rng(1)
    directions = {position: rng.normal(size=gradient.shape) for position, gradient in enumerate(gradients)}
    expected = sum(float((gradient * directions[position]).sum()) for position, gradient in enumerate(gradients))
    assert directional_derivative(program, inputs, directions) == pytest.approx(expected, abs=1e-7)


def test_only_the_elements_asked_for_are_differentiated() -> None:
    inputs = make_inputs("gelu")
    program = traced(max_gelu, inputs)
    whole = numerical_gradient(program, inputs, 0)
    some = numerical_gradient(program, inputs, 0, elements=[0, 7])
    assert np.flatnonzero(some).tolist() == [0, 7]
    np.testing.assert_array_equal(some.flat[[0, 7]], whole.flat[[0, 7]])


def test_a_loss_is_needed_where_the_graph_gives_more_than_a_number() -> None:
    x = np.ones((2, 3), np.float32)
    program = traced(lambda x: x * x, [x])
    with pytest.raises(EvaluationError, match="say what the loss is"):
        numerical_gradient(program, [x], 0)
    gradient = numerical_gradient(program, [x], 0, loss=lambda results: float(results[0].sum()))
    np.testing.assert_allclose(gradient, 2 * x, atol=1e-9)


def test_a_buffer_that_the_graph_writes_to_is_as_before_in_every_evaluation() -> None:
    def accumulate(x: Tensor, total: Tensor) -> Tensor:
        F.buffer_store(total, total + x * x)
        return F.sum(total * 1.0)

    specs = [TensorSpec("float32", (3,)), TensorSpec("float32", (3,), buffer=True)]
    program = read_module(trace(lambda: accumulate, specs, CPU()).module)
    inputs = [np.array([1.0, 2.0, 3.0], np.float32), np.zeros(3, np.float32)]
    np.testing.assert_allclose(numerical_gradient(program, inputs, 0), [2, 4, 6], atol=1e-8)
    assert not inputs[1].any()
