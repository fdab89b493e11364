"""Everything that the chapters show is computed again."""

import json
from pathlib import Path

import pytest

from book import captures, plots
from book.paths import EXAMPLES, FIGURES, NUMBERS, OUTPUTS, SOURCE
from tests.support.approximate import assert_same_text
from tests.support.pages import PAGES, every_page
from tutor.course import COURSE


@pytest.fixture(scope="session")
def fresh_examples() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    return captures.examples()


def test_each_chapter_has_its_computed_file():
    assert {file.stem for file in captures.example_files()} >= {f"step_{step.label}" for step in COURSE}


@pytest.mark.parametrize("file", captures.example_files(), ids=lambda file: file.stem)
def test_example_prints_what_the_book_shows(file: Path, fresh_examples):
    printed, numbers = fresh_examples
    if file.stem in printed:
        assert_same_text(printed[file.stem], captures.output_file(file.stem, "example").read_text())
    kept = json.loads(NUMBERS.read_text())[file.stem]
    assert kept.keys() == numbers[file.stem].keys()
    for name, value in numbers[file.stem].items():
        assert_same_text(value, kept[name])


@every_page
def test_every_number_asked_for_is_used_and_there(page: str):
    numbers = json.loads(NUMBERS.read_text()).get(Path(page).stem, {})
    every_text = "\n".join((SOURCE / name).read_text() for name in PAGES)
    for name in numbers:
        used = f"{{{{number:{name}}}}}" in (SOURCE / page).read_text()
        assert used or f"{{{{number:{Path(page).stem}.{name}}}}}" in every_text, f"{name} is shown nowhere"


@pytest.mark.parametrize(
    ("chapter", "name", "capture"), list(captures.all_captures()), ids=lambda value: value if type(value) is str else ""
)
def test_captured_output_is_what_the_tool_prints(chapter: str, name: str, capture, compiled: None):
    assert_same_text(captures.run_capture(chapter, capture), captures.output_file(chapter, name).read_text())


def test_every_captured_file_is_shown_and_comes_from_a_command():
    text = "\n".join((SOURCE / page).read_text() for page in PAGES)
    made = {captures.output_file(chapter, name) for chapter, name, _ in captures.all_captures()}
    made |= {captures.output_file(file.stem, "example") for file in captures.example_files()}
    for file in OUTPUTS.glob("*.txt"):
        assert file in made, f"nothing makes {file.name}"
        assert f"../outputs/{file.name}" in text, f"{file.name} is shown nowhere"


def test_figures_are_drawn_from_the_shipped_data():
    drawn = plots.figures()
    assert {file.stem for file in FIGURES.glob("*.svg")} == set(drawn)
    text = "\n".join((SOURCE / page).read_text() for page in PAGES)
    for name, svg in drawn.items():
        assert svg == (FIGURES / f"{name}.svg").read_text(), f"{name}: python -m book refresh figures"
        assert f"{{{{figure:{name} " in text, f"the figure {name} is shown nowhere"


def test_example_files_stand_for_one_chapter_each():
    assert all((SOURCE / f"{file.stem}.md").exists() for file in EXAMPLES.glob("[!_]*.py"))
