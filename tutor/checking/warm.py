"""Compiles all the graphs that the checks and `generate` use, several at a time."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.course import COURSE
from tutor.errors import ToolError
from tutor.learner.workspace import Workspace
from tutor.processes import end_with_parent

if TYPE_CHECKING:
    from tutor.graphs.traced import TracedGraph

# Each compiling process takes a core and some gigabytes.
_MOST_PROCESSES = 4


def warm_cache(
    workspace: Workspace,
    device: str,
    cache_folder: Path,
    on_progress: Callable[[int, int], None],
    others: Callable[[Workspace, str], "Sequence[TracedGraph]"] | None = None,
) -> int:
    """Compiles the graphs of all solutions that are missing from the cache.

    Args:
        workspace: where the solutions are.
        device: `auto`, `cpu` or `gpu`.
        cache_folder: where compiled graphs are kept.
        on_progress: told how many steps are done, of how many.
        others: traces more graphs that are to be compiled, given the workspace and the device. A function of a
            module, because it runs in another process.

    Returns:
        How many graphs were compiled.
    """
    jobs = _split([step.number for step in COURSE], min(os.cpu_count() or 1, _MOST_PROCESSES))
    done = compiled = 0
    on_progress(0, len(COURSE))
    # Not forked: MAX's threads would not come along.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(jobs), mp_context=spawn, initializer=_depend_on, initargs=(os.getpid(),)) as pool:
        running = {
            pool.submit(warm_steps, workspace, steps, device, cache_folder, others if index == 0 else None): steps
            for index, steps in enumerate(jobs)
        }
        try:
            for finished in as_completed(running):
                compiled += finished.result()
                done += len(running[finished])
                on_progress(done, len(COURSE))
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.kill()  # a compile cannot be asked to stop
            raise
        except BrokenProcessPool:
            raise ToolError("a compiling process crashed, perhaps for want of memory; run the command again") from None
    return compiled


def _depend_on(parent: int) -> None:
    """Leaves Ctrl-C to the parent, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent)


def _split(steps: Sequence[int], parts: int) -> list[list[int]]:
    """Deals the steps out in parts with about the same number of graphs."""
    sizes = {
        step.number: sum(subject.compiled and subject.confirmed for subject in step.check.subjects) for step in COURSE
    }
    dealt: list[list[int]] = [[] for _ in range(parts)]
    for step in sorted(steps, key=lambda number: -sizes[number]):
        min(dealt, key=lambda part: sum(sizes[number] for number in part)).append(step)
    return [part for part in dealt if part]


def warm_steps(
    workspace: Workspace,
    steps: Sequence[int],
    device: str,
    cache_folder: Path,
    others: Callable[[Workspace, str], "Sequence[TracedGraph]"] | None = None,
) -> int:
    """Compiles the missing graphs of these steps' solutions, and others, together; gives their number."""
    from tutor.checking.loader import StepModules
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace

    modules, where = StepModules(workspace, own=[]), find_device(device)
    graphs = [
        trace(lambda subject=subject: subject.build(modules), list(subject.inputs.values()), where)
        for step in COURSE
        if step.number in steps
        for subject in step.check.subjects
        if subject.compiled and subject.confirmed
    ]
    if others is not None:
        graphs += others(workspace, device)
    cache = CompileCache(cache_folder)
    missing = cache.missing(graphs)
    cache.load(missing)
    return len(missing)
