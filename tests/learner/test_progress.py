"""What the course remembers of a learner: hints seen, steps that are right; and a file of it that is damaged."""

import json
import os
import re
import subprocess
import sys

from tests.support.workspaces import Tool
from tutor.course import COURSE, find_step
from tutor.learner.workspace import REPOSITORY, Workspace


def test_hints_come_one_at_a_time_and_are_remembered(skeletons: Workspace, tutor: Tool):
    hints = find_step(3).hints
    for number in (1, 2, 3, 3):
        result = tutor(skeletons, "hint", "03")
        assert result.returncode == 0
        assert f"hint {number} of 3" in result.stdout
        for line in hints[number - 1].splitlines():
            assert line.strip() in result.stdout
    assert "hint 1 of 3" in tutor(skeletons, "hint", "4").stdout
    assert "3 of 3 hints seen" in tutor(skeletons, "progress").stdout


def test_progress_starts_empty_and_says_what_is_next(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "progress")
    assert f"0 of {len(COURSE)} steps are right. Next: s00" in result.stdout
    for step in COURSE:
        assert step.title in result.stdout


def test_progress_notices_an_edit_after_a_step_was_right(filled: Workspace, tutor: Tool):
    assert tutor(filled, "s00").returncode == 0
    assert re.search(r"00 .* right", tutor(filled, "progress").stdout)
    filled.step(0).write_text(filled.step(0).read_text() + "\n# edited\n")
    assert "edited since it was right" in tutor(filled, "progress").stdout


def test_a_step_that_is_wrong_again_is_not_green_any_more(filled: Workspace, tutor: Tool):
    tutor(filled, "s00")
    tutor(filled, "reset", "00")
    assert tutor(filled, "s00").returncode == 1
    assert f"0 of {len(COURSE)} steps are right" in tutor(filled, "progress").stdout


def test_two_processes_can_record_progress_at_once(filled: Workspace):
    commands = [[sys.executable, "-m", "tutor", "hint", step.label] for step in COURSE[:6]]
    running = [
        subprocess.Popen(
            command, cwd=filled.root, env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.DEVNULL
        )
        for command in commands
    ]
    assert [process.wait() for process in running] == [0] * len(running)
    hints = json.loads((filled.state / "progress.json").read_text())["hints"]
    assert hints == {str(step.number): 1 for step in COURSE[:6]}


def test_a_damaged_progress_file_is_set_aside(filled: Workspace, tutor: Tool):
    filled.state.mkdir()
    (filled.state / "progress.json").write_text('{"green": {"3": ')
    result = tutor(filled, "progress")
    assert result.returncode == 1
    assert "the progress file is damaged" in result.stderr and "Traceback" not in result.stderr
    (kept,) = filled.state.glob("progress-damaged-*.json")
    assert kept.read_text() == '{"green": {"3": '
    assert tutor(filled, "progress").returncode == 0


def test_a_check_gives_its_verdict_even_with_damaged_progress(filled: Workspace, tutor: Tool):
    filled.state.mkdir()
    (filled.state / "progress.json").write_text("[]")
    result = tutor(filled, "s00")
    assert "Step 00 is right" in result.stdout and "progress file is damaged" in result.stdout
    assert result.returncode == 0
