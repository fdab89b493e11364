"""Graphs of the tests, compiled by MAX once and kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.compiled import CompiledGraph
from tutor.graphs.traced import TracedGraph
from tutor.learner.workspace import cache_folder


@contextmanager
def compiling() -> Iterator[Path]:
    """The cache of the tests, for one process at a time: the second finds all done."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "tests.lock"):
        yield folder


def load_compiled(graphs: Sequence[TracedGraph]) -> list[CompiledGraph]:
    """Loads graphs from the cache of the tests; compiles those that are missing, all in one module."""
    with compiling() as folder:
        return CompileCache(folder).load(graphs)
