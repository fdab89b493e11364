"""The screen of `learn`, by real key presses in a pseudo-terminal."""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.pseudo_terminal import PseudoTerminal, processes_of, terminal
from tutor.course import COURSE
from tutor.learner.progress import record_verdict
from tutor.learner.workspace import Workspace

TUTOR = [sys.executable, "-m", "tutor"]
WATCH, LEARN = [*TUTOR, "watch", "01", "--no-ahead"], [*TUTOR, "learn", "--no-ahead"]
RIGHT, WRONG = "return self.n_embd // self.n_head", "return self.n_embd"
SIZES = [(80, 24), (120, 40), (40, 15)]
# Colours in an escape sequence that sets how text looks: 30 to 38, 40 to 48, 90 to 97, 100 to 107.
COLOURED = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


@pytest.fixture
def wrong(filled: Workspace) -> Workspace:
    """Step 01 is wrong in a line that the verdict can name."""
    change(filled.step(1), RIGHT, "return self.n_embd // self.n_heads")
    return filled


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def fix(workspace: Workspace) -> None:
    change(workspace.step(1), "self.n_embd // self.n_heads", "self.n_embd // self.n_head")


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_a_session_from_a_wrong_file_to_the_next_step(wrong: Workspace, columns: int, rows: int):
    with terminal(WATCH, wrong.root, columns, rows) as shown:
        shown.wait_for("Step 01 is not right yet", "✗ task 4", "waiting for your next save")
        assert shown.lines[0].startswith(" Step 01  Model") and shown.lines[0].endswith(f"0 of {len(COURSE)} right")
        assert "? keys  q quit" in shown.lines[-1]
        shown.press(" ")
        if rows > 20:
            shown.wait_for(RIGHT + "s", "> ")
            place = next(line for line in shown.lines if "> " in line and RIGHT + "s" in line)
            assert re.search(r"> \d+ ", place)
        fix(wrong)
        shown.wait_for("Step 01 is right", "✓ task 4", "n goes on", f"1 of {len(COURSE)} right")
        assert set(json.loads((wrong.state / "progress.json").read_text())["green"]) == {"1"}
        shown.press("n")
        shown.wait_for("Step 02")
        shown.press("q")
        assert shown.end() == 0


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_every_page_opens_and_closes(wrong: Workspace, columns: int, rows: int):
    with terminal(WATCH, wrong.root, columns, rows) as shown:
        shown.wait_for("Step 01 is not right yet")

        def look_at(key: str, *texts: str, back: str = "q") -> None:
            shown.press(key)
            shown.wait_for(*texts)
            shown.press(back)
            # A page is drawn in pieces: what was below may still be there. A key right after Esc would be another key.
            shown.wait_until_gone(texts[0])
            shown.wait_for("Step 01 is not right yet")

        look_at("?", "Keys", "h  shows the next hint", back="\x1b")
        look_at("h", "Step 01: hint", "hint 1 of 3")
        look_at("h", "hint 2 of 3")
        look_at("d", "Step 01: diff", "steps/step_01.py", back="\x1b")
        look_at("s", "plain Python")
        look_at("g", "plain Python")
        look_at("c", "The chapter", "step_01")
        look_at("l", "The steps", "01  Model configuration", "Return: go there")
        look_at("r", "Restore the skeleton", "y: yes", back="n")
        assert "self.n_heads" in wrong.step(1).read_text()
        shown.press("n")
        shown.wait_for("lists")  # one does not go on from a wrong step
        assert shown.lines[0].startswith(" Step 01")


def test_reset_asks_and_then_checks_the_skeleton(wrong: Workspace):
    with terminal(WATCH, wrong.root) as shown:
        shown.wait_for("Step 01 is not right yet")
        shown.press("r")
        shown.wait_for("Restore the skeleton of step 01?")
        shown.press("y")
        shown.wait_for("Not filled in yet: step 01", "is kept as")
    (kept,) = (wrong.state / "backups").glob("step_01-*.py")
    assert "self.n_heads" in kept.read_text()


def test_a_step_is_chosen_from_the_list(wrong: Workspace):
    with terminal(WATCH, wrong.root) as shown:
        shown.wait_for("Step 01 is not right yet")
        shown.press("l")
        shown.wait_for("Return: go there")
        shown.press("\x1b[A\r")
        shown.wait_for("Step 00 is right", "✓ task 1")


