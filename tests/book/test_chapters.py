"""The chapters agree with the course: titles, sections, files, commands, words."""

import re

import pytest

from book.paths import SOURCE
from book.preprocessor import tasks_of
from tests.support.pages import PAGES, chapter, every_page, section
from tests.support.repository import README, TASKS, known_commands
from tutor.course import COURSE, Step
from tutor.learner.workspace import REPOSITORY

SECTIONS = [
    "What you will build",
    "Why it exists",
    "The idea",
    "The formula",
    "Shapes",
    "MAX operations",
    "Tasks",
    "The step file",
    "Run it",
    "Common errors",
    "Check your understanding",
    "The solution",
    "In production",
    "Next",
]
every_step = pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)


def test_summary_lists_the_parts_and_steps_of_the_course():
    expected = []
    for index, step in enumerate(COURSE):
        if index == 0 or COURSE[index - 1].part != step.part:
            expected.append(f"# {step.part}")
        expected.append(f"- [{step.label} {step.title}](step_{step.label}.md)")
    summary = (SOURCE / "SUMMARY.md").read_text()
    listed = [line for line in summary.splitlines() if re.match(r"# |- \[\d\d", line)]
    assert [line for line in listed if line not in ("# Summary", "# Reference")] == expected
    assert set(re.findall(r"\(([\w.-]+\.md)\)", summary)) == set(PAGES), "each page is in the summary"


@every_step
def test_chapter_has_the_steps_title_and_each_section_in_order(step: Step):
    text = chapter(step)
    assert text.startswith(f"# Step {step.label}: {step.title}\n")
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == SECTIONS
    for heading in SECTIONS:
        assert section(text, heading).strip(), f"{heading} is empty"


@every_step
def test_chapter_includes_its_files_and_what_they_print(step: Step):
    text = chapter(step)
    assert f"{{{{#include ../../steps/step_{step.label}.py}}}}" in section(text, "The step file")
    assert f"{{{{#include ../../solutions/solution_{step.label}.py}}}}" in section(text, "The solution")
    assert "<details>" in section(text, "The solution"), "the solution is folded away"
    assert "{{tasks}}" in section(text, "Tasks")
    assert f"../outputs/step_{step.label}_example.txt" in section(text, "The idea")
    run = " ".join(section(text, "Run it").split())
    assert f"`pixi run s{step.label}`" in run and f"`make s{step.label}`" in run
    for name in ("first", "pass"):
        assert f"{{{{#include ../outputs/step_{step.label}_{name}.txt}}}}" in run
    assert section(text, "Common errors").count("../outputs/") >= 2
    questions = section(text, "Check your understanding")
    assert 3 <= questions.count("<details>") <= 5 and questions.count("<summary>") == questions.count("<details>")


@every_step
def test_chapter_links_to_the_next_and_to_the_operations_that_the_solution_uses(step: Step):
    text = chapter(step)
    if step is not COURSE[-1]:
        assert f"(step_{step.number + 1:02d}.md)" in section(text, "Next")
    solution = (REPOSITORY / f"solutions/solution_{step.label}.py").read_text()
    used = set(re.findall(r"\bF\.\w+", solution.partition('"""\n\n')[2]))
    linked = set(re.findall(r"\{\{api:([\w.]+)\}\}", section(text, "MAX operations")))
    assert used <= linked, f"not explained: {used - linked}"


@every_step
def test_tasks_are_read_from_the_step_file(step: Step):
    tasks = tasks_of(step.number)
    assert len(tasks) >= 2 and all(task.endswith((".", "?", "`.")) for task in tasks)


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
