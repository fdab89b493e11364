"""Compiles the graphs that the tests use: of the solutions, of `generate` and of `attention`."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tutor.checking.warm import warm_cache
from tutor.course import CONFIGURATION
from tutor.generation.engines import shipped_graphs
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.processes import end_with_parent


def precompile(cache_folder: Path) -> None:
    """Fills the cache with the graphs of the solutions, and with what `generate` and `attention` run."""
    warm_cache(Workspace(REPOSITORY), "auto", cache_folder, lambda done, total: None, shipped_graphs)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn, initializer=end_with_parent, initargs=(os.getpid(),)) as pool:
        for done in [pool.submit(_compile_other_engines, cache_folder), pool.submit(_compile_weights, cache_folder)]:
            done.result()


def _compile_other_engines(cache_folder: Path) -> None:
    """What `generate` runs for a learner who has done step 16 and not yet 17, and with quantized weights."""
    from tutor.checking.loader import StepModules
    from tutor.checking.stored_numbers import shipped_parameters
    from tutor.checks.step_13 import SHIPPED
    from tutor.generation import engines
    from tutor.generation.model import shapes_of
    from tutor.generation.quantize import pack
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device

    view, device, cache = StepModules(Workspace(REPOSITORY), own=[]), find_device("cpu"), CompileCache(cache_folder)
    config = view[CONFIGURATION].GPT2Config(**SHIPPED.settings)
    cache.load([engines.cached(view, config, device).traced])
    quantized = [make(view, config, device, quantized=True).traced for make in (engines.batched, engines.whole_text)]
    cache.load(quantized, constants=pack(shipped_parameters(SHIPPED), shapes_of(quantized[0].constants)))


def _compile_weights(cache_folder: Path) -> None:
    """Compiles the graph of `tutor attention` for the shipped checkpoint."""
    from tutor.attention_maps.weights import open_reader, trace_weights
    from tutor.generation.checkpoint import open_checkpoint
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device

    workspace = Workspace(REPOSITORY)
    reader = open_reader(open_checkpoint(workspace.checkpoint), workspace, own_steps=False)
    CompileCache(cache_folder).load([trace_weights(reader.guard.view, reader.config, find_device("auto"))])
