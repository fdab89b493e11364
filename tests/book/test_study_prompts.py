"""The guide to studying with an assistant: a prompt for each part of the course, with the right steps."""

import re

import pytest

from book import study_prompts
from book.paths import SOURCE
from tutor.course import COURSE

PARTS = list(dict.fromkeys(step.part for step in COURSE))
PAGE = (SOURCE / "study-with-an-assistant.md").read_text()

every_part = pytest.mark.parametrize("part", PARTS)


@every_part
def test_prompt_names_its_steps_and_no_others(part: str):
    text = study_prompts.file(part).read_text()
    named = re.findall(r"^- (\d\d) (.+)$", text, flags=re.MULTILINE)
    assert named == [(step.label, step.title) for step in COURSE if step.part == part]
    assert f"This part of the course: {part}." in text


@every_part
def test_prompt_asks_and_gives_no_code(part: str):
    text = study_prompts.file(part).read_text()
    for rule in ("one question at a time", "python -m tutor sNN", "What you never do",
                 "You may tell me", "You may not tell me"):  # fmt: skip
        assert rule in text
    assert study_prompts.GUIDES[part].begin.endswith("?")
    assert max(map(len, text.splitlines())) <= 90
    # No line of a solution is in a prompt.
    for step in COURSE:
        if step.part == part:
            solution = (SOURCE.parents[1] / f"solutions/solution_{step.label}.py").read_text().partition("# Task ")[2]
            for line in filter(lambda line: len(line.strip()) > 24, solution.splitlines()):
                assert line.strip() not in text
