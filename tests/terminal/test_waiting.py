"""The line that says what is being waited for."""

import io
import time

import pytest
from rich.console import Console

from tutor.terminal import waiting
from tutor.terminal.waiting import Waiting, duration


def test_without_a_terminal_what_takes_long_is_told_once():
    out = io.StringIO()
    with Waiting(Console(file=out)) as display:
        display.begin("tracing the graph", brief=True)
        display.begin("compiling the model with MAX", note="about a minute, once")
        display.update("compiling the model with MAX, 3 of 4")
    assert out.getvalue() == "compiling the model with MAX (about a minute, once)\n"


def test_a_terminal_shows_the_seconds_and_ends_with_an_empty_line():
    out = io.StringIO()
    with Waiting(Console(file=out, force_terminal=True, width=80, color_system=None)) as display:
        display.begin("tracing the graph", brief=True)
        time.sleep(1.3)
    shown = out.getvalue()
    assert "tracing the graph" in shown and "tracing the graph, 1 s" in shown
    assert shown.endswith("\x1b[2K"), "the line is not wiped at the end"
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor stays hidden"


def test_nothing_is_shown_before_something_begins():
    for terminal in (False, True):
        out = io.StringIO()
        with Waiting(Console(file=out, force_terminal=terminal)):
            pass
        assert out.getvalue() == ""


def test_each_activity_counts_its_own_seconds(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now)
    display = Waiting(Console(file=io.StringIO()))
    display.begin("tracing")
    assert str(display.__rich__()) == "tracing"
    now = 104.9
    assert str(display.__rich__()) == "tracing, 4 s"
    display.begin("compiling", note="once")
    assert str(display.__rich__()) == "compiling (once)"
    now = 104.9 + 125
    display.update("compiling 2 graphs")
    assert str(display.__rich__()) == "compiling 2 graphs, 2 min 05 s (once)"


@pytest.mark.parametrize(("seconds", "told"), [(0, "0 s"), (59, "59 s"), (60, "1 min 00 s"), (3601, "60 min 01 s")])
def test_durations(seconds: int, told: str):
    assert duration(seconds) == told
