"""Compiles graphs in a process of their own: `python -m tutor.graphs.compile_process PARENT < REQUEST`.

MAX's compiler holds Python's lock for minutes and cannot be asked to stop, so Ctrl-C would wait for it. A process can
be ended at once. What it compiles goes into the cache, where its parent finds it.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tutor.errors import CourseError, ToolError
from tutor.graphs import max_internals
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.compiled import CompiledGraph
from tutor.graphs.devices import find_device
from tutor.graphs.traced import CompilableGraph, TracedGraph
from tutor.processes import end_with_parent


@dataclass(frozen=True)
class Request:
    """What a process is to compile, as data that travels.

    Args:
        graphs: of each graph its bytecode and the name of its device.
        cache_folder: where compiled graphs are kept.
        constants: dtype and shape of each of the graphs' constants, by name.
    """

    graphs: Sequence[tuple[bytes, str]]
    cache_folder: Path
    constants: Mapping[str, tuple[np.dtype, tuple[int, ...]]]


def load_interruptibly(
    graphs: Sequence[TracedGraph],
    cache_folder: Path,
    on_compile: Callable[[int], None] = lambda count: None,
    constants: Mapping[str, np.ndarray] | None = None,
) -> list[CompiledGraph]:
    """Makes graphs ready to run. A process of its own compiles those that are missing from the cache.

    Args:
        graphs: what to load.
        cache_folder: where compiled graphs are kept.
        on_compile: told the number of graphs before they are compiled; not called if there are none.
        constants: the values of the graphs' constants, by name.

    Raises:
        CompileError: MAX cannot compile one of them.
        CacheError: the folder cannot be written.
        ToolError: the compiling process crashed.
    """
    cache = CompileCache(cache_folder)
    missing = cache.missing(graphs)
    if missing:
        cache.make_folder()
        on_compile(len(missing))
        _compile_in_child(missing, cache_folder, constants or {})
    return cache.load(graphs, constants=constants)


def _compile_in_child(
    graphs: Sequence[CompilableGraph], cache_folder: Path, constants: Mapping[str, np.ndarray]
) -> None:
    request = Request(
        [(graph.bytecode, graph.device.label) for graph in graphs],
        cache_folder,
        {name: (array.dtype, array.shape) for name, array in constants.items()},
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "tutor.graphs.compile_process", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends the child.
        # Given by hand: once MAX has run, this process's own environment has entries that lead to another Python.
        env=os.environ,
    )
    try:
        answer, printed = child.communicate(pickle.dumps(request))
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode < 0:
        reason = signal.Signals(-child.returncode).name
        raise ToolError(
            f"the process that compiles crashed with {reason}, perhaps for want of memory; run the command again"
        )
    if child.returncode:
        raise ToolError(f"the tool itself failed; please report this:\n{printed.decode(errors='replace')}")
    error = pickle.loads(answer)
    if error is not None:
        raise error


def main() -> None:
    """Reads a request from standard input, compiles, and writes the error, or None, to standard output."""
    end_with_parent(int(sys.argv[1]))
    with _private_output() as answer:
        pickle.dump(_compile(pickle.load(sys.stdin.buffer)), answer)


def _compile(request: Request) -> CourseError | None:
    graphs = [
        CompilableGraph(bytecode, find_device(device), max_internals.read_bytecode(bytecode))
        for bytecode, device in request.graphs
    ]
    # Compiling asks for the names and sizes of the constants alone; their values are given when the graph is loaded.
    constants = {name: np.zeros(shape, dtype) for name, (dtype, shape) in request.constants.items()}
    try:
        CompileCache(request.cache_folder).compile(graphs, constants=constants)
    except CourseError as error:
        return error
    return None


def _private_output() -> BinaryIO:
    """Standard output, for the answer alone: whatever else is printed goes to standard error from now on."""
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return private


if __name__ == "__main__":
    main()
