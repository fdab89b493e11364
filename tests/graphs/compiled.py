"""Graphs of the tests, compiled by MAX once and kept."""

from collections.abc import Sequence

from filelock import FileLock

from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.compiled import CompiledGraph
from tutor.graphs.trace import TracedGraph
from tutor.learner.workspace import cache_folder


def load_compiled(graphs: Sequence[TracedGraph]) -> list[CompiledGraph]:
    """Loads graphs from the cache of the tests; compiles those that are missing, all in one module."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(cache_folder() / "tests.lock"):  # the test processes take turns; the second finds all done
        return CompileCache(cache_folder()).load(graphs)
