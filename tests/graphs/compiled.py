"""Graphs of the tests, compiled by MAX once and kept."""

from collections.abc import Sequence

from filelock import FileLock

from tutor.artifacts import ArtifactCache
from tutor.graphs import Executable, Traced
from tutor.workspace import cache_folder


def load_compiled(graphs: Sequence[Traced]) -> list[Executable]:
    """Loads graphs from the cache of the tests; compiles those that are missing, all in one module."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(cache_folder() / "tests.lock"):  # the test processes take turns; the second finds all done
        return ArtifactCache(cache_folder()).load(graphs)
