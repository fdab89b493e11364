"""The bytecode of a graph, by which what is compiled is found again."""

import tempfile

import pytest

from tutor.checking.learner_link import LearnerLink
from tutor.checking.loader import StepModules
from tutor.course import COURSE, find_step
from tutor.graphs.devices import find_device
from tutor.graphs.trace import trace
from tutor.learner.workspace import REPOSITORY, Workspace

WORKSPACE = Workspace(REPOSITORY)
WITH_GRAPHS = [step.number for step in COURSE if any(subject.compiled for subject in step.check.subjects)]


@pytest.mark.parametrize("number", WITH_GRAPHS)
def test_a_check_traces_what_warming_compiles(number: int):
    """In another process, where lines are asked for afterwards, a subject has the bytecode that it has in this one."""
    subjects = [subject for subject in find_step(number).check.subjects if subject.compiled]
    modules, device = StepModules(WORKSPACE, own=[]), find_device("cpu")
    here = [trace(lambda s=s: s.build(modules), list(s.inputs.values()), device).bytecode for s in subjects]
    with tempfile.TemporaryFile() as output:
        link = LearnerLink(number, output)
        try:
            link.ask("open", step=number, root=str(REPOSITORY), own=[])
            there = [link.ask("trace", subject=s.name, device="cpu").data("bytecode") for s in subjects]
            link.ask("trace", subject=subjects[0].name, device="cpu", lines=True)
            again = link.ask("trace", subject=subjects[0].name, device="cpu").data("bytecode")
        finally:
            link.close()
    assert there == here
    assert again == here[0]
