"""What the code under test prints is shown once, with the name of the file that printed it."""

import io
import re

import pytest
from rich.console import Console

from tests.support.workspaces import Tool
from tutor.learner.workspace import Workspace
from tutor.terminal.report import Report, without_repetition

WRONG_EPSILON = ("variance + self.eps", "variance + 2 * self.eps")


def test_a_print_in_an_earlier_step_is_labelled_with_its_file(filled: Workspace, tutor: Tool):
    earlier, step = filled.step(3), filled.step(11)
    source = earlier.read_text()
    earlier.write_text(source.replace("        centered = ", "        print('in the norm')\n        centered = "))
    step.write_text(step.read_text().replace("x = x + self.mlp", "x = self.mlp"))
    printed = tutor(filled, "s11").stdout
    assert re.search(r"printed by earlier steps, \d+ times", printed), printed
    assert printed.count("steps/step_03.py: in the norm") == 1, printed


def test_a_print_in_the_step_itself_is_not(filled: Workspace, tutor: Tool):
    step = filled.step(3)
    source = step.read_text().replace(*WRONG_EPSILON)
    step.write_text(
        source.replace(
            "        centered = ", "        print('here', end=' ')\n        print('it is')\n        centered = "
        )
    )
    printed = tutor(filled, "s03").stdout
    assert "printed by steps/step_03.py" in printed and printed.count("here it is") == 1, printed
    assert "step_03.py: here" not in printed


@pytest.mark.parametrize(
    ("lines", "shown", "times"),
    [
        (["a"], ["a"], 1),
        (["a", "a", "a"], ["a"], 3),
        (["a", "b", "a", "b"], ["a", "b"], 2),
        (["a", "b", "a"], ["a", "b", "a"], 1),
        ([], [], 1),
    ],
)
def test_blocks_that_repeat_are_shown_once(lines: list[str], shown: list[str], times: int):
    assert without_repetition(lines) == (shown, times)


def test_the_rule_names_the_step_if_it_printed_anything_itself():
    out = io.StringIO()
    Report(Console(file=out, width=80))._printed("steps/step_11.py", "steps/step_03.py: norm\nblock\n")
    assert "printed by steps/step_11.py" in out.getvalue()
