"""The four lists of steps that other files hold: tasks of pixi, the README's table, the book's contents and guide.

Each is made from the course. `check` compares them with what the files have, `lists` and `new` write them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from book import study_prompts
from book.paths import SOURCE
from tutor.course import Step
from tutor.dev.problem import Problem, shown
from tutor.errors import CourseError
from tutor.learner.workspace import REPOSITORY

FIX = "python -m tutor.dev lists"


@dataclass(frozen=True)
class StepList:
    """One list of steps in a file.

    Args:
        file: which file.
        before: matches the line in front of the list, or an earlier one.
        line: matches every line of the list and no other near it.
        make: the list's lines for a course, without empty lines at its ends.
    """

    file: Path
    before: str
    line: str
    make: Callable[[Sequence[Step]], list[str]]

    def updated(self, course: Sequence[Step]) -> str:
        """The text of the file with the list as it has to be.

        Raises:
            CourseError: the file has no such list.
        """
        lines = self.file.read_text(encoding="utf-8").splitlines()
        heading = next((index for index, line in enumerate(lines) if re.fullmatch(self.before, line)), None)
        start = None if heading is None else _first(lines, heading + 1, self.line)
        if start is None:
            raise CourseError(f"{shown(self.file)} has no list of steps below a line like {self.before!r}")
        end = start
        while end < len(lines) and (not lines[end] or re.fullmatch(self.line, lines[end])):
            end += 1
        while not lines[end - 1]:  # an empty line after the list is not part of it
            end -= 1
        return "\n".join([*lines[:start], *self.make(course), *lines[end:]]) + "\n"

    def problems(self, course: Sequence[Step]) -> list[Problem]:
        """What is wrong with the list: one problem, or none."""
        try:
            updated = self.updated(course)
        except CourseError as error:
            return [Problem(self.file, f"cannot be compared: {error}", f"restore the list in {shown(self.file)}")]
        text = self.file.read_text(encoding="utf-8")
        if updated == text:
            return []
        right, there = updated.splitlines(), text.splitlines()
        wrong = [line for line in right if line and line not in there] or [line for line in there if line not in right]
        example = f" (such as {wrong[0]!r})" if wrong else ""
        return [Problem(self.file, f"does not list the steps of tutor/course.py{example}", FIX)]


def parts_of(course: Sequence[Step]) -> list[str]:
    """The parts of a course, in order."""
    return list(dict.fromkeys(step.part for step in course))


def _first(lines: Sequence[str], start: int, pattern: str) -> int | None:
    return next((index for index in range(start, len(lines)) if re.fullmatch(pattern, lines[index])), None)


def _tasks(course: Sequence[Step]) -> list[str]:
    return [f's{step.label} = "python -m tutor s{step.label}"' for step in course]


def _rows(course: Sequence[Step]) -> list[str]:
    return [f"| {step.label} | {step.title} |" for step in course]


def _contents(course: Sequence[Step]) -> list[str]:
    lines: list[str] = []
    for part in parts_of(course):
        chapters = [f"- [{step.label} {step.title}](step_{step.label}.md)" for step in course if step.part == part]
        lines += ["", f"# {part}", "", *chapters]
    return lines[1:]


def _prompts(course: Sequence[Step]) -> list[str]:
    lines: list[str] = []
    for part in parts_of(course):
        name = study_prompts.file(part).name
        lines += ["", f"### {part}", "", "```text", f"{{{{#include ../prompts/{name}}}}}", "```"]
    return lines[1:]


LISTS = (
    StepList(REPOSITORY / "pixi.toml", r"\[tasks\]", r"s\d\d = .*", _tasks),
    StepList(REPOSITORY / "README.md", r"\| step \| .*", r"\| \d\d \| .* \|", _rows),
    StepList(SOURCE / "SUMMARY.md", r"\[Set-up\].*", r"# (?!Reference$).*|- \[\d\d .*\]\(step_\d\d\.md\)", _contents),
    StepList(
        SOURCE / "study-with-an-assistant.md",
        r"## The prompts",
        r"### .*|```(text)?|\{\{#include \.\./prompts/\w+\.txt\}\}",
        _prompts,
    ),
)
