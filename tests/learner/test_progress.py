"""What the course remembers of a learner: hints seen, steps that are right, checks and time; and a file of it that is
damaged.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import datetime, timedelta, tzinfo

import pytest

from tests.support.workspaces import Tool
from tutor.course import COURSE, find_step
from tutor.errors import DamagedProgressError
from tutor.learner import progress
from tutor.learner.progress import Progress, Work
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
    assert re.search(r"03 .* 3 of 3\n", tutor(skeletons, "progress").stdout)


def test_progress_starts_empty_and_says_what_is_next(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "progress")
    assert f"0 of {len(COURSE)} steps are right. Next: s00" in result.stdout
    for step in COURSE:
        assert step.title in result.stdout


def test_progress_notices_an_edit_after_a_step_was_right(filled: Workspace, tutor: Tool):
    assert tutor(filled, "s00").returncode == 0
    assert re.search(r"00 .* right", tutor(filled, "progress").stdout)
    filled.step(0).write_text(filled.step(0).read_text() + "\n# edited\n")
    told = tutor(filled, "progress").stdout
    assert re.search(r"00 .* edited", told) and "was edited since it was right" in told


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


RIGHT = '"green": {}, "hints": {}'
DAMAGED = [
    '{"green": {"3": ',
    "",
    "null",
    '{"green": {}}',
    '{"green": [], "hints": {}}',
    '{"green": {"three": {}}, "hints": {}}',
    '{"green": {}, "hints": {"3": "many"}}',
    '{"green": {}, "hints": {"3": Infinity}}',
    f'{{{RIGHT}, "work": []}}',
    f'{{{RIGHT}, "work": {{"3": {{"attempts": -1}}}}}}',
    f'{{{RIGHT}, "work": {{"3": {{"attempts": true}}}}}}',
    f'{{{RIGHT}, "work": {{"3": 2}}}}',
    f'{{{RIGHT}, "work": {{"3": {{"seconds": 1.5}}}}}}',
    f'{{{RIGHT}, "work": {{"3": {{"first": "yesterday"}}}}}}',
    f'{{{RIGHT}, "last": 17}}',
    f'{{{RIGHT}, "last": "2026-11-26T10:00:00"}}',
    "[" * 100_000,
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_progress_file_is_set_aside(content: str, skeletons: Workspace):
    skeletons.state.mkdir()
    (skeletons.state / "progress.json").write_text(content)
    with pytest.raises(DamagedProgressError, match="the progress file is damaged"):
        progress.load(skeletons)
    (kept,) = skeletons.state.glob("progress-damaged-*.json")
    assert kept.read_text() == content
    assert progress.load(skeletons) == Progress()


def test_damage_is_told_in_one_line(skeletons: Workspace, tutor: Tool):
    skeletons.state.mkdir()
    (skeletons.state / "progress.json").write_text('{"green": {"3": ')
    result = tutor(skeletons, "progress")
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert "the progress file is damaged" in result.stderr
    assert tutor(skeletons, "progress").returncode == 0


def test_a_file_of_an_older_version_is_read_and_kept(skeletons: Workspace):
    skeletons.state.mkdir()
    (skeletons.state / "progress.json").write_text('{"green": {"0": {"00": "abc"}}, "hints": {"3": 2}}')
    assert progress.load(skeletons) == Progress(green={0: {"00": "abc"}}, hints={3: 2})
    progress.record_verdict(skeletons, 4, None)
    known = progress.load(skeletons)
    assert known.green == {0: {"00": "abc"}} and known.hints == {3: 2} and known.work[4].attempts == 1


def test_steps_of_a_later_version_of_the_course_are_kept(skeletons: Workspace):
    skeletons.state.mkdir()
    work = '{"77": {"attempts": 2, "coffees": 3}}'
    (skeletons.state / "progress.json").write_text(
        f'{{"green": {{"77": {{"77": "abc"}}}}, "hints": {{"77": 2}}, "work": {work}}}'
    )
    progress.record_verdict(skeletons, 4, None)
    known = progress.load(skeletons)
    assert known.work[77] == Work(2)
    assert known.green == {77: {"77": "abc"}} and known.hints == {77: 2}


# --- checks and time ------------------------------------------------------------------------


class Clock:
    """Stands for `datetime` in the module of the progress; `at` is the minute that it is."""

    at = 0.0
    fromisoformat = datetime.fromisoformat

    def now(self, zone: tzinfo) -> datetime:
        return datetime(2026, 11, 26, 10, tzinfo=zone) + timedelta(minutes=self.at)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "datetime", clock)
    return clock


def test_checks_and_time_count_until_a_step_is_right(skeletons: Workspace, clock: Clock):
    for minute, files in ((0, None), (10, None), (15.5, {"02": "abc"}), (20, None), (21, {"02": "abc"})):
        clock.at = minute
        progress.record_verdict(skeletons, 2, files)
    at = "2026-11-26T10:{}+00:00".format
    assert progress.load(skeletons).work == {2: Work(3, 930, first=at("00:00"), right=at("15:30"))}


def test_a_pause_counts_to_the_step_after_it_and_a_break_to_none(skeletons: Workspace, clock: Clock):
    progress.record_verdict(skeletons, 2, {"02": "abc"})
    clock.at = 20  # the next chapter was read
    progress.count_hint(skeletons, find_step(3))
    clock.at = 20 + progress.LONGEST_PAUSE / 60
    progress.record_verdict(skeletons, 3, None)
    clock.at += progress.LONGEST_PAUSE / 60 + 1  # lunch
    progress.record_verdict(skeletons, 3, None)
    clock.at -= 100  # the computer's clock was put right
    progress.record_verdict(skeletons, 3, None)
    work = progress.load(skeletons).work
    assert work[2].seconds == 0 and work[3].seconds == 20 * 60 + progress.LONGEST_PAUSE and work[3].attempts == 3


def test_a_check_of_a_solution_counts_for_nothing(skeletons: Workspace, tutor: Tool):
    assert tutor(skeletons, "s00", "--solutions").returncode == 0
    assert progress.load(skeletons) == Progress()


def test_a_verdict_is_remembered_though_its_reader_has_left(filled: Workspace):
    command = f"{shlex.quote(sys.executable)} -m tutor s00 | head -1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=filled.root,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.startswith("Step 00 is right") and result.stdout.count("\n") == 1 and result.stderr == ""
    assert progress.load(filled).work[0].right


def test_a_verdict_is_remembered_though_nobody_reads_it_at_all(filled: Workspace):
    read_end, write_end = os.pipe()
    os.close(read_end)
    result = subprocess.run(
        [sys.executable, "-m", "tutor", "s00"],
        cwd=filled.root,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert result.returncode == 0 and result.stderr == ""
    assert progress.load(filled).work[0].right


def test_a_verdict_is_given_though_it_cannot_be_remembered(filled: Workspace, tutor: Tool):
    filled.state.write_text("a file where the folder should be")
    result = tutor(filled, "s00")
    assert "Step 00 is right" in result.stdout and "the verdict could not be kept" in result.stdout
    assert result.returncode == 0 and "Traceback" not in result.stderr


def test_a_check_gives_its_verdict_even_with_damaged_progress(filled: Workspace, tutor: Tool):
    filled.state.mkdir()
    (filled.state / "progress.json").write_text("[]")
    result = tutor(filled, "s00")
    assert "Step 00 is right" in result.stdout and "progress file is damaged" in result.stdout
    assert result.returncode == 0
