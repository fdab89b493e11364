"""The three graphs of training, traced from the steps: one adds up gradients, one updates, one only tells the loss.

Parameters are inputs of all three, so that each is compiled once and serves every batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from max.driver import Device
from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from tutor.checking.loader import StepModules
from tutor.course import LANGUAGE_MODEL, LOSS, TRAINING
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph
from tutor.protocols import GPT2Config, TrainingConfig
from tutor.sizes import Shapes, language_model

if TYPE_CHECKING:
    from collections.abc import Callable

Array = TypeVar("Array")

IDS = TensorSpec("int64", ("batch", "seq_len"))
NUMBER = TensorSpec("float32", ())

# What a graph calls the model's parameters: it holds the model as an attribute.
PREFIX = "model."


@dataclass(frozen=True)
class TrainingGraphs:
    """What a trainer runs.

    Args:
        names: the parameters, in the order in which the graphs take their buffers.
        gradients: ids, targets, a share, and a buffer for each gradient; gives the loss.
        update: the learning rate, the bias corrections, and four buffers for each parameter: itself, its gradient and
            its two running means; gives the norm of the gradients.
        loss: ids and targets; gives the loss.
    """

    names: Sequence[str]
    gradients: TracedGraph
    update: TracedGraph
    loss: TracedGraph


def trace_training(view: StepModules, config: GPT2Config, training: TrainingConfig, device: Device) -> TrainingGraphs:
    """Traces all three.

    Raises:
        Exception: whatever the code of the steps raises.
    """
    shapes = language_model(vars(config))
    names = list(shapes)
    buffers = _buffers(shapes)

    def accumulate(model: Module, ids: Tensor, targets: Tensor, share: Tensor, *totals: Tensor) -> Tensor:
        named = dict(zip(names, totals, strict=True))
        return view[TRAINING].accumulate_gradients(model, ids, targets, share, named)

    def update(rate: Tensor, corrections: Tensor, *given: Tensor) -> Tensor:
        kinds = (given[start : start + len(names)] for start in range(0, len(given), len(names)))
        return view[TRAINING].update(
            *(dict(zip(names, kind, strict=True)) for kind in kinds), rate, corrections, training
        )

    return TrainingGraphs(
        names,
        trace(_with_model(view, config, accumulate), [IDS, IDS, NUMBER, *buffers], device),
        trace(lambda: update, [NUMBER, TensorSpec("float32", (2,)), *buffers * 4], device),
        trace_loss(view, config, device),
    )


def trace_loss(view: StepModules, config: GPT2Config, device: Device) -> TracedGraph:
    """Traces the loss of the model: ids and targets (batch, seq_len) to a number."""
    return trace(
        _with_model(view, config, lambda model, ids, targets: view[LOSS].cross_entropy(model(ids), targets)),
        [IDS, IDS],
        device,
    )


def _with_model(view: StepModules, config: GPT2Config, function: "Callable[..., Tensor]") -> "Callable[[], Module]":
    """Builds a module that calls a function with the model of step 13, and with its arguments."""

    class WithModel(Module):
        def __init__(self) -> None:
            self.model = view[LANGUAGE_MODEL].MaxGPT2LMHeadModel(config)

        def forward(self, *arguments: Tensor) -> Tensor:
            return function(self.model, *arguments)

    return WithModel


def _buffers(shapes: Shapes) -> list[TensorSpec]:
    return [TensorSpec("float32", shape, buffer=True) for shape in shapes.values()]


def parameters_of(graph: TracedGraph, arrays: Mapping[str, Array]) -> list[Array]:
    """The model's parameters in the order in which a graph takes them."""
    return [arrays[name.removeprefix(PREFIX)] for name in graph.parameters]
