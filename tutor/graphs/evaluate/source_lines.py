"""Which lines of Python made each operation of a graph.

MAX keeps the call stack of every operation if it is asked to before the graph is traced. The stacks are not in the
bytecode of a module, but MAX can write a bytecode that holds them as text. It is read back in any process, and
evaluated like the other.

The text names file, line and function of each call. What else is known, which call it was and which part of the line
was running, is written behind the function's name: `forward #12>13 44:8-44:31`.
"""

import functools
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from traceback import FrameSummary
from types import CodeType, FrameType

from max import mlir
from max.graph import Module as GraphModule

from tutor.graphs import max_internals

_FRAME = re.compile(
    r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*) #(?P<call>\d+)>(?P<callee>\d+)'
    r" (?P<start>\d+:\d+)-(?P<end>\d+:\d+)$",
    re.MULTILINE,
)

_MAX = str(max_internals.PACKAGE) + os.sep


@dataclass(frozen=True)
class Frame:
    """One call of a call stack.

    Args:
        file: where the function is.
        line: the line that was running, from 1.
        function: its name.
        call: tells this call of the function from all others.
        callee: the call that it was waiting for, of whatever function.
        start, end: the expression that was running: line, from 1, and column in bytes, from 0; both (0, 0) where
            Python does not know.
    """

    file: Path
    line: int
    function: str
    call: int
    callee: int
    start: tuple[int, int]
    end: tuple[int, int]


def recorded_call_stacks() -> AbstractContextManager[None]:
    """Graphs that are traced inside keep the call stack of every operation."""
    return max_internals.call_stacks_from(_Recorder())


class _Recorder:
    """Stands in for the module `traceback` where MAX takes a call stack: gives one with calls and positions."""

    def __init__(self) -> None:
        # The frames are kept, so that no two of them have one id.
        self._calls: dict[int, tuple[int, FrameType]] = {}

    def extract_stack(self) -> list[FrameSummary]:
        """The calls of this thread, the outermost first, without MAX's own: but its innermost, which MAX cuts off."""
        stack: list[FrameSummary] = []
        frame, callee, innermost = sys._getframe(1), 0, True
        while frame is not None:
            code = frame.f_code
            call, _ = self._calls.setdefault(id(frame), (len(self._calls) + 1, frame))
            innermost &= (of_max := code.co_filename.startswith(_MAX))
            if innermost or not of_max:
                start_line, end_line, start, end = _positions(code)[frame.f_lasti // 2]
                where = f"{start_line or 0}:{start or 0}-{end_line or 0}:{end or 0}"
                name = f"{code.co_name} #{call}>{callee} {where}"
                stack.append(FrameSummary(code.co_filename, frame.f_lineno, name, lookup_line=False, line=""))
            frame, callee = frame.f_back, call
        return stack[::-1]


@functools.cache
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    """For each instruction: first line, last line, first column, last column."""
    return list(code.co_positions())


def bytecode_with_call_stacks(module: GraphModule) -> bytes:
    """The bytecode of a module that was traced in this process, with its operations' call stacks.

    A module that was read from plain bytecode has none.
    """
    return max_internals.bytecode_with_call_stacks(module)


def read_frames(bytecode: bytes, files: Collection[Path]) -> dict[tuple[int, ...], tuple[Frame, ...]]:
    """Reads the calls that made each operation.

    Args:
        bytecode: from `bytecode_with_call_stacks`; of one graph.
        files: only calls in these files are of interest.

    Returns:
        By the path of each operation (`Operation.path`), the frames in these files, the outermost first. Operations
        that have none are left out.
    """
    frames: dict[tuple[int, ...], tuple[Frame, ...]] = {}
    wanted = {str(file): file for file in files}
    for view in max_internals.parse(bytecode).body.operations:
        graph = view.operation
        if graph.name == "mo.graph" and "is_subgraph" not in graph.attributes:
            _read_block(graph.regions[0].blocks[0], (), wanted, frames)
    return frames


def _read_block(
    block: mlir.Block,
    path: tuple[int, ...],
    files: Mapping[str, Path],
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


def _frames(stack: str, files: Mapping[str, Path]) -> Iterator[Frame]:
    for found in _FRAME.finditer(stack):
        if found["file"] in files:
            yield Frame(
                file=files[found["file"]],
                line=int(found["line"]),
                function=found["function"],
                call=int(found["call"]),
                callee=int(found["callee"]),
                start=_position(found["start"]),
                end=_position(found["end"]),
            )


def _position(text: str) -> tuple[int, int]:
    line, _, column = text.partition(":")
    return int(line), int(column)
