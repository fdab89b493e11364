"""Traces the code under test into MAX graphs.

Tracing takes milliseconds and computes nothing: modules are built lazily, and their
parameters become inputs of the graph. One compiled graph then serves any weights.
"""

from collections.abc import Callable, Mapping, Sequence

from max import tree
from max.driver import CPU, Device
from max.dtype import DType
from max.experimental import compilation
from max.experimental import functional as F
from max.experimental.nn import Module
from max.experimental.sharding import TensorLayout
from max.experimental.tensor import Tensor, default_device, default_dtype
from max.graph import BufferType, DeviceRef, Graph, TensorType, TensorValue
from max.graph import Module as GraphModule

from tutor.graphs import max_internals
from tutor.graphs.tensor_spec import Dims, TensorSpec, dims_of
from tutor.graphs.traced import TracedGraph


class ReturnError(Exception):
    """The code under test returned something other than tensors."""


def trace(
    build: Callable[[], Callable[..., object]],
    inputs: Sequence[TensorSpec],
    device: Device,
    on_parameters: Callable[[Mapping[str, Dims]], None] = lambda shapes: None,
    *,
    constant: bool = False,
    on_failure: Callable[[TracedGraph], None] | None = None,
) -> TracedGraph:
    """Builds a callable and traces its graph.

    Args:
        build: makes the callable, a MAX module or a function of tensors.
        inputs: the type of each argument.
        device: where the graph is to run.
        on_parameters: told the shape of each parameter before the callable is called; it may raise.
        constant: the parameters' values are given when the graph is loaded, not when it is called. MAX then
            prepares them once: it needs that for quantized weights.
        on_failure: told the graph as it was when the callable raised, or returned something else. It has no results,
            but can be evaluated.

    Raises:
        ReturnError: the callable returned something other than a tensor or a tuple of tensors.
        Exception: whatever the code under test raises.
    """
    with F.lazy(), default_device(device), default_dtype(DType.float32):
        entry = build()
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

    def subject(values: list[Tensor], arguments: list[Tensor]) -> tuple[Tensor, ...]:
        if constant:
            values = [
                F.constant_external(name, TensorLayout(type_.dtype, type_.shape, device))
                for name, type_ in parameters.items()
            ]
        call = entry if structure is None else tree.unflatten(structure, values)
        try:
            result = call(*arguments)
            several = isinstance(result, tuple | list)
            bare.append(not several)
            return tuple(_as_tensor(part) for part in (result if several else (result,)))
        except Exception:
            if on_failure is not None:
                graph = Graph.current
                graph.output()
                on_failure(traced(graph.module, [], single=False))
            raise

    def traced(module: GraphModule, outputs: Sequence[TensorSpec], *, single: bool) -> TracedGraph:
        return TracedGraph(
            parameters={} if constant else parameters,
            constants=parameters if constant else {},
            inputs=tuple(inputs),
            outputs=outputs,
            single=single,
            bytecode=max_internals.bytecode(module),
            device=device,
            module=module,
        )

    types = [_type_of(spec, device) for spec in inputs]
    # Subgraphs are inlined: a module is then one operation, and can be joined with others.
    staged = compilation.stage(subject, allow_subgraphs=False)([] if constant else list(parameters.values()), types)
    outputs = [TensorSpec(layout.dtype.name, dims_of(layout.shape)) for layout in staged.out_layouts]
    return traced(staged.graph.module, outputs, single=bare[-1])


def _type_of(spec: TensorSpec, device: Device) -> TensorType | BufferType:
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
