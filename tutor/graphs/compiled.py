"""Runs compiled graphs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from max.driver import CPU, Buffer, Device
from max.dtype import DType
from max.engine import Model

from tutor.graphs.traced import TracedGraph

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor


@dataclass(frozen=True)
class CompiledGraph:
    """A compiled graph, ready to run with any parameters.

    Calling it with parameters by name and NumPy inputs gives NumPy results, in order: what the
    graph returns, then what is in its buffers afterwards. The arrays that are given stay as they are.
    """

    traced: TracedGraph
    model: Model

    def __call__(self, parameters: Mapping[str, np.ndarray], *inputs: np.ndarray) -> list[np.ndarray]:
        """Runs the graph; bfloat16 results come back as float32."""
        device = self.traced.device
        arrays = [parameters[name] for name in self.traced.parameters]
        specs = self.traced.inputs
        given = [
            _to_buffer(array.copy() if spec.buffer else array, CPU() if spec.on_host else device)
            for spec, array in zip(specs, inputs, strict=True)
        ]
        returned = self.model.execute(*(_to_buffer(array, device) for array in arrays), *given)
        written = [buffer for spec, buffer in zip(specs, given, strict=True) if spec.buffer]
        return [_to_numpy(buffer) for buffer in (*returned, *written)]

    def bind(self, parameters: Mapping[str, np.ndarray]) -> "Callable[..., Tensor]":
        """Puts the parameters on the device once, and gives a function from tensors to a tensor on the CPU.

        A buffer that is given must be on the device already: it is written to.
        """
        from max.experimental.tensor import Tensor

        bound = [_to_buffer(parameters[name], self.traced.device) for name in self.traced.parameters]
        devices = [CPU() if spec.on_host else self.traced.device for spec in self.traced.inputs]

        def call(*arguments: Tensor) -> Tensor:
            given = [
                argument.driver_tensor if spec.buffer else argument.driver_tensor.to(device)
                for spec, argument, device in zip(self.traced.inputs, arguments, devices, strict=True)
            ]
            return Tensor(storage=self.model.execute(*bound, *given)[0].to(CPU()))

        return call


def _to_buffer(array: np.ndarray, device: Device) -> Buffer:
    # `require` and not `ascontiguousarray`, which gives a number an axis.
    return Buffer.from_numpy(np.require(array, requirements="C")).to(device)


def _to_numpy(buffer: Buffer) -> np.ndarray:
    if buffer.dtype == DType.bfloat16:
        # NumPy has no bfloat16: its bits are the upper half of a float32's.
        upper = buffer.to(CPU()).view(DType.uint16).to_numpy().astype(np.uint32)
        return (upper << 16).view(np.float32)
    return buffer.to(CPU()).to_numpy()
