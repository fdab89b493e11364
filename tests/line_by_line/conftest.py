"""Runs of steps, line by line."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.workspaces import make_workspace
from tutor.course import find_step
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.line_by_line import code_process
from tutor.line_by_line.cases import cases_with_a_graph, choose_case
from tutor.line_by_line.on_text import SENTENCE, step_on_text
from tutor.line_by_line.run import LineRun, run_lines

Run = Callable[..., LineRun]
TextRun = Callable[..., LineRun]


def run_step(
    workspace: Workspace, number: int, *, case: int | None = None, solutions: bool = False, seconds: float = 60.0
) -> LineRun:
    step = find_step(number)
    cases = cases_with_a_graph(step)
    with code_process.start(number, seconds=seconds) as process:
        return run_lines(
            process,
            step,
            workspace,
            cases,
            choose_case(cases, case),
            solutions=solutions,
            device="cpu",
            green={},
        )


@pytest.fixture(scope="session")
def solution() -> Run:
    """Runs a solution; one that several tests want runs once."""
    return functools.cache(functools.partial(run_step, Workspace(REPOSITORY), solutions=True))


def run_on_text(number: int, text: str = SENTENCE) -> LineRun:
    step = find_step(number)
    with code_process.start(number, seconds=60.0) as process:
        given = step_on_text(step, text)
        return run_lines(process, step, Workspace(REPOSITORY), [], given, solutions=True, device="cpu", green={})


@pytest.fixture(scope="session")
def on_text() -> TextRun:
    """Runs a solution on a text, the chapters' sentence if none is given; what several tests want runs once."""
    return functools.cache(run_on_text)


@pytest.fixture
def changed(tmp_path: Path) -> Run:
    """Runs a step of a learner who has every step right, but for one replacement in that step or an earlier one."""
    workspace = make_workspace(tmp_path, filled=True)

    def run(number: int, old: str, new: str, *, within: int | None = None, **options: float) -> LineRun:
        file = workspace.step(number if within is None else within)
        source = file.read_text()
        assert old in source
        file.write_text(source.replace(old, new, 1))
        return run_step(workspace, number, **options)

    return run
