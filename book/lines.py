"""The solutions line by line, as the chapters show them: `{{show:08}}`.

The component is the one of `python -m tutor show 08 --output page.html --text …`: one sentence goes through the trained
model that comes with the course.
"""

import re
from pathlib import Path

from book.paths import OUTPUTS, SOURCE
from tutor.course import find_step
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.line_by_line import code_process
from tutor.line_by_line.component import Limits, component
from tutor.line_by_line.on_text import SENTENCE, step_on_text
from tutor.line_by_line.run import run_lines

# A chapter keeps less of a large value than a page of its own: as much as fits into so many bytes.
MOST_BYTES = 200_000
_LIMITS = tuple(Limits(tables, rows=8, columns=32) for tables in (6, 2, 1))


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
    sentence = step_on_text(step, SENTENCE)
    with code_process.start(step.number) as process:
        run = run_lines(process, step, workspace, [], sentence, solutions=True, device="cpu", green={})
    sizes = (component(run, limits) for limits in _LIMITS)
    return next(text for text in sizes if len(text.encode()) <= MOST_BYTES)


def write(chapter: str = "") -> None:
    """Computes the components of all chapters, or of one."""
    for each in chapters():
        if chapter in ("", each):
            file_of(each).write_text(made(each), encoding="utf-8")
