"""Which attention kernels MAX puts into the graphs of step 18."""

import re
from pathlib import Path

import pytest

from tutor.checking.loader import StepModules
from tutor.checking.spec import Subject
from tutor.checks.step_18 import BFLOAT16, EAGER, MASKED, UNMASKED
from tutor.learner.workspace import REPOSITORY, Workspace


def kernels(folder: Path) -> dict[str, list[str]]:
    """Which attention kernels are in the graphs after MAX's passes, by subject; what follows is left out.

    Where MAX stops and what it writes down is set for the whole process: call this in one of its own.
    """
    from max.driver import CPU
    from max.engine import CompilationStopped, InferenceSession

    from tutor.graphs.max_internals import join
    from tutor.graphs.trace import trace

    view = StepModules(Workspace(REPOSITORY), own=[])
    subjects: dict[str, Subject] = {
        f"g{index}": subject for index, subject in enumerate((EAGER, *MASKED, *UNMASKED, *BFLOAT16[:-1]))
    }
    graphs = {
        name: trace(lambda s=subject: s.build(view), list(subject.inputs.values()), CPU())
        for name, subject in subjects.items()
    }
    session = InferenceSession(devices=[CPU()])
    session.debug.ir_output_dir = str(folder)
    session.debug.pre_jit = True
    with pytest.raises(CompilationStopped):
        session.compile(join({name: graph.module for name, graph in graphs.items()}))

    found: dict[str, list[str]] = {name: [] for name in graphs}
    (after_passes,) = folder.glob("*.mo-pre-map.mlir")
    with after_passes.open(errors="replace") as lines:
        current = None
        for line in lines:
            if (graph := re.search(r"mo\.graph @(\w+)", line)) is not None:
                current = graph[1]
            if current in found and (kernel := re.search(r"= (mo\.composite\.\w*flash\w*)", line)) is not None:
                found[current].append(kernel[1])
    return {subject.name: found[name] for name, subject in subjects.items()}
