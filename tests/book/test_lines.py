"""The solutions line by line, as the chapters show them."""

import json

import pytest
from bs4 import BeautifulSoup

from book import lines
from book.preprocessor import BookError, fill_in
from tests.support.approximate import assert_same_text


def test_these_chapters_show_their_solution_line_by_line():
    assert lines.chapters() == [f"step_{number:02d}" for number in (*range(2, 14), 16, 18)]


@pytest.mark.parametrize("chapter", lines.chapters())
def test_what_is_kept_is_what_the_solution_makes(chapter: str):
    kept = lines.file_of(chapter).read_text(encoding="utf-8")
    assert len(kept.encode()) <= lines.MOST_BYTES
    assert_same_text(lines.made(chapter), kept)


@pytest.mark.parametrize("chapter", lines.chapters())
def test_it_is_one_sentence_with_its_tokens(chapter: str):
    soup = BeautifulSoup(lines.file_of(chapter).read_text(encoding="utf-8"), "html.parser")
    told = soup.select_one(".lbl-case").get_text()
    assert "on “To be, or not to be”: " in told and "rounded to 4 digits" in told
    data = json.loads(soup.select_one("script").string)
    values = [value for line in data["lines"].values() for value in line["values"]]
    tokens = ["To", "␣be", ",", "␣or", "␣not", "␣to", "␣be"]
    # In step 16 one token is new, and the others are keys.
    assert any(tokens in (value["rows"], value["columns"]) for value in values)


def test_it_is_folded_into_the_chapter_whole():
    filled = fill_in("Before.\n\n{{show:08}}\n\nAfter.", "step_08.md")
    assert filled.startswith("Before.\n\n<details><summary>See it run</summary>\n") and filled.endswith("\n\nAfter.")
    inside = filled.removeprefix("Before.\n\n").removesuffix("\n\nAfter.")
    assert "\n\n" not in inside.strip(), "Markdown would end the HTML at a blank line"
    assert "weights = F.softmax" in inside and "startLineByLine" in inside


def test_a_step_that_is_not_kept_is_an_error():
    with pytest.raises(BookError, match="refresh lines"):
        fill_in("{{show:01}}", "step_01.md")
