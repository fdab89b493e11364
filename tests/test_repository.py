"""The repository agrees with itself: skeletons, tasks, commands, pins. `tutor.dev.check` finds what a step lacks."""

import ast
import json
import re
import shlex
import subprocess
import sys

import pytest

from book.__main__ import cli as book_cli
from tests.support.repository import ENVIRONMENT, PIXI, PYPROJECT, README, TASKS, WORKSPACE, known_commands
from tutor.course import COURSE, Step, find_step
from tutor.errors import UnknownStepError
from tutor.learner.skeleton import skeleton_of
from tutor.learner.workspace import REPOSITORY

# Where learners write imports and the decorator themselves, their skeleton lacks these.
IMPORTS_ARE_A_TASK = 2
every_step = pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)


def outside_bodies(source: str, *, without_learners_lines: bool) -> str:
    """The syntax tree of a file without function bodies; docstrings stay."""
    tree = ast.parse(re.sub(r"\b(?:solutions\.solution|steps\.step)_(\d\d)\b", r"course_\1", source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = node.body[:1]
            if without_learners_lines:
                node.decorator_list = []
    if without_learners_lines:
        tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    return ast.dump(tree)


def test_find_step_names_the_steps_there_are():
    assert find_step(2).title == "Causal mask"
    with pytest.raises(UnknownStepError, match=r"no step 42.*00 to"):
        find_step(42)


@every_step
def test_skeleton_is_its_solution_without_the_bodies(step: Step):
    solution = WORKSPACE.solution(step.number).read_text()
    skeleton = skeleton_of(solution, step.number)
    learners = step.number == IMPORTS_ARE_A_TASK
    assert outside_bodies(skeleton, without_learners_lines=learners) == outside_bodies(
        solution, without_learners_lines=learners
    )


def test_the_code_is_formatted_and_linted():
    for command in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."],
            cwd=REPOSITORY,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr


# --- tasks and commands ---------------------------------------------------------------------


def test_each_task_of_pixi_is_a_command_that_exists():
    for name, command in TASKS.items():
        match shlex.split(command):
            case ["python", "-m", "tutor", tool_command]:
                assert tool_command == name and tool_command in known_commands()
            case ["python", "-m", "pytest"]:
                pass
            case ["python", "-m", "book", book_command]:
                assert book_command in book_cli.commands
            case ["python", "-m", module]:
                assert (REPOSITORY / module.replace(".", "/")).with_suffix(".py").exists()
            case ["python", script]:
                assert (REPOSITORY / script).exists()
            case _:
                pytest.fail(f"the task {name} does more than one thing: {command}")


@pytest.mark.parametrize("name", sorted(TASKS))
def test_make_runs_the_same_command_as_pixi(name: str):
    listed = subprocess.run(
        ["make", "--just-print", name, "STEP=", "ARGS=", "PROMPT="],
        cwd=REPOSITORY,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert listed.returncode == 0, listed.stderr
    command = listed.stdout.strip().splitlines()[-1].replace('""', "").replace('"$TUTOR_PROMPT"', "").strip()
    assert command.replace(".venv/bin/python", "python") == TASKS[name]


def test_pixi_file_fits_pixis_schema():
    schema = REPOSITORY.parent / "shared/data/pixi.schema.json"
    if not schema.exists():
        pytest.skip("pixi's JSON schema is not at hand; it is not part of the repository")
    import jsonschema

    jsonschema.validate(PIXI, json.loads(schema.read_text()))


def test_pixi_takes_its_python_packages_from_pyproject():
    assert set(PIXI["dependencies"]) == {"python"}
    (package,) = PIXI["pypi-dependencies"]
    assert package == PYPROJECT["project"]["name"]
    assert PIXI["pypi-dependencies"][package]["path"] == "."
    assert set(PIXI["workspace"]["platforms"]) == {"linux-64", "osx-arm64"}


def test_all_dependencies_are_pinned_once():
    project = PYPROJECT["project"]
    requirements = project["dependencies"] + [r for extra in project["optional-dependencies"].values() for r in extra]
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", requirement) for requirement in requirements)
    assert "modular==26.7.0" in project["dependencies"]
    assert "torch==2.13.0" in project["optional-dependencies"]["test"]


def test_every_command_in_the_readme_exists():
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.strip()]
    inline = re.findall(r"`((?:make|pixi run|python -m tutor) [^`]+)`", README)
    checked = 0
    for line in lines + inline:
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            name = words[1]
            listed = subprocess.run(
                ["make", "-n", name], cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True
            )
            assert listed.returncode == 0, f"make has no {name}"
        elif words[:2] == ["pixi", "run"]:
            assert words[2] in TASKS, f"pixi has no {words[2]}"
        elif words[:3] == ["python", "-m", "tutor"]:
            assert words[3] in known_commands() | {"--help"}, f"the tool has no {words[3]}"
        else:
            continue
        checked += 1
    assert checked >= 5


def test_continuous_integration_runs_the_readmes_test_command():
    assert "make test" in (REPOSITORY / ".ci/run").read_text()
    assert "make test" in README
