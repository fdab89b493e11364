"""Compiles traced graphs, and keeps what was compiled.

A new graph costs MAX half a minute, mostly on kernels that graphs have in common. So
all the graphs that are missing from the cache compile together, as one MAX module, in
about the time of one. The compiled module is one file (MEF), named by the hash of its
content; a small entry for each graph points to it. Loading takes milliseconds.
"""

import contextlib
import functools
import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
from max.engine import InferenceSession, Model
from max.graph import Module as GraphModule

from tutor.errors import CacheError, CompileError
from tutor.files import write_atomically
from tutor.graphs.compiled import CompiledGraph
from tutor.graphs.max_internals import join
from tutor.graphs.traced import CompilableGraph, TracedGraph

# Each edit of a learner's compiles to a few megabytes; the oldest go first.
_MOST_BYTES = 2 << 30

Graph = TypeVar("Graph", bound=CompilableGraph)


class CompileCache:
    """Compiled graphs in a folder. Any number of processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[str] = []

    def missing(self, graphs: Iterable[Graph]) -> list[Graph]:
        """The graphs that are not in the cache, each once."""
        unique = {graph.fingerprint: graph for graph in graphs}
        return [graph for graph in unique.values() if self._find(graph) is None]

    def compile(
        self,
        graphs: Sequence[CompilableGraph],
        on_compile: Callable[[int], None] = lambda count: None,
        constants: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Compiles the graphs that are missing in one go.

        Args:
            graphs: all for the same device.
            on_compile: told the number of graphs before they are compiled; not called if there are none.
            constants: the graphs' constants, by name; the values do not matter.

        Raises:
            CompileError: MAX cannot compile one of them.
            CacheError: the folder cannot be written.
        """
        missing = self.missing(graphs)
        if not missing:
            return
        self.make_folder()
        on_compile(len(missing))
        session = InferenceSession(devices=[missing[0].device])
        joined = {f"graph_{index}": graph for index, graph in enumerate(missing) if graph.single_operation}
        if joined:
            self._compile(join({name: graph.module for name, graph in joined.items()}), joined, session, constants)
        for graph in missing:
            if not graph.single_operation:
                self._compile(graph.module, {graph.module.top_level_graph_names()[0]: graph}, session, constants)
        self._prune()

    def load(
        self,
        graphs: Sequence[TracedGraph],
        on_compile: Callable[[int], None] = lambda count: None,
        constants: Mapping[str, np.ndarray] | None = None,
    ) -> list[CompiledGraph]:
        """Makes graphs ready to run, compiling those that are missing in one go.

        Args:
            graphs: all for the same device.
            on_compile: told the number of graphs before they are compiled; not called if there are none.
            constants: the values of the graphs' constants, by name.

        Raises:
            CompileError: MAX cannot compile one of them.
            CacheError: the folder cannot be written.
        """
        if not graphs:
            return []
        self.compile(graphs, on_compile, constants)
        session = InferenceSession(devices=[graphs[0].device])
        loaded: dict[Path, dict[str, Model]] = {}
        executables = []
        for graph in graphs:
            found = self._find(graph)
            assert found is not None, "the graph was compiled just now"
            file, name = found
            if file not in loaded:
                loaded[file] = session.init_all(session.compile(file), weights_registry=constants)
                os.utime(file)
            executables.append(CompiledGraph(graph, loaded[file][name]))
        return executables

    def _compile(
        self,
        module: GraphModule,
        named: Mapping[str, CompilableGraph],
        session: InferenceSession,
        constants: Mapping[str, np.ndarray] | None,
    ) -> None:
        """Compiles a module, and stores it with an entry for each of its graphs."""
        with _captured_output() as log:
            try:
                compiled = session.compile(module)
            except RuntimeError as error:
                raise CompileError(f"{error.__cause__ or error}\n{log()}") from None
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".compiled-") as folder:
            partial = Path(folder) / "module.mef"
            compiled.export_mef(partial)
            file = self.folder / f"{_hash(partial)}.mef"
            os.replace(partial, file)
            # MAX has a cache of its own, which may know the module under other names for its graphs, in this order.
            known = list(session.init_all(session.compile(file), weights_registry=constants))
            for name, graph in zip(known, named.values(), strict=True):
                write_atomically(self._entry(graph), json.dumps({"mef": file.name, "graph": name}))

    def make_folder(self) -> None:
        """Makes the folder.

        Raises:
            CacheError: it cannot be made, or is no folder.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CacheError(
                f"compiled graphs cannot be kept in {self.folder} ({error.strerror}); "
                "set TUTOR_CACHE to a folder that you can write"
            ) from None

    def _entry(self, graph: CompilableGraph) -> Path:
        device = f"{graph.device.label}"
        key = "\n".join((graph.fingerprint, version("max"), device, _machine()))
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _find(self, graph: CompilableGraph) -> tuple[Path, str] | None:
        """The file and the name of a graph in it, or None. A damaged entry counts as missing."""
        entry = self._entry(graph)
        if not entry.exists():
            return None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(entry.read_text())
            file, name = self.folder / content["mef"], content["graph"]
            # MAX may crash on a damaged file, so it never sees one.
            if _is_intact(file, file.stat().st_mtime_ns, file.stat().st_size):
                return file, name
        self.damaged.append(entry.name)
        entry.unlink(missing_ok=True)
        return None

    def _prune(self) -> None:
        """Deletes the files unused for longest until the rest fit."""
        files = sorted(self.folder.glob("*.mef"), key=lambda file: file.stat().st_mtime, reverse=True)
        total = 0
        for file in files:
            total += file.stat().st_size
            if total > _MOST_BYTES:
                file.unlink(missing_ok=True)


@contextlib.contextmanager
def _captured_output() -> Iterator[Callable[[], str]]:
    """Catches what MAX's compiler writes, past Python, to the process's outputs."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    with tempfile.TemporaryFile() as file:

        def read() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        try:
            for stream in kept:
                os.dup2(file.fileno(), stream)
            yield read
        finally:
            for stream, copy in kept.items():
                os.dup2(copy, stream)
                os.close(copy)


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@functools.lru_cache
def _is_intact(file: Path, modified: int, size: int) -> bool:
    """Whether a file's content has the hash in its name. `modified` and `size` are there for the lru_cache."""
    return _hash(file) == file.stem


@functools.lru_cache
def _machine() -> str:
    """What compiled code depends on: the system, and the instructions of this processor."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = next((line for line in cpuinfo.read_text().splitlines() if line.startswith(("flags", "Features"))), "") \
        if cpuinfo.exists() else platform.processor()  # fmt: skip
    return "\n".join((platform.system(), platform.machine(), flags))
