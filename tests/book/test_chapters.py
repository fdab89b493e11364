"""The chapters agree with the course: listings, commands, words. `tutor.dev.check` finds what a chapter lacks."""

import re

import pytest

from book.paths import SOURCE
from book.preprocessor import tasks_of
from tests.support.pages import every_page
from tests.support.repository import README, TASKS, known_commands
from tutor.course import COURSE, Step
from tutor.learner.workspace import REPOSITORY

every_step = pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)


@every_step
def test_tasks_are_read_from_the_step_file(step: Step):
    text = " ".join((REPOSITORY / f"steps/step_{step.label}.py").read_text().split())
    tasks = tasks_of(step.number)
    assert tasks and all(f" {number}. {task} " in text for number, task in enumerate(tasks, 1))


@every_page
def test_listings_are_included_and_never_pasted(page: str):
    text = (SOURCE / page).read_text()
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        if language == "sh":
            continue  # commands to type; the next test looks them up
        assert re.fullmatch(r"\{\{#include [^}]+\}\}\n", body), body


@every_page
def test_commands_in_the_text_exist(page: str):
    text = (SOURCE / page).read_text()
    blocks = [line for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
              for line in block.splitlines()]  # fmt: skip
    makefile = (REPOSITORY / "Makefile").read_text()
    for command in [*re.findall(r"`((?:make|pixi run|python -m) [^`]+)`", text), *blocks]:
        words = command.split()
        if words[0] == "make":
            assert words[1] in TASKS or re.search(rf"^{words[1]}\b", makefile, flags=re.MULTILINE), command
        elif words[:2] == ["pixi", "run"]:
            assert words[2] in TASKS or "NN" in words[2], command
        elif words[:3] == ["python", "-m", "tutor"]:
            assert words[3] in known_commands() or "NN" in words[3], command


@every_page
def test_lines_are_short_and_words_are_the_courses(page: str):
    text = (SOURCE / page).read_text()
    for line in text.splitlines():
        if "](" not in line and not line.startswith(("|", "{{figure", "$$", "<details>")):
            assert len(line) <= 110, line
    for word in ("Let's", "magic", "hidden_size", "num_heads", "sequence length of", "amazing"):
        # The attention lab speaks of functions that are not GPT-2's, whose arguments have PyTorch's names.
        assert word not in text or (word == "num_heads" and page in ("step_18.md", "step_19.md"))


def test_readme_names_the_books_commands():
    assert "make book" in README
