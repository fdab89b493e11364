"""What greets a newcomer: licences, the page for coding assistants, the dev container, and the editor's tasks."""

import fcntl
import importlib.util
import io
import json
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from rich.console import Console

from book import agents, study_prompts
from book.paths import SOURCE
from tests.conftest import Tool
from tutor.checking.verdict import Frame, Problem, TaskState, Verdict
from tutor.cli import cli
from tutor.course import COURSE, find_step
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.terminal.report import Report

if TYPE_CHECKING:
    # What JSON holds.
    Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
MAKE_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


def has_make_target(target: str) -> bool:
    """Whether `make` knows how to make a target."""
    listed = subprocess.run(
        ["make", "--just-print", target], cwd=REPOSITORY, env=MAKE_ENVIRONMENT, capture_output=True, check=False
    )
    return listed.returncode == 0


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs git in the repository; without a checkout the test is skipped."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this copy of the course is not a git checkout")
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)


# --- licences --------------------------------------------------------------------------------

LICENCE_FILE = re.compile(r"(licen[cs]e|copying|ofl|notice)(\.\w+)?", flags=re.IGNORECASE)
# What the text of a licence must say to be the licence of this SPDX identifier.
SAYS = {"OFL-1.1": "SIL OPEN FONT LICENSE Version 1.1"}
THIRD_PARTY = (REPOSITORY / "THIRD_PARTY.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of THIRD_PARTY.md, without its head; backticks are removed."""
    section = THIRD_PARTY.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows[2:]]


def needs_a_row(file: Path) -> bool:
    """Whether a file is likely not written by hand in this repository: binary, minified, or with somebody's notice."""
    data = file.read_bytes()
    return (
        b"\0" in data
        or max(map(len, data.splitlines()), default=0) > 5_000
        or LICENCE_FILE.fullmatch(file.name) is not None
        or re.search(rb"copyright\s+(?:\(c\)|\xc2\xa9|\d{4})|@licen[cs]e\b|SPDX-License-Id", data, re.IGNORECASE)
        is not None
    )


def test_the_licence_is_apache_2_with_llvm_exceptions():
    text = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert re.findall(r"^ {4}(\d)\. [A-Z]", text, flags=re.MULTILINE) == [str(number) for number in range(1, 10)]
    assert "---- LLVM Exceptions to the Apache 2.0 License ----" in text.partition("APPENDIX")[2]
    assert PROJECT["license"] == "Apache-2.0 WITH LLVM-exception"
    assert all((REPOSITORY / file).is_file() for file in PROJECT["license-files"])


def test_each_vendored_folder_has_the_licence_that_is_stated():
    rows = table("Files of others")
    assert rows
    for folder, _, _, identifier, licence in rows:
        assert (REPOSITORY / licence).parent == REPOSITORY / folder
        assert SAYS[identifier] in (REPOSITORY / licence).read_text(), f"{licence} is not {identifier}"


def test_everything_that_is_not_written_by_hand_is_listed_with_its_origin():
    listed = [REPOSITORY / row[0] for row in table("Files of others") + table("Data and texts")]
    assert all(path.exists() for path in listed)
    ours = {REPOSITORY / "LICENSE", Path(__file__).resolve()}
    tracked = git("ls-files", "--cached", "--others", "--exclude-standard").stdout.splitlines()
    files = [REPOSITORY / name for name in tracked if (REPOSITORY / name).is_file()]
    assert len(files) > 200
    missing = [
        file for file in files if needs_a_row(file) and not ours & {file} and not {file, *file.parents} & set(listed)
    ]
    assert not missing, "list these in THIRD_PARTY.md"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("font.woff2", b"wOF2\0\1"),
        ("some.min.js", b"var a;" * 1_000),
        ("helper.js", b"/* Copyright (c) 2020 Somebody */\nvar a;\n"),
        ("COPYING", b"GPL\n"),
    ],
)
def test_a_file_of_somebody_else_would_be_noticed(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    assert needs_a_row(tmp_path / name)


def test_contributing_is_short_and_its_links_lead_somewhere():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    links = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r"\]\((?!https:)([^)]+)\)", THIRD_PARTY)
    assert "book/src/teaching.md" in links
    assert all((REPOSITORY / link).is_file() for link in links)


@pytest.mark.parametrize("left", [".DS_Store", ".idea/a.xml", "steps/.step_08.py.swp", "steps/step_08.py~",
                                  ".ruff_cache/a", ".pixi/envs/a", ".ipynb_checkpoints/a.ipynb"])  # fmt: skip
