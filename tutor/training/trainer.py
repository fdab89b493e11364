"""A model in training: its parameters, gradients and running means, on the device, and the graphs that change them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from max.driver import CPU, Buffer, Device
from max.dtype import DType

from tutor.graphs.compile_process import load_interruptibly
from tutor.training.graphs import TrainingGraphs, parameters_of

# What is kept of each parameter: itself, and what step 24 calls its mean and its square.
KINDS = ("parameters", "means", "squares")

State = Mapping[str, Mapping[str, np.ndarray]]


class Trainer:
    """What the loop of step 25 trains.

    Args:
        graphs: as `trace_training` gives them.
        device: where they run.
        state: for each of `KINDS` an array for each parameter; running means that are missing begin at 0.
        cache_folder: where compiled graphs are kept.
        on_compile: told how many graphs are about to be compiled.
    """

    def __init__(
        self,
        graphs: TrainingGraphs,
        device: Device,
        state: State,
        *,
        cache_folder: Path,
        on_compile: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._graphs, self._device = graphs, device
        traced = [graphs.gradients, graphs.update, graphs.loss]
        compiled = load_interruptibly(traced, cache_folder, on_compile)
        self._gradients, self._update, self._loss = (graph.model for graph in compiled)
        self._kept = {
            kind: {
                name: self._buffer(state[kind][name]) if kind in state else self._zeros(array.shape)
                for name, array in state["parameters"].items()
            }
            for kind in KINDS
        }
        self._totals = {name: self._zeros(array.shape) for name, array in state["parameters"].items()}

    def accumulate(self, input_ids: np.ndarray, targets: np.ndarray, share: float) -> float:
        """Adds a share of a batch's gradients to the totals; gives the loss."""
        parameters = parameters_of(self._graphs.gradients, self._kept["parameters"])
        given = (self._buffer(input_ids), self._buffer(targets), self._buffer(np.array(share, np.float32)))
        return self._number(self._gradients.execute(*parameters, *given, *self._in_order(self._totals)))

    def update(self, rate: float, corrections: tuple[float, float]) -> float:
        """Takes a step with the gradients that were added up; gives their norm."""
        numbers = (self._buffer(np.array(rate, np.float32)), self._buffer(np.array(corrections, np.float32)))
        kinds = (self._kept["parameters"], self._totals, self._kept["means"], self._kept["squares"])
        buffers = [buffer for kind in kinds for buffer in self._in_order(kind)]
        return self._number(self._update.execute(*numbers, *buffers))

    def loss(self, input_ids: np.ndarray, targets: np.ndarray) -> float:
        """The mean loss of a batch, with the parameters as they are now."""
        parameters = parameters_of(self._graphs.loss, self._kept["parameters"])
        return self._number(self._loss.execute(*parameters, self._buffer(input_ids), self._buffer(targets)))

    def state(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of all that training needs to go on."""
        return {
            kind: {name: buffer.to(CPU()).to_numpy().copy() for name, buffer in buffers.items()}
            for kind, buffers in self._kept.items()
        }

    def _in_order(self, buffers: Mapping[str, Buffer]) -> list[Buffer]:
        return [buffers[name] for name in self._graphs.names]

    def _buffer(self, array: np.ndarray) -> Buffer:
        # A copy: the graphs write to some of them. `require`, because `ascontiguousarray` gives a number an axis.
        return Buffer.from_numpy(np.require(array, requirements="C").copy()).to(self._device)

    def _zeros(self, shape: tuple[int, ...]) -> Buffer:
        return Buffer.zeros(shape, DType.float32, self._device)

    @staticmethod
    def _number(results: list[Buffer]) -> float:
        return float(results[0].to(CPU()).to_numpy())
