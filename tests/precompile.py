"""Compiles the graphs that the tests use, together and in parallel: of the solutions, of the mistaken files, and of
the files with which the book shows what goes wrong."""

import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.mistakes import Mistake
from tutor.course import COURSE, find_step
from tutor.warm import warm_cache
from tutor.workspace import REPOSITORY, Workspace

PROCESSES = 2
# Graphs compile fastest together, but MAX needs gigabytes for a hundred of them.
PARTS = 4


def precompile(mistakes: Sequence[Mistake], cache_folder: Path) -> None:
    """Fills the cache with the graphs of the solutions, of the mistaken files and of the book's."""
    warm_cache(Workspace(REPOSITORY), "auto", cache_folder, lambda done, total: None)
    everything = {mistake.replace: mistake for mistake in (*of_the_book(), *mistakes)}
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        work = [pool.submit(_compile_models, cache_folder)]
        for start in range(PARTS):
            work.append(pool.submit(compile_mistakes, list(everything.values())[start::PARTS], cache_folder))
        for done in work:
            done.result()


def _compile_models(cache_folder: Path) -> None:
    """Compiles what `generate` and `attention` run."""
    _compile_other_engines(cache_folder)
    _compile_weights(cache_folder)


def _compile_other_engines(cache_folder: Path) -> None:
    """What `generate` runs for a learner who has done step 16 and not yet 17, and with quantized weights."""
    from tutor import engines
    from tutor.artifacts import ArtifactCache
    from tutor.checks.step_13 import SHIPPED
    from tutor.generate import shapes_of
    from tutor.graphs import find_device
    from tutor.loader import View
    from tutor.quantize import pack
    from tutor.reference import shipped_parameters

    view, device, cache = View(Workspace(REPOSITORY), own=[]), find_device("cpu"), ArtifactCache(cache_folder)
    config = view[engines.CONFIG_STEP].GPT2Config(**SHIPPED.settings)
    cache.load([engines.cached(view, config, device).traced])
    quantized = [make(view, config, device, quantized=True).traced for make in (engines.batched, engines.whole_text)]
    cache.load(quantized, constants=pack(shipped_parameters(SHIPPED), shapes_of(quantized[0].constants)))


def _compile_weights(cache_folder: Path) -> None:
    """Compiles the graph of `tutor attention` for the shipped checkpoint."""
    from tutor.artifacts import ArtifactCache
    from tutor.attention import open_reader, trace_weights
    from tutor.checkpoint import open_checkpoint
    from tutor.graphs import find_device

    workspace = Workspace(REPOSITORY)
    reader = open_reader(open_checkpoint(workspace.checkpoint), workspace, own_steps=False)
    ArtifactCache(cache_folder).load([trace_weights(reader.guard.view, reader.config, find_device("auto"))])


def of_the_book() -> list[Mistake]:
    """The wrong files whose verdicts the chapters show."""
    from book.captures import all_captures

    return [
        Mistake(int(chapter.removeprefix("step_")) if capture.step is None else capture.step, capture.replace, name)
        for chapter, name, capture in all_captures()
        if capture.replace
    ]


def compile_mistakes(mistakes: Sequence[Mistake], cache_folder: Path) -> None:
    """Compiles the graphs of some mistaken files that trace, in one go."""
    from tests.conftest import make_workspace
    from tutor.artifacts import ArtifactCache
    from tutor.graphs import find_device, trace
    from tutor.loader import View

    device, cache, graphs = find_device("auto"), ArtifactCache(cache_folder), []
    for mistake in mistakes:
        if not mistake.compiles:
            continue
        with tempfile.TemporaryDirectory() as folder:
            workspace = make_workspace(Path(folder), filled=True)
            mistake.write(workspace)
            view = View(workspace, own=[step.number for step in COURSE])
            for subject in find_step(mistake.step).check.subjects:
                if not subject.compiled:
                    continue
                try:
                    graphs.append(trace(lambda s=subject, v=view: s.build(v), list(subject.inputs.values()), device))
                except Exception:
                    break
    cache.load(graphs)