def test_git_ignores_what_editors_leave(left: str):
    assert git("check-ignore", "--quiet", "--no-index", left).returncode == 0


@pytest.mark.parametrize("kept", [".vscode/tasks.json", ".devcontainer/devcontainer.json", "steps/step_08.py"])
def test_git_keeps_what_belongs_to_the_course(kept: str):
    assert git("check-ignore", "--quiet", "--no-index", kept).returncode == 1


# --- AGENTS.md -------------------------------------------------------------------------------

AGENTS = agents.AGENTS.read_text()


def test_agents_page_has_the_rules_and_prompts_of_the_study_guide():
    assert study_prompts.RULES in AGENTS
    for part in dict.fromkeys(step.part for step in COURSE):
        assert f"`{study_prompts.file(part).relative_to(REPOSITORY)}`" in AGENTS
        assert study_prompts.file(part).read_text().startswith(study_prompts.RULES)


def test_a_lost_comment_in_the_agents_page_is_an_error():
    with pytest.raises(agents.MissingBlockError, match="end of rules"):
        agents.filled(AGENTS.replace("<!-- end of rules -->", ""))


def test_every_command_and_path_in_agents_and_contributing_exists():
    text = AGENTS + (REPOSITORY / "CONTRIBUTING.md").read_text()
    tasks = tomllib.loads((REPOSITORY / "pixi.toml").read_text())["tasks"]
    steps = {f"s{step.label}" for step in COURSE} | {"sNN"}
    checked = 0
    for words in map(shlex.split, re.findall(r"`((?:make|pixi run|python -m tutor) [^`]+)`", text)):
        match words:
            case ["make", target, *_]:
                assert has_make_target(target), target
            case ["pixi", "run", task, *_]:
                assert task in tasks, task
            case ["python", "-m", "tutor", command, *_]:
                assert command in set(cli.commands) | steps, command
        checked += 1
    assert checked >= 10
    paths = re.findall(r"`((?:steps|solutions|tutor|book|tests)/[\w./-]*)`", text)
    assert len(paths) >= 10 and all((REPOSITORY / path).exists() for path in paths)


def test_agents_page_names_sections_that_every_chapter_has():
    named = re.findall(r'"([A-Z][^"?]+)"', AGENTS.partition("### Files")[2])
    assert {"The solution", "Shapes", "Common errors"} <= set(named)
    for step in COURSE:
        headings = re.findall(r"^## (.+)$", (SOURCE / f"step_{step.label}.md").read_text(), flags=re.MULTILINE)
        assert set(named) <= set(headings), f"step_{step.label}.md"


def printed(verdict: Verdict, width: int = 100) -> str:
    """What the tool prints for a verdict."""
    out = io.StringIO()
    Report(Console(file=out, width=width)).verdict(
        find_step(verdict.step), verdict, file=f"steps/step_{verdict.step:02d}.py", printed="", hints_seen=0
    )
    return out.getvalue()


def placed(problem: Problem) -> list[str]:
    """The lines that the tool prints of a problem for an editor."""
    out = io.StringIO()
    Report(Console(file=out, width=60)).place(problem)
    return out.getvalue().splitlines()


FRAME = Frame("steps/step_08.py", 41, "scaled_dot_product_attention", "1 / 0")
RED = Verdict(8, "red", problem=Problem("exception", 8, "ZeroDivisionError: division by zero", frames=[FRAME]))
BORROWED = Verdict(9, "borrowed", culprits=[8], problem=RED.problem)
TASKS_DONE = [TaskState("extend", "task 1", "", "right"), TaskState("attend", "task 2", "", "unfilled")]
PARTLY_DONE = Verdict(16, "red", problem=Problem("unfilled", 16, "Not filled in yet"), tasks=TASKS_DONE)


def test_agents_page_quotes_what_a_verdict_prints():
    section = AGENTS.partition("### Run a check and read its verdict")[2].partition("###")[0]
    quoted = re.findall(r"`([^`]+)`", section.partition("1. ")[2])
    outputs = [printed(verdict) for verdict in (Verdict(8, "green", total=3), RED, BORROWED, PARTLY_DONE)]
    assert len(quoted) == 5
    for words in quoted:
        assert any(words in output for output in outputs), words


def test_agents_page_says_what_the_hints_are():
    assert all(len(step.hints) == 3 for step in COURSE)
    assert "Each step has three hints" in AGENTS


# --- editor and dev container ----------------------------------------------------------------


