"""Commands: the ways to say the same one, and those that make no sense."""

import os
import subprocess
import sys

import pytest

from tests.support.workspaces import Tool
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY, Workspace


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["s42"], 2, f"there is no step 42: the course has steps 00 to {COURSE[-1].label}"),
        (["check", "two"], 2, "'two' is not the number of a step"),
        (["hint"], 2, "Missing argument 'STEP'"),
        (["dance"], 2, "No such command 'dance'"),
        (["s03", "--device", "tpu"], 2, "'tpu' is not one of"),
        (["generate", "x", "--temperature", "nan"], 2, "nan is not"),
        (["generate", "x", "--temperature", "inf"], 2, "inf is not a finite number"),
        (["generate", "x", "--temperature", "-1"], 2, "-1"),
        (["generate", "x", "--top-k", "0"], 2, "0 is not in the range"),
        (["generate", "x", "--top-p", "1.5"], 2, "1.5 is not in the range"),
        (["generate", "x", "--max-new-tokens", "0"], 2, "0 is not in the range"),
    ],
)
def test_commands_that_make_no_sense(skeletons: Workspace, tutor: Tool, arguments: list[str], status: int, told: str):
    result = tutor(skeletons, *arguments)
    assert result.returncode == status
    assert told in " ".join(result.stderr.split()), result.stderr
    assert "Traceback" not in result.stderr


def test_a_python_without_the_courses_packages_is_told_where_they_are():
    # The environment is passed on by hand: see ENVIRONMENT in support/repository.py.
    command = [sys.executable, "-S", "-m", "tutor", "s08"]
    run = subprocess.run(command, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith("error: this Python has no click; the course's own is in .venv: ")
    assert run.stderr.count("\n") == 1


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
