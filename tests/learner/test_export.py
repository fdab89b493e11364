"""`progress --export`: what a teacher gets."""

import json
import re
from pathlib import Path

import pytest

from tests.support.workspaces import Tool
from tutor.course import COURSE
from tutor.learner import progress
from tutor.learner.workspace import REPOSITORY, Workspace


@pytest.fixture
def begun(skeletons: Workspace) -> Workspace:
    """A learner who has one step right, has tried another in vain, and has seen a hint of it."""
    progress.record_verdict(skeletons, 0, progress.file_hashes(skeletons, [0]))
    progress.count_hint(skeletons, COURSE[3])
    progress.record_verdict(skeletons, 3, None)
    progress.record_verdict(skeletons, 3, None)
    return skeletons


def test_every_step_is_exported_with_what_it_took(begun: Workspace, tutor: Tool):
    result = tutor(begun, "progress", "--export", "-")
    assert result.returncode == 0 and result.stderr == ""
    exported = json.loads(result.stdout)
    assert exported["format"] == "gpt2-with-max progress" and exported["version"] == 1
    steps = {entry["step"]: entry for entry in exported["steps"]}
    assert list(steps) == [step.label for step in COURSE]
    assert [entry["title"] for entry in steps.values()] == [step.title for step in COURSE]
    assert steps["00"]["state"] == "right" and steps["00"]["checks"] == 1 and steps["00"]["first_right"]
    assert steps["03"] | {"seconds": 0, "first_check": ""} == {
        "step": "03", "title": COURSE[3].title, "part": COURSE[3].part, "state": "open", "checks": 2, "seconds": 0,
        "first_check": "", "first_right": None, "hints_seen": 1, "hints": 3,
    }  # fmt: skip
    assert steps["04"]["checks"] == 0 and steps["04"]["first_check"] is None


def test_a_step_that_was_edited_is_said_to_be(begun: Workspace, tutor: Tool):
    begun.step(0).write_text(begun.step(0).read_text() + "# edited")
    exported = json.loads(tutor(begun, "progress", "--export", "-").stdout)
    assert exported["steps"][0]["state"] == "edited"


def test_the_chapter_for_teachers_lists_every_field(begun: Workspace, tutor: Tool):
    chapter = (REPOSITORY / "book/src/teaching.md").read_text()
    section = chapter.partition("### What is exported")[2].partition("\n### ")[0]
    first_cells = re.findall(r"^\| ([^|]+) \|", section, flags=re.MULTILINE)
    listed = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    exported = json.loads(tutor(begun, "progress", "--export", "-").stdout)
    assert listed == {*exported, *exported["steps"][0]}


def test_a_file_is_written_and_replaced_only_if_asked(begun: Workspace, tutor: Tool):
    assert tutor(begun, "progress", "--export", "mine.json").stdout.strip() == "mine.json is written."
    file = begun.root / "mine.json"
    assert json.loads(file.read_text())["version"] == 1
    file.write_text("something else")
    refused = tutor(begun, "progress", "--export", "mine.json")
    assert refused.returncode == 1 and "mine.json is there already" in refused.stderr
    assert file.read_text() == "something else"
    assert tutor(begun, "progress", "--export", "mine.json", "--overwrite").returncode == 0
    assert json.loads(file.read_text())["version"] == 1


@pytest.mark.parametrize(("file", "told"), [("steps", "steps is a folder"), ("no/where.json", "there is no folder no")])
def test_what_cannot_be_written_is_told_in_one_line(file: str, told: str, skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "progress", "--export", file)
    assert result.returncode == 1 and told in result.stderr and result.stderr.count("\n") == 1


def test_nothing_is_lost_between_two_exports(begun: Workspace, tmp_path: Path, tutor: Tool):
    one, two = (json.loads(tutor(begun, "progress", "--export", "-").stdout) for _ in range(2))
    assert one | {"exported": ""} == two | {"exported": ""}
