"""Colours are for terminals."""

import re

from tests.support.workspaces import Tool
from tutor.learner.workspace import Workspace


def test_output_is_plain_without_a_terminal_and_coloured_on_one(filled: Workspace, tutor: Tool):
    assert "\x1b" not in tutor(filled, "s00").stdout
    coloured = tutor(filled, "s00", FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[" in coloured.stdout
    plain = tutor(filled, "s00", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color")
    assert not re.search(r"\x1b\[[0-9;]*3\d", plain.stdout)
    words = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", coloured.stdout)
    assert "Step 00 is right" in words