def read_jsonc(path: str) -> "Json":
    """Reads JSON with comments, as editors do; a comma before a closing bracket is an error."""
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    return json.loads(re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', r"\1", text, flags=re.DOTALL))


DEVCONTAINER = read_jsonc(".devcontainer/devcontainer.json")
SETTINGS = read_jsonc(".vscode/settings.json")
LAUNCH = read_jsonc(".vscode/launch.json")["configurations"]
TASKS = {task["label"]: task for task in read_jsonc(".vscode/tasks.json")["tasks"]}
CHECK_TASK = "Check the open step"

# Of the dev container specification (https://containers.dev/implementors/json_reference/) what is used here.
_SIZE = {"type": "string", "pattern": "^[0-9]+[tgmk]b$"}
DEVCONTAINER_SCHEMA = {
    "type": "object",
    "required": ["name", "image", "postCreateCommand"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string"},
        "hostRequirements": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"cpus": {"type": "integer", "minimum": 1}, "memory": _SIZE, "storage": _SIZE},
        },
        "postCreateCommand": {"type": "string"},
        "customizations": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "vscode": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "extensions": {"type": "array", "items": {"type": "string", "pattern": r"^[\w-]+\.[\w-]+$"}},
                        "settings": {"type": "object"},
                    },
                }
            },
        },
    },
}


def test_devcontainer_fits_the_specification():
    jsonschema.validate(DEVCONTAINER, DEVCONTAINER_SCHEMA)


def test_devcontainer_has_a_python_that_the_course_takes():
    name, _, tag = DEVCONTAINER["image"].partition(":")
    assert name == "mcr.microsoft.com/devcontainers/python"
    low, high = (tuple(map(int, bound.split("."))) for bound in re.findall(r"3\.\d+", PROJECT["requires-python"]))
    assert low <= tuple(map(int, tag.partition("-")[0].split("."))) < high


def test_commands_of_the_devcontainer_are_targets_of_the_makefile():
    make, *targets = shlex.split(DEVCONTAINER["postCreateCommand"])
    assert make == "make" and targets and all(map(has_make_target, targets))


def test_devcontainer_and_editor_agree():
    vscode = DEVCONTAINER["customizations"]["vscode"]
    assert vscode["extensions"] == read_jsonc(".vscode/extensions.json")["recommendations"]
    interpreter = "python.defaultInterpreterPath"
    assert SETTINGS[interpreter] == "${workspaceFolder}/.venv/bin/python"
    assert vscode["settings"] == {interpreter: "${containerWorkspaceFolder}/.venv/bin/python"}


def test_f5_and_the_build_key_run_the_check():
    assert [label for label, task in TASKS.items() if "group" in task] == [CHECK_TASK]
    assert TASKS[CHECK_TASK]["group"] == {"kind": "build", "isDefault": True}
    # F5 starts the first configuration, after its task; if the task fails, "abort" starts nothing.
    assert LAUNCH[0]["preLaunchTask"] == CHECK_TASK and SETTINGS["debug.onTaskErrors"] == "abort"


def test_tasks_and_configurations_run_what_exists():
    extensions = read_jsonc(".vscode/extensions.json")["recommendations"]
    for configuration in LAUNCH:
        assert configuration["preLaunchTask"] in TASKS
        assert f"ms-python.{configuration['type']}" in extensions
        assert importlib.util.find_spec(configuration["module"])
        assert configuration["args"][0] in cli.commands
    for task in TASKS.values():
        assert task.get("dependsOn", task["label"]) in TASKS
        match [task["command"], *task["args"]]:
            case ["make", *targets]:
                assert all(map(has_make_target, targets))
            case ["${workspaceFolder}/.venv/bin/python", "-m", "tutor", command, *_, "${file}"]:
                assert command in cli.commands
            case words:
                pytest.fail(f"{task['label']} runs {words}")


# --- the Problems list -----------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """What VS Code shows in its Problems list."""

    file: str
    line: int
    message: str


def entries(lines: list[str]) -> list[Entry]:
    """Applies the problem matcher of the check's task as VS Code does: to each line by itself."""
    pattern = TASKS[CHECK_TASK]["problemMatcher"]["pattern"]
    found = [match for line in lines if (match := re.search(pattern["regexp"], line))]
    return [Entry(match[pattern["file"]], int(match[pattern["line"]]), match[pattern["message"]]) for match in found]


