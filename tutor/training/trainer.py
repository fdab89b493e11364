"""A model in training: its parameters, gradients and running means, on the device, and the graphs that change them."""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path

import numpy as np
from max.driver import CPU, Buffer, Device
from max.dtype import DType

from tutor.graphs.compile_process import load_interruptibly
from tutor.training.graphs import GROUPS, PREFIX, TrainingGraphs, members

# What is kept of each parameter: itself, and what step 24 calls its mean and its square.
KINDS = ("parameters", "means", "squares")

State = Mapping[str, Mapping[str, np.ndarray]]


class Trainer:
    """What the loop of step 25 trains.

    Args:
        graphs: as `trace_training` gives them.
        device: where they run.
        state: for each of `KINDS` an array for each parameter, by name; running means that are missing begin at 0.
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
        self._device = device
        self._shapes = {name: array.shape for name, array in state["parameters"].items()}
        traced = [graphs.gradients, graphs.update, graphs.loss]
        compiled = load_interruptibly(traced, cache_folder, on_compile)
        self._gradients, self._update, self._loss = (graph.model for graph in compiled)
        self._kept = {kind: [self._end_to_end(group, state.get(kind)) for group in GROUPS] for kind in KINDS}
        self._totals = [self._end_to_end(group, None) for group in GROUPS]
        parts = dict(self._parts("parameters"))
        self._parameters = [
            [parts[name.removeprefix(PREFIX)] for name in graph.parameters] for graph in (graphs.gradients, graphs.loss)
        ]

    def accumulate(self, input_ids: np.ndarray, targets: np.ndarray, share: float) -> float:
        """Adds a share of a batch's gradients to the totals; gives the loss."""
        given = (self._buffer(input_ids), self._buffer(targets), self._buffer(np.array(share, np.float32)))
        return self._number(self._gradients.execute(*self._parameters[0], *given, *self._totals))

    def update(self, rate: float, corrections: tuple[float, float]) -> float:
        """Takes a step with the gradients that were added up; gives their norm."""
        numbers = (self._buffer(np.array(rate, np.float32)), self._buffer(np.array(corrections, np.float32)))
        kept = self._kept
        buffers = (*kept["parameters"], *self._totals, *kept["means"], *kept["squares"])
        return self._number(self._update.execute(*numbers, *buffers))

    def loss(self, input_ids: np.ndarray, targets: np.ndarray) -> float:
        """The mean loss of a batch, with the parameters as they are now."""
        return self._number(self._loss.execute(*self._parameters[1], self._buffer(input_ids), self._buffer(targets)))

    def state(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of all that training needs to go on."""
        return {kind: {name: part.to(CPU()).to_numpy().copy() for name, part in self._parts(kind)} for kind in KINDS}

    def _parts(self, kind: str) -> Iterator[tuple[str, Buffer]]:
        """The parameters, or their running means, as they lie in the groups' buffers: nothing is copied."""
        for group, whole in zip(GROUPS, self._kept[kind], strict=True):
            start = 0
            for name, shape in members(group, self._shapes).items():
                end = start + prod(shape)
                yield name, whole[start:end].view(DType.float32, shape)
                start = end

    def _end_to_end(self, group: str, arrays: Mapping[str, np.ndarray] | None) -> Buffer:
        shapes = members(group, self._shapes)
        if arrays is None:
            return Buffer.zeros((sum(map(prod, shapes.values())),), DType.float32, self._device)
        return self._buffer(np.concatenate([arrays[name].reshape(-1) for name in shapes]))

    def _buffer(self, array: np.ndarray) -> Buffer:
        # `require`, because `ascontiguousarray` gives a number an axis.
        return Buffer.from_numpy(np.require(array, requirements="C")).to(self._device)

    @staticmethod
    def _number(results: list[Buffer]) -> float:
        return float(results[0].to(CPU()).to_numpy())
