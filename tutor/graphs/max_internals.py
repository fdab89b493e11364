"""Everything that the tool uses of MAX 26.7.0 and that MAX does not document, each with the reason why.

Nothing else in the tool reaches into MAX. When MAX changes, this is the file to look at.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from traceback import FrameSummary
from typing import TYPE_CHECKING, Protocol

from max import _core, mlir
from max._core.dialects import builtin, mo
from max.driver import CPU, Buffer
from max.dtype import DType
from max.graph import Graph
from max.graph import Module as GraphModule
from max.graph import graph as graph_module

if TYPE_CHECKING:
    from max.experimental.nn import Linear
    from max.experimental.tensor import Tensor

# The folder of MAX's own Python files, whose lines in a call stack are not the learner's.
PACKAGE = Path(graph_module.__file__).parents[1]


def bytecode(module: GraphModule) -> bytes:
    """A module's MLIR bytecode. It is whole, unlike the printed text, and holds no positions in source files:
    equal graphs give equal bytes, which makes it the key of the compile cache."""
    return module.mlir_module.bytecode


def read_bytecode(data: bytes) -> GraphModule:
    """The module that has this bytecode, in this process: MAX offers no other way to hand on a traced graph."""
    return GraphModule(builtin.ModuleOp.from_bytecode(data, GraphModule().mlir_module.context))


def parse(data: bytes) -> mlir.Module:
    """The module that has this bytecode, in MLIR's own bindings: they name every operation and attribute alike,
    while MAX's typed classes lack some (`rmo.concat`, `mo.while`)."""
    return mlir.Module.parse(data, GraphModule().mlir_module.context)


def constant_buffer(operation: mlir.Operation, dtype: DType, shape: Sequence[int]) -> Buffer:
    """The values of a constant, which MAX keeps in a form of its own."""
    constant = _core.Operation._from_cmlir(operation)
    assert isinstance(constant, mo.ConstantOp)
    return _core.graph._buffer_from_constant_attr(constant.value, dtype, shape, CPU())


def bytecode_with_call_stacks(module: GraphModule) -> bytes:
    """A module's bytecode with the call stack of each operation, if it was traced under `call_stacks_from`. MAX
    prints such stacks, and gives them in no other way."""
    return _core.graph.source_locations_bytecode(module.mlir_module)


class StackSource(Protocol):
    """What MAX asks for the call stack of an operation: the module `traceback`, or what stands in for it."""

    def extract_stack(self) -> list[FrameSummary]:
        """The calls, the outermost first."""
        ...


@contextlib.contextmanager
def call_stacks_from(source: StackSource) -> Iterator[None]:
    """While this lasts, traced graphs keep the call stacks that `source` gives.

    MAX takes them from `traceback`, which tells neither calls of one function nor parts of one line apart.
    """
    before, module = Graph.debug.source_tracebacks, graph_module.traceback
    Graph.debug.source_tracebacks, graph_module.traceback = True, source
    try:
        yield
    finally:
        Graph.debug.source_tracebacks, graph_module.traceback = before, module


def text(module: GraphModule) -> str:
    """A module as MLIR text, for people. `str` of a public graph wraps it in Python's notation."""
    return module.mlir_module.asm()


def operation_count(module: GraphModule) -> int:
    """How many operations a module holds: one for its graph, and one more for each subgraph."""
    return len(list(module.mlir_module.body))


def join(modules: Mapping[str, GraphModule]) -> GraphModule:
    """Copies graphs into one module, each under its new name, so that they compile together.

    MAX has no public way to add a finished graph to a module. The graphs are copied and not traced again: a
    second run of the code under test might give another graph. Each module must hold a single operation.
    """
    operations = []
    for name, module in modules.items():
        clone = module.mlir_module.clone()
        assert isinstance(clone, builtin.ModuleOp)
        (operation,) = clone.body
        operation.sym_name = name
        operations.append(operation)
    first, *others = operations
    for operation in reversed(others):
        operation.move_after(first)
    return GraphModule(first.parent_op)


@contextlib.contextmanager
def linear_forward(forward: "Callable[[Linear, Tensor], Tensor]") -> Iterator[None]:
    """While this lasts, every `Linear` layer is traced with `forward`.

    MAX has no hook for how a layer computes its product, and the learner's model makes its layers itself.
    """
    # Here, since only who traces needs it: all layers of MAX come with it, which takes a quarter of a second.
    from max.experimental.nn import Linear

    original = Linear.forward
    Linear.forward = forward  # pyright: ignore[reportAttributeAccessIssue] - a method also has names for its arguments
    try:
        yield
    finally:
        Linear.forward = original