def run_task(workspace: Workspace, label: str, file: Path, width: int) -> tuple[int, list[str]]:
    """Runs a task of the editor on an open file, in a terminal of a width. Gives its status and the lines shown."""
    words = [TASKS[label]["command"], *TASKS[label]["args"]]
    python = "${workspaceFolder}/.venv/bin/python"
    command = [word.replace(python, sys.executable).replace("${file}", str(file)) for word in words]
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color"}
    environment = {name: value for name, value in environment.items() if name not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        command, cwd=workspace.root, env=environment, stdin=inside, stdout=inside, stderr=subprocess.STDOUT
    )
    os.close(inside)
    output = b""
    try:
        while part := os.read(terminal, 4096):
            output += part
    except OSError:  # Linux says so when the last process that writes to the terminal has ended.
        assert process.wait(timeout=60) is not None
    os.close(terminal)
    plain = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", output.decode())
    # A line that the spinner has written again and again shows what was written last.
    return process.wait(timeout=60), [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in plain.split("\n")]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_an_unfilled_step_is_an_entry_of_the_problems_list(skeletons: Workspace, width: int):
    file = skeletons.step(8)
    status, lines = run_task(skeletons, CHECK_TASK, file, width)
    assert status == 1
    (entry,) = entries(lines)
    assert entry.file == "steps/step_08.py"
    assert "raise NotImplementedError" in file.read_text().splitlines()[entry.line - 1]
    assert " ".join(entry.message.split()) == (
        "Not filled in yet: step 08, tasks 1 to 5: scaled_dot_product_attention: score, scale, mask, softmax and blend"
    )


def test_an_exception_is_an_entry_of_the_problems_list(filled: Workspace):
    file = filled.step(8)
    before, quotes, body = file.read_text().rpartition('    """\n')
    file.write_text(before + quotes + "    key = key.transposed(-1, -2)\n" + body)
    status, lines = run_task(filled, CHECK_TASK, file, 100)
    assert status == 1
    (entry,) = entries(lines)
    assert entry.file == "steps/step_08.py"
    assert file.read_text().splitlines()[entry.line - 1] == "    key = key.transposed(-1, -2)"
    assert entry.message.startswith("AttributeError: ") and "transposed" in entry.message


def test_the_line_for_the_problems_list_names_the_innermost_line_of_the_learners():
    outer, inner = Frame("steps/step_09.py", 70, "forward", ""), Frame("steps/step_08.py", 41, "attention", "")
    within = Frame("solutions/solution_02.py", 30, "causal_mask", "")
    problem = Problem("exception", 9, "ValueError: no\nsuch axis", frames=[outer, inner, within])
    assert entries(placed(problem)) == [Entry("steps/step_08.py", 41, "ValueError: no such axis")]
    # Where no line is known, the entry leads to the top of the file.
    assert entries(placed(Problem("numbers", 9, "The numbers are wrong."))) == [
        Entry("steps/step_09.py", 1, "The numbers are wrong.")
    ]


# --- a step named by its file ----------------------------------------------------------------


def test_a_step_may_be_named_by_its_file(skeletons: Workspace, tutor: Tool):
    file = skeletons.step(8)
    for name in ("steps/step_08.py", str(file), "./steps/../steps/step_08.py"):
        assert tutor(skeletons, "hint", name).stdout.startswith("Step 08, hint"), name
    inside = Workspace(skeletons.root / "steps")
    assert tutor(inside, "hint", "step_08.py").stdout.startswith("Step 08, hint")


def test_the_file_of_a_step_may_be_missing(skeletons: Workspace, tutor: Tool):
    skeletons.step(8).unlink()
    assert tutor(skeletons, "reset", "steps/step_08.py").returncode == 0
    assert skeletons.step(8).exists()


@pytest.mark.parametrize("name", ["solutions/solution_08.py", "step_08.py", "steps/step_99.py", "../steps/step_08.py",
                                  "steps/", "README.md/"])  # fmt: skip
def test_another_file_is_no_step(skeletons: Workspace, tutor: Tool, name: str):
    result = tutor(skeletons, "check", name)
    assert result.returncode == 2
    assert "is not the file of a step: open one in" in " ".join(result.stderr.split())


def test_a_step_of_another_workspace_is_no_step_of_this_one(skeletons: Workspace, tutor: Tool, tmp_path: Path):
    other = tmp_path / "other/steps/step_08.py"
    other.parent.mkdir(parents=True)
    shutil.copy(skeletons.step(8), other)
    result = tutor(skeletons, "check", str(other))
    assert result.returncode == 2 and "is not the file of a step" in result.stderr
