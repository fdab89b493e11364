"""Which lines of Python made each operation of a graph.

MAX keeps the call stack of every operation if it is asked to before the graph is traced. The stacks are not in the
bytecode of a module, but MAX can write a bytecode that holds them as text. It is read back in any process, and
evaluated like the other.
"""

import contextlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from max import _core, mlir
from max._core.dialects import builtin
from max.graph import Graph
from max.graph import Module as GraphModule

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)$', re.MULTILINE)


@dataclass(frozen=True)
class Frame:
    """One call of a call stack: the file, the line in it that was running, from 1, and the function."""

    file: Path
    line: int
    function: str


@contextlib.contextmanager
def recorded_call_stacks() -> Iterator[None]:
    """Graphs that are traced inside keep the call stack of every operation, at some 0.05 s each."""
    before = Graph.debug.source_tracebacks
    Graph.debug.source_tracebacks = True
    try:
        yield
    finally:
        Graph.debug.source_tracebacks = before


def bytecode_with_call_stacks(module: GraphModule | builtin.ModuleOp) -> bytes:
    """The bytecode of a module that was traced in this process, with its operations' call stacks.

    A module that was read from plain bytecode has none.
    """
    return _core.graph.source_locations_bytecode(module.mlir_module if isinstance(module, GraphModule) else module)


def read_frames(bytecode: bytes, files: Collection[Path]) -> dict[tuple[int, ...], tuple[Frame, ...]]:
    """Reads the calls that made each operation.

    Args:
        bytecode: from `bytecode_with_call_stacks`; of one graph.
        files: only calls in these files are of interest.

    Returns:
        By the path of each operation (`Operation.path`), the frames in these files, the outermost first. Operations
        that have none are left out.
    """
    context = GraphModule().mlir_module.context
    frames: dict[tuple[int, ...], tuple[Frame, ...]] = {}
    wanted = {str(file) for file in files}
    for view in mlir.Module.parse(bytecode, context).body.operations:
        graph = view.operation
        if graph.name == "mo.graph" and "is_subgraph" not in graph.attributes:
            _read_block(graph.regions[0].blocks[0], (), wanted, frames)
    return frames


def _read_block(
    block: mlir.Block,
    path: tuple[int, ...],
    files: Collection[str],
    frames: dict[tuple[int, ...], tuple[Frame, ...]],
) -> None:
    for index, view in enumerate(block.operations):
        operation, here = view.operation, (*path, index)
        if found := tuple(_frames(_stack(operation.location), files)):
            frames[here] = found
        for number, region in enumerate(operation.regions):
            _read_block(region.blocks[0], (*here, number), files, frames)


def _stack(location: mlir.Location) -> str:
    """The text of a call stack, as Python prints one; empty if none was recorded."""
    # A profiling scope wraps the location that holds the stack.
    metadata = getattr(location, "metadata", None)
    if metadata is not None and str(metadata).startswith('"'):
        return mlir.StringAttr(metadata).value
    return next(filter(None, map(_stack, getattr(location, "locations", ()))), "")


def _frames(stack: str, files: Collection[str]) -> Iterator[Frame]:
    for found in _FRAME.finditer(stack):
        if found["file"] in files:
            yield Frame(Path(found["file"]), int(found["line"]), found["function"])
