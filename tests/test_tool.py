"""The tool through its command line: hints, diffs, resets, progress, graphs, the doctor."""

import json
import os
import re
import subprocess
import sys

from tests.conftest import Tool
from tutor.course import COURSE, find_step
from tutor.learner.skeleton import skeleton_of
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


def test_diff_shows_the_learners_file_against_the_solution(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "diff", "s03")
    assert result.returncode == 0
    assert "-        raise NotImplementedError(" in result.stdout
    assert "+        self.weight = Tensor.ones([dim])" in result.stdout
    assert "from" not in [
        line.split()[0].lstrip("+-") for line in result.stdout.splitlines() if line[:1] in "+-" and line.split()
    ]


def test_diff_of_a_copied_solution_is_empty(filled: Workspace, tutor: Tool):
    assert "are the same" in tutor(filled, "diff", "9").stdout


def test_reset_restores_the_skeleton_and_keeps_every_earlier_version(filled: Workspace, tutor: Tool):
    file = filled.step(3)
    mine = "print('mine')\n"
    file.write_text(mine)
    result = tutor(filled, "reset", "03")
    assert result.returncode == 0
    assert file.read_text() == skeleton_of(filled.solution(3).read_text(), 3)
    (backup,) = (filled.state / "backups").iterdir()
    assert backup.read_text() == mine and str(backup.relative_to(filled.root)) in result.stdout
    file.write_text("print('mine again')\n")
    tutor(filled, "reset", "03")
    assert sorted(copy.read_text() for copy in (filled.state / "backups").iterdir()) == [
        "print('mine again')\n",
        "print('mine')\n",
    ]


def test_reset_of_a_skeleton_changes_nothing(skeletons: Workspace, tutor: Tool):
    assert "is the skeleton already" in tutor(skeletons, "reset", "3").stdout
    assert not (skeletons.state / "backups").exists()


def test_reset_brings_a_deleted_file_back(skeletons: Workspace, tutor: Tool):
    skeletons.step(3).unlink()
    missing = tutor(skeletons, "s03")
    assert missing.returncode == 1 and "steps/step_03.py is missing" in missing.stderr
    assert tutor(skeletons, "reset", "3").returncode == 0
    assert skeletons.step(3).exists()


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


def test_graph_prints_what_the_compiler_sees(filled: Workspace, tutor: Tool):
    result = tutor(filled, "graph", "02")
    assert result.returncode == 0
    assert "mo.graph @subject" in result.stdout and "band_part" in result.stdout and "seq_len" in result.stdout
    assert "plain Python" in tutor(filled, "graph", "00").stdout


def test_graph_of_an_unfilled_step_says_so(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "graph", "02")
    assert result.returncode == 1 and "Not filled in yet: step 02" in result.stderr
    assert tutor(skeletons, "graph", "02", "--solutions").returncode == 0


def test_doctor_reports_versions_devices_cache_and_files(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "doctor")
    for word in ("Python", "modular", "CPU", "GPU", "cache", "steps", "checkpoint"):
        assert word in result.stdout
    assert result.returncode == 0, result.stdout


def test_doctor_says_how_to_fix_what_is_missing(skeletons: Workspace, tutor: Tool):
    skeletons.step(7).unlink()
    (skeletons.root / "checkpoints").unlink()
    result = tutor(skeletons, "doctor")
    assert result.returncode == 1
    assert "fix: make reset STEP=07" in result.stdout
    assert "fix: git checkout -- checkpoints" in result.stdout


def test_output_is_plain_without_a_terminal_and_coloured_on_one(filled: Workspace, tutor: Tool):
    assert "\x1b" not in tutor(filled, "s00").stdout
    coloured = tutor(filled, "s00", FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[" in coloured.stdout
    plain = tutor(filled, "s00", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color")
    assert not re.search(r"\x1b\[[0-9;]*3\d", plain.stdout)
    words = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", coloured.stdout)
    assert "Step 00 is right" in words


def test_s02_and_check_02_and_check_2_are_one_command(skeletons: Workspace, tutor: Tool):
    outputs = {
        tutor(skeletons, *words).stdout for words in (["s02"], ["check", "02"], ["check", "2"], ["check", "s02"])
    }
    assert len(outputs) == 1


def test_the_tool_works_from_a_folder_below(filled: Workspace):
    result = subprocess.run(
        [sys.executable, "-m", "tutor", "progress"],
        cwd=filled.root / "steps",
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0
    assert not (REPOSITORY / "steps" / ".tutor").exists()


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
