"""`learn` in plain lines: what a screen reader reads."""

import json
import sys

import pytest

from tests.support.pseudo_terminal import terminal
from tests.support.workspaces import Tool
from tutor.learner.workspace import Workspace

LEARN = [sys.executable, "-m", "tutor", "learn", "--no-ahead"]
RIGHT, WRONG = "return self.n_embd // self.n_head", "return self.n_embd"


@pytest.fixture
def wrong(filled: Workspace) -> Workspace:
    """Step 00 was found right; step 01 is wrong."""
    file = filled.step(1)
    file.write_text(file.read_text().replace(RIGHT, WRONG))
    return filled


def test_without_a_terminal_it_prints_what_a_check_prints(wrong: Workspace, tutor: Tool):
    command = ["/bin/sh", "-c", '"$0" -m tutor watch 01 --no-ahead | cat', sys.executable]
    with terminal(command, wrong.root, 120, 60) as shown:
        shown.wait_for("Following steps/step_01.py", "Step 01 is not right yet", "shows the next hint")
        own = tutor(wrong, "s01").stdout
        assert own.strip() in "\n".join(shown.lines)
        wrong.step(1).write_text(wrong.step(1).read_text().replace(WRONG, RIGHT))
        shown.wait_for("Step 01 is right")
        shown.press("q\n")
        assert shown.end() == 0
        assert b"\x1b" not in shown.written


@pytest.mark.parametrize(
    ("options", "environment"), [(["--plain"], {}), ([], {"TERM": "dumb"})], ids=["asked-for", "dumb-terminal"]
)
def test_on_a_terminal_it_neither_moves_nor_colours(wrong: Workspace, options: list[str], environment: dict[str, str]):
    with terminal([*LEARN, *options], wrong.root, 80, 60, **environment) as shown:
        shown.wait_for("Step 00 is right")
        shown.press("n\n")
        shown.wait_for("Step 01 is not right yet")
        shown.press("n\n")
        shown.wait_for("Step 01 is not right yet; l lists the steps.")
        shown.press("h\n")
        shown.wait_for("Step 01, hint 1 of 3")
        shown.press("w\n")
        shown.wait_for("No such key")
        shown.press("?\n")
        shown.wait_for("q  ends this")
        shown.press("r\n")
        shown.wait_for("Restore the skeleton of step 01?")
        shown.press("n\n")
        shown.wait_for("Nothing is changed.")
        assert WRONG in wrong.step(1).read_text()
        shown.press("r\n")
        shown.wait_for("y and Return does it.")
        shown.press("y\n")
        shown.wait_for("steps/step_01.py is the skeleton again.", "Not filled in yet")
        shown.press("q\n")
        assert shown.end() == 0
        assert b"\x1b" not in shown.written
    assert set(json.loads((wrong.state / "progress.json").read_text())["green"]) == {"0"}


def test_the_list_of_steps_goes_where_it_is_told(wrong: Workspace):
    with terminal([*LEARN, "--plain"], wrong.root, 80, 60) as shown:
        shown.wait_for("Step 00 is right")
        shown.press("l\n")
        shown.wait_for("The number of a step and Return goes there.")
        shown.press("01\n")
        shown.wait_for("Following steps/step_01.py", "Step 01 is not right yet")
        shown.press("l\n")
        shown.press("77\n")
        shown.wait_for("Staying here.")
        shown.press("c\n")
        shown.wait_for("The chapter: ", "step_01")


def test_ctrl_c_ends_it_as_it_ends_a_check(wrong: Workspace):
    with terminal([*LEARN, "--plain"], wrong.root) as shown:
        shown.wait_for("Step 00 is right")
        shown.press("\x03")
        assert shown.end() == 130
        assert "Traceback" not in shown.written.decode()


def test_a_reader_that_has_seen_enough_ends_it_quietly(wrong: Workspace):
    command = ["/bin/sh", "-c", '"$0" -m tutor learn --no-ahead | head -n 1; echo over', sys.executable]
    with terminal(command, wrong.root, 120, 30) as shown:
        shown.wait_for("over")
        assert "Following steps/step_00.py" in shown.lines[0]
        assert shown.end() == 0 and b"Traceback" not in shown.written
