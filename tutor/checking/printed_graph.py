"""The graph of a step as MAX prints it."""

from tutor.checking.guard import Guard
from tutor.checking.loader import StepModules
from tutor.course import find_step
from tutor.learner.workspace import Workspace


def print_graph(step: int, workspace: Workspace, *, solutions: bool, device: str) -> str | None:
    """The MAX graph of a step's first subject as text; None for plain Python.

    Raises:
        ProblemFound: the code of the step cannot be traced.
    """
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace

    subject = next((subject for subject in find_step(step).check.subjects if subject.compiled), None)
    if subject is None:
        return None
    modules = StepModules(workspace, own=() if solutions else range(step + 1))
    inputs, where = list(subject.inputs.values()), find_device(device)
    graph = Guard(modules, step)(subject.name, lambda: trace(lambda: subject.build(modules), inputs, where))
    return graph.text
