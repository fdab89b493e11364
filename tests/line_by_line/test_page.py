"""The web page of a step, line by line."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, expect

from tests.line_by_line.conftest import Run, TextRun
from tests.support.browser import assert_accessible, open_page
from tests.support.workspaces import Tool
from tutor.errors import PictureError
from tutor.learner.workspace import Workspace
from tutor.line_by_line import page as pages
from tutor.line_by_line.run import LineRun


def parsed(run: LineRun) -> BeautifulSoup:
    return BeautifulSoup(pages.page(run), "html.parser")


def data_of(soup: BeautifulSoup) -> dict:
    return json.loads(soup.select_one("script[type='application/json']").string)


@contextmanager
def opened(browser: Browser, run: LineRun, folder: Path, *, width: int = 1000) -> Iterator[Page]:
    file = folder / "page.html"
    pages.write(file, run, overwrite=True)
    with open_page(browser, file.as_uri(), width=width) as page:
        yield page


def line_with(page: Page, code: str):
    return page.locator(".lbl-source button", has_text=code)


def test_the_page_holds_code_operations_and_numbers_and_loads_nothing(solution: Run):
    run = solution(8, case=1)
    soup, text = parsed(run), run.file.read_text().split("\n")
    for line in soup.select(".lbl-line"):
        number = int(line.select_one(".lbl-number").string)
        assert line.get_text().removeprefix(str(number)).removesuffix(" …").strip("\u200b") == text[number - 1]
    (weights,) = [line for line in run.lines if line.text.startswith("weights = ")]
    value = data_of(soup)["lines"][str(weights.number)]["values"][0]
    assert (value["name"], value["shape"]) == ("weights", "(batch=2, n_head=3, seq_len=5, seq_len=5)")
    np.testing.assert_allclose(
        np.array(value["tables"]), weights.values[0].array.reshape(6, 5, 5), rtol=6e-4, atol=1e-9
    )
    made = [row.b.string for row in soup.select(f".lbl-graph [data-line='{weights.number}']")]
    assert made == ["add", "reduce.softmax"]
    assert not re.search(r"(?:src|href)=|https?:|@import|url\(", str(soup))


def test_minus_infinity_and_nan_are_words_in_the_data(solution: Run):
    run = solution(8, case=1)
    (mask,) = [line for line in run.lines if line.text.startswith("mask = causal")]
    value = data_of(parsed(run))["lines"][str(mask.number)]["values"][0]
    assert value["tables"][0][0] == [0, "-inf", "-inf", "-inf", "-inf"]


def test_a_wrong_and_an_unfinished_file_are_marked_in_words(changed: Run):
    wrong = parsed(changed(8, "/ math.sqrt(head_dim)", "/ head_dim"))
    assert [mark.string for mark in wrong.select(".lbl-mark")] == ["✗ the first wrong line"]
    failed = parsed(changed(8, "return weights @ value", "return value @ weights"))
    assert failed.select_one(".lbl-mark").string.startswith("✗ it failed here: ")
    assert data_of(failed)["start"] == int(
        failed.select_one(".lbl-source button:-soup-contains('return value')")["data-line"]
    )


def test_source_with_html_in_it_stays_text(changed: Run):
    run = changed(8, "weights = F.softmax", 'tag = "</script><b>&amp;"\n    weights = F.softmax')
    soup = parsed(run)
    assert (
        soup.select_one(".lbl-source b") is None
        and 'tag = "</script><b>&amp;"' in soup.select_one(".lbl-source").get_text()
    )


def test_pointing_at_a_line_lights_its_operations_and_back(browser: Browser, solution: Run, tmp_path: Path):
    with opened(browser, solution(8, case=1), tmp_path) as page:
        line_with(page, "weights = ").hover()
        lit = page.locator(".lbl-graph .lbl-lit b")
        expect(lit).to_have_text(["add", "reduce.softmax"])
        page.locator(".lbl-graph button", has_text="band_part").hover()
        expect(page.locator(".lbl-source .lbl-lit")).to_contain_text("mask = causal_mask")
        # What is only pointed at is not chosen.
        expect(page.locator(".lbl-said")).to_contain_text("scores (batch=2")


def test_arrow_keys_move_from_line_to_line(browser: Browser, solution: Run, tmp_path: Path):
    with opened(browser, solution(8, case=1), tmp_path) as page:
        page.keyboard.press("Tab")
        expect(line_with(page, "scores = ")).to_be_focused()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        expect(line_with(page, "weights = ")).to_be_focused()
        expect(line_with(page, "weights = ")).to_have_attribute("aria-current", "true")
        expect(page.locator(".lbl-said")).to_contain_text("weights (batch=2, n_head=3, seq_len=5, seq_len=5)")
        assert page.locator(".lbl-said").get_attribute("aria-live") == "polite"
        page.keyboard.press("Home")
        expect(page.locator(".lbl-said")).to_contain_text("query (batch=2")
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.closest('.lbl-graph') !== null")
        assert focused


def test_cells_tell_their_numbers_to_pointer_and_keys(browser: Browser, solution: Run, tmp_path: Path):
    run = solution(9, case=7)
    (line,) = [line for line in run.lines if line.text.startswith("return self.c_proj")]
    array = line.values[0].array
    with opened(browser, run, tmp_path) as page:
        line_with(page, "return self.c_proj").click()
        value = page.locator(".lbl-value").first
        cells = value.locator("tbody tr").nth(1).locator("td")
        cells.nth(2).hover()
        readout = value.locator("output")
        expect(readout).to_contain_text("[0, 1, 2] = ")
        shown = float(readout.inner_text().rpartition("= ")[2])
        np.testing.assert_allclose(shown, array[0, 1, 2], rtol=6e-4)
        cells.nth(2).focus()
        page.keyboard.press("ArrowRight")
        expect(readout).to_contain_text("[0, 1, 3] = ")
        page.keyboard.press("ArrowUp")
        expect(readout).to_contain_text("[0, 0, 3] = ")
        assert value.locator("caption").inner_text() == "the result at [0]"


def test_another_table_can_be_chosen(browser: Browser, solution: Run, tmp_path: Path):
    run = solution(8, case=1)
    (line,) = [line for line in run.lines if line.text.startswith("weights = ")]
    with opened(browser, run, tmp_path) as page:
        line_with(page, "weights = ").click()
        value = page.locator(".lbl-value").first
        value.get_by_label("table at").select_option("[1, 2]")
        row = [float(text) for text in value.locator("tbody tr").nth(4).locator("td").all_inner_texts()]
        np.testing.assert_allclose(row, line.values[0].array[1, 2, 4], rtol=6e-4)


def test_tokens_stand_beside_rows_and_above_columns(browser: Browser, on_text: TextRun, tmp_path: Path):
    tokens = ["To", "␣be", ",", "␣or", "␣not", "␣to", "␣be"]
    run = on_text(8)
    (line,) = [line for line in run.lines if line.text.startswith("weights = ")]
    with opened(browser, run, tmp_path) as page:
        expect(page.locator(".lbl-case")).to_contain_text(
            "on “To be, or not to be”: queries, keys and values of head 4 in block 0. "
            "The numbers are those of the trained model that comes with the course."
        )
        line_with(page, "weights = ").click()
        value = page.locator(".lbl-value").first
        assert value.locator("th[scope=row]").all_inner_texts() == tokens
        assert value.locator("th[scope=col]").all_inner_texts() == tokens
        value.locator("tbody tr").nth(3).locator("td").nth(1).hover()
        readout = value.locator("output")
        expect(readout).to_contain_text("weights[0, 0, 3, 1] (␣or, ␣be) = ")
        shown = float(readout.inner_text().rpartition("= ")[2])
        np.testing.assert_allclose(shown, line.values[0].array[0, 0, 3, 1], rtol=6e-4)
        # Where only the rows are tokens, columns have numbers.
        line_with(page, "return weights").click()
        value = page.locator(".lbl-value").first
        assert value.locator("th[scope=row]").all_inner_texts() == tokens
        assert value.locator("th[scope=col]").all_inner_texts() == [str(number) for number in range(32)]
        value.locator("tbody tr").nth(6).locator("td").nth(31).hover()
        expect(value.locator("output")).to_contain_text("[0, 0, 6, 31] (␣be) = ")


def test_a_case_has_numbers_in_place_of_tokens(browser: Browser, solution: Run, tmp_path: Path):
    with opened(browser, solution(8), tmp_path) as page:
        line_with(page, "weights = ").click()
        assert page.locator(".lbl-value").first.locator("th[scope=row]").all_inner_texts() == ["0", "1", "2", "3"]


def test_the_largest_logits_have_their_tokens(browser: Browser, on_text: TextRun, tmp_path: Path):
    run = on_text(13)
    (line,) = [line for line in run.lines if line.file == run.file and line.text.startswith("return self.lm_head")]
    logits = line.values[0].array[0]
    assert run.on_text is not None
    names = run.on_text.labels["vocab_size"]
    with opened(browser, run, tmp_path) as page:
        line_with(page, "return self.lm_head").click()
        likely = page.locator(".lbl-likely").first
        for row, made in enumerate(likely.locator("tr").all()):
            assert made.locator("b").all_inner_texts() == [names[id_] for id_ in np.argsort(-logits[row])[:3]]
            shown = float(made.locator("td").first.inner_text().rpartition(" ")[2])
            np.testing.assert_allclose(shown, logits[row].max(), rtol=6e-4)
        assert row == 6


def test_tokens_stay_in_sight_when_a_wide_table_is_scrolled(browser: Browser, on_text: TextRun, tmp_path: Path):
    with opened(browser, on_text(8), tmp_path, width=390) as page:
        line_with(page, "return weights").click()
        value = page.locator(".lbl-value").first
        value.locator(".lbl-scroll").evaluate("element => { element.scrollLeft = 1000; }")
        box = value.locator("th[scope=row]").nth(4).bounding_box()
        cell = value.locator("tbody tr").nth(4).locator("td").first.bounding_box()
        assert box is not None and cell is not None
        assert cell["x"] < 0 <= box["x"] < 390
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("step", [8, 13])
def test_a_sentence_is_accessible_too(browser: Browser, on_text: TextRun, tmp_path: Path, scheme: str, step: int):
    with opened(browser, on_text(step), tmp_path) as page:
        page.emulate_media(color_scheme=scheme)
        page.locator(".lbl-source button").last.click()
        assert_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("step", [8, 16])
def test_it_is_accessible_in_light_and_dark(browser: Browser, solution: Run, tmp_path: Path, scheme: str, step: int):
    with opened(browser, solution(step), tmp_path) as page:
        page.emulate_media(color_scheme=scheme)
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[scheme]
        assert_accessible(page)
        page.locator(".lbl-source button").last.click()
        assert_accessible(page)


def test_a_narrow_screen_stacks_and_does_not_scroll_sideways(browser: Browser, solution: Run, tmp_path: Path):
    with opened(browser, solution(13), tmp_path, width=390) as page:
        source, graph = (page.locator(part).bounding_box() for part in (".lbl-source", ".lbl-graph"))
        assert source is not None and graph is not None
        assert graph["y"] >= source["y"] + source["height"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with opened(browser, solution(13), tmp_path) as page:
        source, graph = (page.locator(part).bounding_box() for part in (".lbl-source", ".lbl-graph"))
        assert source is not None and graph is not None and graph["x"] >= source["x"] + source["width"]


def test_a_page_is_not_replaced_unasked(solution: Run, tmp_path: Path):
    file = tmp_path / "page.html"
    file.write_text("mine")
    with pytest.raises(PictureError, match="--overwrite"):
        pages.write(file, solution(8), overwrite=False)
    assert file.read_text() == "mine"
    pages.write(file, solution(8), overwrite=True)
    assert file.read_text().startswith("<!doctype html>")
    for name, told in (("page.svg", "ends in .html"), ("none/page.html", "no folder")):
        with pytest.raises(PictureError, match=told):
            pages.check(tmp_path / name, overwrite=False)


def test_the_command_writes_a_page(filled: Workspace, tutor: Tool):
    result = tutor(filled, "show", "08", "--output", "page.html")
    assert result.returncode == 0 and result.stdout.strip() == "page.html is written.", result.stderr
    assert "steps/step_08.py" in (filled.root / "page.html").read_text()
    again = tutor(filled, "show", "08", "--output", "page.html")
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert tutor(filled, "show", "08", "--output", "other.html", "--line", "43").returncode == 2
