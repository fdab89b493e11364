"""Everything that is missing or out of date, of one step or of the whole course. Nothing is compiled or run."""

from collections.abc import Iterator
from pathlib import Path

from book import study_prompts
from tutor.course import COURSE, Step
from tutor.dev.check_book import (
    OUTPUTS_OF_STEP,
    captures_of,
    chapter_problems,
    example_problems,
    guide_problems,
    page_problems,
    pages,
    summary_problems,
)
from tutor.dev.check_code import code_problems, oracle_problems, stray_files
from tutor.dev.files import COURSE_FILE, files_of, output_file
from tutor.dev.lists import LISTS, parts_of
from tutor.dev.problem import Problem


def problems() -> list[Problem]:
    """Everything that is missing or out of date, step by step, then what concerns them all."""
    return [*(problem for step in COURSE for problem in step_problems(step)), *course_problems()]


def _missing_files() -> set[Path]:
    """The files that `step_problems` and `guide_problems` miss."""
    files = {study_prompts.file(part) for part in parts_of(COURSE)}
    for step in COURSE:
        example = files_of(step).example
        files |= {*files_of(step).written, files_of(step).skeleton}
        files |= {output_file(example.stem, name) for name in (*OUTPUTS_OF_STEP, *(captures_of(example) or ()))}
    return {file for file in files if not file.exists()}


def step_problems(step: Step) -> Iterator[Problem]:
    """What is wrong with one step: its code, its chapter, its example."""
    following = next((other for other in COURSE if other.number == step.number + 1), None)
    yield from code_problems(step)
    yield from chapter_problems(step, following)
    yield from example_problems(step)


def course_problems() -> Iterator[Problem]:
    """What is wrong with what all steps share: the course, the lists of steps, the oracle, the pages, the guide."""
    if [step.number for step in COURSE] != list(range(len(COURSE))):
        yield Problem(COURSE_FILE, "does not number the steps 0, 1, 2, ...", "put them in order, without a hole")
    titles = [step.title for step in COURSE]
    for title in sorted({title for title in titles if titles.count(title) > 1}):
        yield Problem(COURSE_FILE, f"has two steps called {title!r}", "rename one")
    parts = [step.part for step in COURSE]
    if sorted(parts, key=parts_of(COURSE).index) != parts:
        yield Problem(COURSE_FILE, "comes back to a part that has ended", "keep the steps of a part together")
    yield from stray_files(COURSE)
    for steps in LISTS:
        yield from steps.problems(COURSE)
    yield from oracle_problems(COURSE)
    all_pages = pages()
    yield from page_problems(all_pages, _missing_files())
    yield from summary_problems(list(all_pages))
    yield from guide_problems(COURSE)
