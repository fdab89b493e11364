"""The way into the command line: no command, --help, --version, and steps named in other ways."""

import re
import tomllib

import pytest

from tests.conftest import Tool
from tutor.cli import cli
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY, Workspace

VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]


def test_no_command_says_where_to_start_and_what_a_beginner_needs_in_order(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, PIXI_PROJECT_ROOT="")
    assert result.returncode == 0
    assert "Start with step 00" in result.stdout and "steps/step_00.py" in result.stdout
    commands = re.findall(r"^ +(?:make|pixi run) (\w+)", result.stdout, flags=re.MULTILINE)
    assert commands == ["book", "s00", "learn", "hint", "diff", "reset", "s01", "progress", "generate", "doctor"]
    assert len(result.stdout.splitlines()) < 24 and max(map(len, result.stdout.splitlines())) < 100
    assert f"s{COURSE[-1].label}" in result.stdout


def test_help_lists_every_command_with_its_whole_description(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "--help", COLUMNS="80")
    assert result.returncode == 0
    assert "..." not in result.stdout.replace("[ARGS]...", "") and "…" not in result.stdout
    told = " ".join(result.stdout.split())
    for name, command in cli.commands.items():
        first = " ".join((command.help or "").partition("\n\n")[0].split())
        assert f"{name} {first}" in told
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_every_command_and_every_option_has_a_description():
    for name, command in cli.commands.items():
        assert (command.help or "").split("\n")[0].endswith("."), name
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or getattr(parameter, "help", None), (name, parameter)


def test_version_is_the_courses_and_maxs(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "--version")
    assert result.returncode == 0 and result.stdout == f"gpt2-with-max {VERSION}, MAX 26.7.0\n"


@pytest.mark.parametrize("name", ["02", "2", "S02", "step02", "step_02", "Step-2", "s_02", "step_02.py"])
def test_a_step_named_in_another_way_gets_a_suggestion(skeletons: Workspace, tutor: Tool, name: str):
    result = tutor(skeletons, name)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == f"Error: No such command '{name}'. Did you mean s02?"


def test_the_number_of_no_step_is_not_suggested(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "42")
    assert result.returncode == 2
    assert f"there is no step 42: the course has steps 00 to {COURSE[-1].label}" in result.stderr
    assert "Did you mean" not in result.stderr


def test_an_earlier_hint_is_shown_again_without_being_counted(skeletons: Workspace, tutor: Tool):
    early = tutor(skeletons, "hint", "08", "--number", "1")
    assert early.returncode == 1 and early.stdout == ""
    assert "hint 1 of step 08 was not shown yet" in early.stderr and "shows the next one, hint 1" in early.stderr
    first, second = tutor(skeletons, "hint", "08").stdout, tutor(skeletons, "hint", "08").stdout
    assert tutor(skeletons, "hint", "08", "--number", "1").stdout == first
    assert tutor(skeletons, "hint", "08", "--number", "2").stdout == second
    assert tutor(skeletons, "hint", "08", "--number", "3").returncode == 1
    assert re.search(r"08 .* 2 of 3\n", tutor(skeletons, "progress").stdout)
    for number in ("0", "4"):
        assert tutor(skeletons, "hint", "08", "--number", number).returncode == 2


def test_diff_of_a_missing_file_says_how_to_bring_it_back(skeletons: Workspace, tutor: Tool):
    skeletons.step(8).unlink()
    result = tutor(skeletons, "diff", "08")
    assert result.returncode == 1 and result.stderr.startswith("error: steps/step_08.py is missing. ")
    assert "reset" in result.stderr and "brings the skeleton back" in result.stderr


def test_diff_of_a_file_that_is_no_text_says_so(skeletons: Workspace, tutor: Tool):
    skeletons.step(8).write_bytes(b"\xff\xfe")
    result = tutor(skeletons, "diff", "08")
    assert result.returncode == 1 and "steps/step_08.py is not UTF-8 text" in result.stderr
