"""What the README shows is what the course does."""

import re

from tests.support.workspaces import Tool
from tests.wrong_files import WRONG_FILES
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY, Workspace

README = (REPOSITORY / "README.md").read_text()


def test_the_shown_check_is_what_the_tool_prints(filled: Workspace, tutor: Tool, compiled: None):
    """A file without the scale, as the README says."""
    (shown,) = re.findall(r"```console\n\$ make s08\n(.*?)```", README, flags=re.DOTALL)
    next(wrong_file for wrong_file in WRONG_FILES if "without the 1/sqrt(head_dim) scale" in wrong_file.told).write(
        filled
    )
    assert tutor(filled, "s08").stdout == shown


def test_the_list_of_steps_is_the_courses():
    rows = re.findall(r"^\| (\d\d) \| (.+?) \|$", README, flags=re.MULTILINE)
    assert rows == [(step.label, step.title) for step in COURSE]
