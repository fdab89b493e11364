"""The recorded session: it shows what the tool prints now, and an SVG that plays it."""

import re
from xml.etree import ElementTree

import pytest

from book.recording import KEYS, ROWS, SESSION, Frame, Piece, draw, record
from tutor.learner.workspace import REPOSITORY

SVG = "{http://www.w3.org/2000/svg}"


def test_the_recording_is_what_the_tool_prints_now(compiled: None):
    """Also where the pages refer to it."""
    frames = record()
    assert draw(frames) == SESSION.read_text(), "python -m book refresh captures"
    # The picture holds each character of each screen.
    assert screens(SESSION.read_text()) == [frame.text for frame in frames]
    for keys, _ in KEYS:
        assert any(frame.text.endswith("$ " + keys) or f"$ {keys}\n" in frame.text for frame in frames), keys
    assert "Step 08 is right" in frames[-1].text and "\nROMEO:\n" in frames[-1].text


@pytest.mark.parametrize(("page", "file"), [("README.md", "book/src/screens/session.svg"),
                                            ("book/src/setup.md", "screens/session.svg")])  # fmt: skip
def test_the_recording_is_shown(page: str, file: str):
    assert f"]({file})" in (REPOSITORY / page).read_text()
    assert ((REPOSITORY / page).parent / file) == SESSION


def screens(svg: str) -> list[str]:
    """The text of each frame of a picture."""
    root = ElementTree.fromstring(svg)
    rows = {f"#{row.get('id')}": text_of(row) for row in root.iter(f"{SVG}g") if row.get("id")}
    frames = []
    for group in root.iter(f"{SVG}g"):
        if "frame" in group.get("class", "").split():
            placed = {line_of(use): rows[use.get("href", "")] for use in group}
            frames.append("\n".join(placed.get(line, "") for line in range(ROWS)))
    return frames


def line_of(use: ElementTree.Element) -> int:
    return round((float(use.get("y", "")) - 27) / 20)


def text_of(row: ElementTree.Element) -> str:
    text = ""
    for piece in row:
        text = text.ljust(round(float(piece.get("x", "")) / 9.6)) + (piece.text or "")
    return text.rstrip()


def test_frames_follow_each_other_without_a_gap():
    blank = ((),) * (ROWS - 1)
    frames = [Frame((((Piece(0, text, "green", bold=True)),), *blank), seconds) for text, seconds in TWO]
    svg = draw(frames)
    assert screens(svg) == ["a < b" + "\n" * (ROWS - 1), "$ c" + "\n" * (ROWS - 1)]
    assert re.search(r"@keyframes f0 \{ 0.000% \{ visibility: visible \} 25.000% \{ visibility: hidden \} \}", svg)
    assert re.search(r"f1 \{ 0% \{ visibility: hidden \} 25.000% \{ visibility: visible \} \}", svg)
    assert "animation: 4.00s step-end infinite" in svg


TWO = (("a < b", 1.0), ("$ c", 3.0))


def test_with_less_motion_the_last_frame_stays():
    svg = SESSION.read_text()
    assert "@media (prefers-reduced-motion: reduce) { .frame { animation: none !important } }" in svg
    assert svg.count('class="frame last"') == 1 and svg.rindex('class="frame') == svg.index('class="frame last"')
    assert ".frame { visibility: hidden;" in svg and ".last { visibility: visible }" in svg
