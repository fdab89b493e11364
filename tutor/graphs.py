"""Traces the code under test into MAX graphs, and runs them once they are compiled.

Tracing takes milliseconds and computes nothing: modules are built lazily, and their
parameters become inputs of the graph. One compiled graph then serves any weights.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from max import tree
from max.driver import CPU, Accelerator, Buffer, Device, accelerator_count
from max.dtype import DType
from max.engine import Model
from max.experimental import functional as F
from max.experimental.compilation import StagedGraph
from max.experimental.nn import Module
from max.experimental.sharding import TensorLayout
from max.experimental.sharding.types import as_layout
from max.experimental.tensor import Tensor, default_device, default_dtype
from max.graph import BufferType, DeviceRef, Graph, TensorType, TensorValue
from max.graph import Module as GraphModule

from tutor.check import Dims, Spec
from tutor.errors import DeviceError


class ReturnError(Exception):
    """The code under test returned something other than tensors."""


def find_device(name: str) -> Device:
    """Gives the device for `auto`, `cpu` or `gpu`; `auto` is the GPU if MAX finds one."""
    if name == "gpu" and not accelerator_count():
        raise DeviceError("MAX finds no GPU on this machine: leave --device out, or say --device cpu")
    return Accelerator() if name == "gpu" or (name == "auto" and accelerator_count()) else CPU()


@dataclass(frozen=True)
class Traced:
    """A traced graph: what goes in, what comes out, and the MAX module that it is in.

    Args:
        parameters: the type of each parameter of the module, by name; the graph's first inputs.
        constants: the type of each parameter whose values are part of the compiled graph instead.
        inputs: the graph's other inputs.
        outputs: dtype and dimensions of each result.
        single: True if the code returned one bare tensor, False for a tuple.
        fingerprint: equal for equal graphs, however the source is laid out.
        device: where the graph is to run.
        module: the MAX module that holds the graph and nothing else, unless the code made subgraphs.
    """

    parameters: Mapping[str, TensorType]
    constants: Mapping[str, TensorType]
    inputs: Sequence[Spec]
    outputs: Sequence[Spec]
    single: bool
    fingerprint: str
    device: Device
    module: GraphModule

    @property
    def single_operation(self) -> bool:
        """Whether the module holds nothing but the graph: the code made no subgraphs."""
        return len(list(self.module.mlir_module.body)) == 1

    @property
    def text(self) -> str:
        """The graph as MAX prints it."""
        return self.module.mlir_module.asm()


def trace(
    build: Callable[[], Callable[..., Any]],
    inputs: Sequence[Spec],
    device: Device,
    on_parameters: Callable[[Mapping[str, Dims]], None] = lambda shapes: None,
    *,
    constant: bool = False,
) -> Traced:
    """Builds a callable and traces its graph.

    Args:
        build: makes the callable, a MAX module or a function of tensors.
        inputs: the type of each argument.
        device: where the graph is to run.
        on_parameters: told the shape of each parameter before the callable is called; it may raise.
        constant: the parameters' values are given when the graph is loaded, not when it is called. MAX then
            prepares them once: it needs that for quantized weights.

    Raises:
        ReturnError: the callable returned something other than a tensor or a tuple of tensors.
        Exception: whatever the code under test raises.
    """
    with F.lazy(), default_device(device), default_dtype(DType.float32):
        entry = build()
    types = [_type_of(spec, device) for spec in inputs]
    if isinstance(entry, Module):
        # `shared`: a tied tensor is one parameter, under the first of its names.
        leaves, structure = tree.flatten(entry, leaf=Tensor, shared=True)
        parameters = {
            name: TensorType(leaf.dtype, leaf.shape, device)
            for name, leaf in zip(structure.leaf_paths, leaves, strict=True)
        }
    else:
        parameters, structure = {}, None

    on_parameters({name: dims_of(type_.shape) for name, type_ in parameters.items()})
    bare = []

    def forward(values: list[Tensor], arguments: list[Tensor]) -> tuple[Tensor, ...]:
        if constant:
            values = [F.constant_external(name, as_layout(type_)) for name, type_ in parameters.items()]
        call = entry if structure is None else tree.unflatten(structure, values)
        result = call(*arguments)
        bare.append(not isinstance(result, tuple | list))
        return tuple(_as_tensor(part) for part in ((result,) if bare[-1] else result))

    arguments = ([] if constant else list(parameters.values()), types)
    flat, argument_structure = tree.flatten((arguments, {}), leaf=(TensorType, BufferType))
    module = GraphModule()
    graph = Graph("subject", input_types=flat, module=module)
    staged = StagedGraph(forward, graph, [as_layout(type_) for type_ in flat], argument_structure)
    return Traced(
        parameters={} if constant else parameters,
        constants=parameters if constant else {},
        inputs=tuple(inputs),
        outputs=[_spec(layout) for layout in staged.out_layouts],
        single=bare[-1],
        # The bytecode and not the text: it is whole, and holds no positions in source files.
        fingerprint=hashlib.sha256(module.mlir_module.bytecode).hexdigest(),
        device=device,
        module=module,
    )


def join(graphs: Mapping[str, Traced]) -> GraphModule:
    """Copies graphs into one MAX module, each under its new name, so that they compile together.

    The graphs are copied and not traced again: a second run of the code under test might give another graph.
    Each must be a single operation, without subgraphs.
    """
    operations = []
    for name, graph in graphs.items():
        (operation,) = graph.module.mlir_module.clone().body
        operation.sym_name = name
        operations.append(operation)
    first, *others = operations
    for operation in reversed(others):
        operation.move_after(first)
    return GraphModule(first.parent_op)


def _type_of(spec: Spec, device: Device) -> TensorType | BufferType:
    type_ = BufferType if spec.buffer else TensorType
    return type_(DType[spec.dtype], spec.dims, DeviceRef.from_device(CPU() if spec.on_host else device))


def _as_tensor(value: object) -> Tensor:
    if isinstance(value, TensorValue):
        return Tensor.from_graph_value(value)
    if isinstance(value, Tensor):
        return value
    if value is None:
        raise ReturnError("it returned None: is a `return` missing?")
    raise ReturnError(f"it returned a {type(value).__name__} where a Tensor is expected")


def _spec(layout: TensorLayout | TensorType) -> Spec:
    return Spec(layout.dtype.name, dims_of(layout.shape))


def dims_of(shape: Any) -> Dims:
    """Dimensions as plain values: ints, and names or expressions for symbolic ones."""
    return tuple(int(str(dim)) if str(dim).lstrip("-").isdigit() else str(dim) for dim in shape)


@dataclass(frozen=True)
class Executable:
    """A compiled graph, ready to run with any parameters.

    Calling it with parameters by name and NumPy inputs gives NumPy results, in order: what the
    graph returns, then what is in its buffers afterwards. The arrays that are given stay as they are.
    """

    traced: Traced
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

    def bind(self, parameters: Mapping[str, np.ndarray]) -> Callable[..., Tensor]:
        """Puts the parameters on the device once, and gives a function from tensors to a tensor on the CPU.

        A buffer that is given must be on the device already: it is written to.
        """
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
