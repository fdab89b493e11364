"""The repository agrees with itself: course, files, tasks, commands, pins."""

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


def test_course_numbers_and_names_are_unique_and_in_order():
    assert [step.number for step in COURSE] == list(range(len(COURSE)))
    assert len({step.title for step in COURSE}) == len({step.title for step in COURSE}) == len(COURSE)
    parts = [step.part for step in COURSE]
    assert sorted(parts, key=parts.index) == parts, "a part is one run of steps"


def test_files_of_steps_and_solutions_are_the_courses():
    assert sorted(path.name for path in (REPOSITORY / "steps").glob("*.py")) == [
        f"step_{step.label}.py" for step in COURSE
    ]
    assert sorted(path.name for path in (REPOSITORY / "solutions").glob("*.py")) == [
        f"solution_{step.label}.py" for step in COURSE
    ]
    assert sorted(path.name for path in (REPOSITORY / "tutor/checks").glob("step_*.py")) == [
        f"step_{step.label}.py" for step in COURSE
    ]


def test_find_step_names_the_steps_there_are():
    assert find_step(2).title == "Causal mask"
    with pytest.raises(UnknownStepError, match=r"no step 42.*00 to"):
        find_step(42)


@every_step
def test_each_step_has_three_different_hints_that_fit_a_terminal(step: Step):
    assert len(set(step.hints)) == 3
    for hint in step.hints:
        assert hint.strip() == hint and max(map(len, hint.splitlines())) <= 90


@every_step
def test_skeleton_is_its_solution_without_the_bodies(step: Step):
    skeleton = WORKSPACE.step(step.number).read_text()
    solution = WORKSPACE.solution(step.number).read_text()
    assert skeleton == skeleton_of(solution, step.number), f"python -m tutor reset {step.label} makes it anew"
    learners = step.number == IMPORTS_ARE_A_TASK
    assert outside_bodies(skeleton, without_learners_lines=learners) == outside_bodies(
        solution, without_learners_lines=learners
    )


@every_step
def test_docstring_of_a_step_names_its_number_its_tasks_and_its_commands(step: Step):
    docstring = ast.get_docstring(ast.parse(WORKSPACE.step(step.number).read_text()))
    assert docstring.startswith(f"Step {step.label}: ")
    tasks = [int(number) for number in re.findall(r"^    (\d+)\. ", docstring, flags=re.MULTILINE)]
    assert tasks == list(range(1, len(tasks) + 1)) and tasks
    assert docstring.endswith(f"Run: `pixi run s{step.label}` or `make s{step.label}`")


@every_step
def test_every_task_is_named_by_one_message(step: Step):
    text = WORKSPACE.step(step.number).read_text()
    tasks = set(map(int, re.findall(r"^    (\d+)\. ", text, flags=re.MULTILINE)))
    named: set[int] = set()
    for first, word, last in re.findall(rf'"step {step.label}, tasks? (\d+)(?: (and|to) (\d+))?:', text):
        named |= set(range(int(first), int(last) + 1)) if word else {int(first)}
    # Step 01's first task is to read the fields, which are given.
    assert named == tasks - ({1} if step.number == 1 else set())


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


def test_pixi_has_a_task_for_each_step_and_each_task_is_a_command_that_exists():
    assert {name for name in TASKS if re.fullmatch(r"s\d\d", name)} == {f"s{step.label}" for step in COURSE}
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
    command = listed.stdout.strip().splitlines()[-1].replace('""', "").strip()
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
