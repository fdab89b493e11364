"""Compiles the graphs that the tests use, together and in parallel: of the solutions, of the mistaken files, and of
the files with which the book shows what goes wrong."""

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.support.workspaces import make_workspace
from tests.wrong_files import WrongFile
from tutor.checking.warm import warm_cache
from tutor.course import CONFIGURATION, COURSE, find_step
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.processes import end_with_parent

PROCESSES = 2
# Graphs compile fastest together, but MAX needs gigabytes for a hundred of them.
PARTS = 4


def precompile(wrong_files: Sequence[WrongFile], cache_folder: Path) -> None:
    """Fills the cache with the graphs of the solutions, of the mistaken files and of the book's."""
    warm_cache(Workspace(REPOSITORY), "auto", cache_folder, lambda done, total: None)
    everything = {wrong_file.replace: wrong_file for wrong_file in (*of_the_book(), *wrong_files)}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn, initializer=end_with_parent, initargs=(os.getpid(),)) as pool:
        work = [pool.submit(_compile_models, cache_folder)]
        for start in range(PARTS):
            work.append(pool.submit(compile_wrong_files, list(everything.values())[start::PARTS], cache_folder))
        for done in work:
            done.result()


def _compile_models(cache_folder: Path) -> None:
    """Compiles what `generate` and `attention` run."""
    _compile_other_engines(cache_folder)
    _compile_weights(cache_folder)


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


def of_the_book() -> list[WrongFile]:
    """The wrong files whose verdicts the chapters show."""
    from book.captures import all_captures

    return [
        WrongFile(int(chapter.removeprefix("step_")) if capture.step is None else capture.step, capture.replace, name)
        for chapter, name, capture in all_captures()
        if capture.replace
    ]


def compile_wrong_files(wrong_files: Sequence[WrongFile], cache_folder: Path) -> None:
    """Compiles the graphs of some mistaken files that trace, in one go."""
    from tutor.checking.loader import StepModules
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace

    device, cache, graphs = find_device("auto"), CompileCache(cache_folder), []
    for wrong_file in wrong_files:
        if not wrong_file.compiles:
            continue
        with tempfile.TemporaryDirectory() as folder:
            workspace = make_workspace(Path(folder), filled=True)
            wrong_file.write(workspace)
            view = StepModules(workspace, own=[step.number for step in COURSE])
            for subject in find_step(wrong_file.step).check.subjects:
                if not subject.compiled:
                    continue
                try:
                    graphs.append(trace(lambda s=subject, v=view: s.build(v), list(subject.inputs.values()), device))
                except Exception:
                    break
    cache.load(graphs)
