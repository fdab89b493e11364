"""Everything that the chapters show is computed again."""

import json
from pathlib import Path

import pytest

from book import captures, plots
from book.paths import FIGURES, NUMBERS, SOURCE
from tests.support.approximate import assert_same_text
from tests.support.pages import PAGES


@pytest.fixture(scope="session")
def fresh_examples() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    return captures.examples()


@pytest.mark.parametrize("file", captures.example_files(), ids=lambda file: file.stem)
def test_example_prints_what_the_book_shows(file: Path, fresh_examples):
    printed, numbers = fresh_examples
    if file.stem in printed:
        assert_same_text(printed[file.stem], captures.output_file(file.stem, "example").read_text())
    kept = json.loads(NUMBERS.read_text())[file.stem]
    assert kept.keys() == numbers[file.stem].keys()
    for name, value in numbers[file.stem].items():
        assert_same_text(value, kept[name])


@pytest.mark.parametrize(
    ("chapter", "name", "capture"), list(captures.all_captures()), ids=lambda value: value if type(value) is str else ""
)
def test_captured_output_is_what_the_tool_prints(chapter: str, name: str, capture, compiled: None):
    assert_same_text(captures.run_capture(chapter, capture), captures.output_file(chapter, name).read_text())


def test_figures_are_drawn_from_the_shipped_data():
    drawn = plots.figures()
    assert {file.stem for file in FIGURES.glob("*.svg")} == set(drawn)
    text = "\n".join((SOURCE / page).read_text() for page in PAGES)
    for name, svg in drawn.items():
        assert svg == (FIGURES / f"{name}.svg").read_text(), f"{name}: python -m book refresh figures"
        assert f"{{{{figure:{name} " in text, f"the figure {name} is shown nowhere"
