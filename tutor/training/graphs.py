"""The three graphs of training, traced from the steps: one adds up gradients, one updates, one only tells the loss.

Parameters are inputs, so that each is compiled once and serves every batch. The update knows no sizes at all: compiled
once, it serves every model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

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

IDS = TensorSpec("int64", ("batch", "seq_len"))
NUMBER = TensorSpec("float32", ())

# What a graph calls the model's parameters: it holds the model as an attribute.
PREFIX = "model."

# The groups in which step 25 lays parameters end to end, and how many axes those in each have.
GROUPS = {"matrices": 2, "vectors": 1}


@dataclass(frozen=True)
class TrainingGraphs:
    """What a trainer runs.

    Args:
        gradients: ids, targets, a share, and a buffer for the gradients of each group; gives the loss.
        update: the learning rate, the bias corrections, and for each group four buffers: the parameters, their
            gradients, and both running means; gives the norm of the gradients.
        loss: ids and targets; gives the loss.
    """

    gradients: TracedGraph
    update: TracedGraph
    loss: TracedGraph


def trace_training(view: StepModules, config: GPT2Config, training: TrainingConfig, device: Device) -> TrainingGraphs:
    """Traces all three.

    Raises:
        Exception: whatever the code of the steps raises.
    """
    lengths = {group: sum(map(prod, members(group, language_model(vars(config))).values())) for group in GROUPS}
    totals = [TensorSpec("float32", (length,), buffer=True) for length in lengths.values()]
    buffers = [TensorSpec("float32", (group,), buffer=True) for group in GROUPS]

    def accumulate(model: Module, ids: Tensor, targets: Tensor, share: Tensor, *totals: Tensor) -> Tensor:
        return view[TRAINING].accumulate_gradients(model, ids, targets, share, dict(zip(GROUPS, totals, strict=True)))

    def update(rate: Tensor, corrections: Tensor, *given: Tensor) -> Tensor:
        kinds = (given[start : start + len(GROUPS)] for start in range(0, len(given), len(GROUPS)))
        groups = (dict(zip(GROUPS, kind, strict=True)) for kind in kinds)
        return view[TRAINING].update(*groups, rate, corrections, training)

    return TrainingGraphs(
        trace(_with_model(view, config, accumulate), [IDS, IDS, NUMBER, *totals], device),
        trace(lambda: update, [NUMBER, TensorSpec("float32", (2,)), *buffers * 4], device),
        trace_loss(view, config, device),
    )


def trace_loss(view: StepModules, config: GPT2Config, device: Device) -> TracedGraph:
    """Traces the loss of the model: ids and targets (batch, seq_len) to a number."""

    def loss(model: Callable[[Tensor], Tensor], ids: Tensor, targets: Tensor) -> Tensor:
        return view[LOSS].cross_entropy(model(ids), targets)

    return trace(_with_model(view, config, loss), [IDS, IDS], device)


def _with_model(view: StepModules, config: GPT2Config, function: Callable[..., Tensor]) -> Callable[[], Module]:
    """Builds a module that calls a function with the model of step 13, and with its arguments."""

    class WithModel(Module):
        def __init__(self) -> None:
            self.model = view[LANGUAGE_MODEL].MaxGPT2LMHeadModel(config)

        def forward(self, *arguments: Tensor) -> Tensor:
            return function(self.model, *arguments)

    return WithModel


def members(group: str, shapes: Shapes) -> Shapes:
    """The parameters in a group, in the order in which they lie."""
    return {name: shapes[name] for name in sorted(shapes) if len(shapes[name]) == GROUPS[group]}
