"""Pictures of attention in files: each holds every weight and token, can be read, and is written whole."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from playwright.sync_api import Browser

from tests.support.attention_maps import some_weights
from tests.support.browser import assert_accessible, open_page
from tests.support.workspaces import Tool
from tutor import files
from tutor.attention_maps import pictures
from tutor.attention_maps.terminal_map import HeatMap
from tutor.errors import CourseError
from tutor.learner.workspace import Workspace

WORDS = ["JULIET", ":", "⏎", "<&>", '␣"lord\'s"', "<0xE2>"]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, #rrggbb, as WCAG defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("scheme", [pictures.LIGHT, pictures.DARK], ids=["light", "dark"])
def test_numbers_can_be_read_on_every_heat(scheme: dict[str, str]):
    assert contrast(scheme["ink"], scheme["page"]) >= 7
    for share in np.linspace(0, 1, 21):
        assert contrast(scheme["on"], mixed(scheme["heat"], scheme["page"], share)) >= 4.5


@pytest.mark.parametrize("count", [1, 6, 24, 25, 64, 65, 128])
def test_svg_holds_every_weight_and_every_token(count: int):
    words = [WORDS[place % len(WORDS)] for place in range(count)]
    weights = some_weights(count)
    root = ElementTree.fromstring(pictures.svg(HeatMap("gpt2 & co, layer 1, head 2", words, weights)))
    svg = "{http://www.w3.org/2000/svg}"
    title, description = root.find(f"{svg}title"), root.find(f"{svg}desc")
    assert root.get("role") == "img" and root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert title.text == "gpt2 & co, layer 1, head 2" and " ".join(words) in description.text
    cells = {
        (float(cell.get("x")), float(cell.get("y"))): float(cell.get("fill-opacity"))
        for cell in root.findall(f"{svg}g[@class='heat']")[1].iter(f"{svg}rect")
    }
    columns, rows = (sorted({place[axis] for place in cells}) for axis in (0, 1))
    assert len(columns) == len(rows) == count
    for (x, y), opacity in cells.items():
        assert opacity == pytest.approx(float(weights[rows.index(y), columns.index(x)]), abs=6e-4)
    assert len(cells) == (np.tril(weights) >= 0.0005).sum()
    labels = [text.text for text in root.iter(f"{svg}text")]
    assert all(labels.count(word) >= 2 for word in words), "on both sides"
    width, height = float(root.get("width")), float(root.get("height"))
    assert max(columns) < width and max(rows) < height


def test_html_is_a_table_that_needs_nothing_else():
    weights = some_weights(len(WORDS))
    content = pictures.page(HeatMap("gpt2 & co, layer 1, head 2", WORDS, weights)).decode()
    page = BeautifulSoup(content, "html.parser")
    assert page.html["lang"] == "en" and page.title.text == page.h1.text == "gpt2 & co, layer 1, head 2"
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(", content), "it is whole by itself"
    rows = page.tbody.find_all("tr")
    assert [row.th.text for row in rows] == [f"{place} {word}" for place, word in enumerate(WORDS)]
    assert [cell.text for cell in page.thead.find_all("th")] == [row.th.text for row in rows]
    for query, row in enumerate(rows):
        shown = [cell.text for cell in row.find_all("td")]
        assert len(shown) == len(WORDS)
        for key, number in enumerate(shown):
            assert number == ("" if key > query else str(round(100 * float(weights[query, key]))))
    assert {row.th["scope"] for row in rows} == {"row"}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_html_can_be_read_in_light_and_dark(browser: Browser, tmp_path: Path, dark: bool):
    file = tmp_path / "map.html"
    file.write_bytes(pictures.page(HeatMap("a head", ["␣word"] * 40, some_weights(40))))
    with open_page(browser, file.as_uri(), width=500) as page:
        page.emulate_media(color_scheme="dark" if dark else "light")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        expected = pictures.DARK if dark else pictures.LIGHT
        assert [int(part) for part in re.findall(r"\d+", background)] == [
            int(expected["page"][start : start + 2], 16) for start in (1, 3, 5)
        ]
        assert_accessible(page)
        # The table scrolls in its frame, not the page.
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.parametrize("count", [1, 20, 100])
def test_png_is_a_picture_with_its_title(tmp_path: Path, count: int):
    file = tmp_path / "map.png"
    words = [["ROMEO", "羅密歐", "$x$", "⏎"][place % 4] for place in range(count)]
    pictures.write(file, HeatMap("a head", words, some_weights(count)), overwrite=False)
    with Image.open(file) as image:
        image.load()
        assert image.format == "PNG" and image.info["Title"] == "a head"
        assert min(image.size) > 300
        assert len(set(image.convert("RGB").resize((64, 64)).getdata())) > 5, "it is not empty"


@pytest.mark.parametrize("suffix", ["svg", "html", "png", "SVG"])
def test_the_command_writes_a_picture(suffix: str, skeletons: Workspace, tutor: Tool, compiled: None):
    file = skeletons.root / f"map.{suffix}"
    result = tutor(skeletons, "attention", "To be, or not to be", "--layer", "1", "--output", str(file))
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert f"{file} is written." in " ".join(result.stdout.split()) or file.name in result.stdout
    first = {"svg": b"<svg ", "html": b"<!doctype html>", "png": b"\x89PNG"}[suffix.lower()]
    assert file.read_bytes().startswith(first)
    assert sorted(path.name for path in skeletons.root.iterdir() if "map" in path.name or "pic" in path.name) == [
        file.name
    ], "nothing else is left behind"


def test_a_file_that_is_there_is_kept(skeletons: Workspace, tutor: Tool, compiled: None):
    file = skeletons.root / "map.svg"
    file.write_text("precious")
    refused = tutor(skeletons, "attention", "A b", "--output", str(file))
    assert refused.returncode == 1 and file.read_text() == "precious"
    assert refused.stderr == f"error: {file} is there already: give another name, or --overwrite\n"
    assert tutor(skeletons, "attention", "A b", "--output", str(file), "--overwrite").returncode == 0
    assert file.read_text().startswith("<svg ")


def test_a_picture_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(drawn: HeatMap) -> bytes:
        raise RuntimeError("the drawing failed")

    monkeypatch.setitem(pictures.WRITERS, ".svg", fail)
    (tmp_path / "map.svg").write_text("precious")
    with pytest.raises(RuntimeError):
        pictures.write(tmp_path / "map.svg", HeatMap("a head", ["a"], np.ones((1, 1))), overwrite=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    with pytest.raises(CourseError, match="cannot be written: give a file in another folder"):
        pictures.check(tmp_path / "map.svg", overwrite=False)
    monkeypatch.undo()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(CourseError, match=r"map\.svg cannot be written: No space left on device"):
        pictures.write(tmp_path / "map.svg", HeatMap("a head", ["a"], np.ones((1, 1))), overwrite=False)
    assert not list(tmp_path.iterdir())


def test_a_png_without_matplotlib_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(CourseError, match=r"make build-book.*\.svg and \.html need nothing more"):
        pictures.check(tmp_path / "map.png", overwrite=False)
    pictures.check(tmp_path / "map.svg", overwrite=False)