def test_learn_begins_where_the_learner_left_off_and_follows_the_file_that_is_saved(wrong: Workspace):
    fix(wrong)
    with terminal(WATCH, wrong.root) as shown:
        shown.wait_for("Step 01 is right")
    record_verdict(wrong, 0, {"00": "another file"})  # it was right with another file
    with terminal(LEARN, wrong.root) as shown:
        shown.wait_for("Step 00 is right")
        wrong.step(1).write_text(wrong.step(1).read_text() + "# saved\n")
        shown.wait_for("Step 01 is right")
        shown.press("n")
        shown.wait_for("Step 02")


def test_a_save_while_a_page_is_open_is_seen_behind_it(wrong: Workspace):
    with terminal(WATCH, wrong.root) as shown:
        shown.wait_for("Step 01 is not right yet")
        shown.press("?")
        shown.wait_for("Keys")
        fix(wrong)
        time.sleep(1)
        shown.press("q")
        shown.wait_for("Step 01 is right")


def test_without_colour_it_says_the_same(wrong: Workspace):
    with terminal(WATCH, wrong.root, NO_COLOR="1") as shown:
        shown.wait_for("Step 01 is not right yet", "✗ task 4")
        for key, text in (("h", "hint 1 of 3"), ("l", "Return: go there"), ("r", "y: yes")):
            shown.press(key)
            shown.wait_for(text)
            shown.press("\x1b")
            shown.wait_until_gone(text)
        assert not COLOURED.findall(shown.written)
        assert all(char.fg == char.bg == "default" for char in shown.styles("Step 01 is not right yet"))
        shown.press("q")
        shown.end()


def test_with_colour_it_has_the_terminals_own(wrong: Workspace):
    with terminal(WATCH, wrong.root) as shown:
        shown.wait_for("Step 01 is not right yet", "✗ task 4")
        assert {(char.fg, char.bg) for char in shown.styles("✗ task 4")} == {("red", "default")}
        fix(wrong)
        shown.wait_for("Step 01 is right")
        assert {(char.fg, char.bg) for char in shown.styles("Step 01 is right")} == {("green", "default")}


def test_polling(wrong: Workspace):
    with terminal([*WATCH, "--poll"], wrong.root) as shown:
        shown.wait_for("Step 01 is not right yet")
        fix(wrong)
        shown.wait_for("Step 01 is right")


def test_another_size_while_it_runs(wrong: Workspace):
    with terminal(WATCH, wrong.root, 80, 24) as shown:
        shown.wait_for("Step 01 is not right yet")
        shown.resize(50, 12)
        shown.wait_for(f"0 of {len(COURSE)} right", "? keys  q quit")
        assert shown.lines[0].endswith(f"0 of {len(COURSE)} right") and len(shown.lines) == 12


def left_of(shown: PseudoTerminal) -> list[psutil.Process]:
    """What the program has started, once a check and the process for the next one run."""
    shown.wait_for("Step 01 is not right yet")
    time.sleep(1)
    started = processes_of(shown.pid)
    assert len(started) >= 2, "a judge and a process for the learner's code wait"
    return started


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_however_it_ends_nothing_is_left(wrong: Workspace, number: signal.Signals):
    with terminal(WATCH, wrong.root) as shown:
        started = left_of(shown)
        os.kill(shown.pid, number)
        _, alive = psutil.wait_procs(started, timeout=20)
        assert alive == []


def test_ctrl_c_leaves_nothing_and_gives_the_terminal_back(wrong: Workspace):
    with terminal(WATCH, wrong.root) as shown:
        started = left_of(shown)
        shown.press("\x03")
        shown.end()
        assert psutil.wait_procs(started, timeout=20)[1] == []
        assert shown.written.rstrip().endswith(b"\x1b[?25h") or b"\x1b[?1049l" in shown.written


def test_an_endless_loop_in_the_graph_command_ends_with_its_page(filled: Workspace):
    change(filled.step(3), "class LayerNorm(Module):", "while True: pass\n\n\nclass LayerNorm(Module):")
    with terminal([*TUTOR, "watch", "03", "--no-ahead"], filled.root) as shown:
        shown.wait_for("Step 03: tracing")
        shown.press("g")
        shown.wait_for("Step 03: graph")
        time.sleep(2)
        (graph,) = [each for each in processes_of(shown.pid) if "tutor.cli.child" in each.cmdline()]
        shown.press("q")
        assert psutil.wait_procs([graph], timeout=20)[1] == []
        shown.press("q")
        assert shown.end() == 0
