"""The solutions line by line, as the chapters show them: `{{show:08}}`.

The component is the one of `python -m tutor show 08 --output page.html`, computed with a case of the step.
"""

import re
from pathlib import Path

from book.paths import OUTPUTS, SOURCE
from tutor.course import find_step
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.line_by_line import code_process
from tutor.line_by_line.cases import cases_with_a_graph, choose_case
from tutor.line_by_line.component import Limits, component
from tutor.line_by_line.run import run_lines

# A chapter keeps less of a large value than a page of its own: as much as fits into so many bytes.
MOST_BYTES = 60_000
_LIMITS = (Limits(tables=2, rows=6, columns=12), Limits(tables=1, rows=6, columns=12))


def chapters() -> list[str]:
    """The chapters that show their solution line by line."""
    files = sorted(SOURCE.glob("step_*.md"))
    return [file.stem for file in files if re.search(r"^\{\{show:\d\d\}\}$", file.read_text("utf-8"), re.MULTILINE)]


def file_of(chapter: str) -> Path:
    """Where a chapter's component is kept."""
    return OUTPUTS / f"{chapter}_lines.html"


def made(chapter: str) -> str:
    """Computes a chapter's component."""
    step, workspace = find_step(int(chapter[-2:])), Workspace(REPOSITORY)
    cases = cases_with_a_graph(step)
    given = choose_case(cases, None)
    with code_process.start(step.number) as process:
        run = run_lines(process, step, workspace, cases, given, solutions=True, device="cpu", green={})
    sizes = (component(run, limits) for limits in _LIMITS)
    return next(text for text in sizes if len(text.encode()) <= MOST_BYTES)


def write(chapter: str = "") -> None:
    """Computes the components of all chapters, or of one."""
    for each in chapters():
        if chapter in ("", each):
            file_of(each).write_text(made(each), encoding="utf-8")
