"""Bad input: one clear message, a non-zero exit status, nothing lost, no traceback of ours."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.workspaces import Tool
from tutor.checking import supervisor
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY, Workspace

LAYER_NORM = "class LayerNorm(Module):"
FORWARD = "        centered = x - F.mean(x, axis=-1)\n"


def edited(workspace: Workspace, old: str, new: str) -> Workspace:
    """Replaces a piece of the learner's step 03."""
    file = workspace.step(3)
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), errors="surrogateescape")
    return workspace


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (LAYER_NORM, "class LayerNorm(Module:", r"Python cannot read the file: .*\n.*steps/step_03.py, line \d+"),
        (LAYER_NORM, "import nowhere\n" + LAYER_NORM, r"ModuleNotFoundError: No module named 'nowhere'"),
        (LAYER_NORM, "class Norm(Module):", r"step_03.py does not define `LayerNorm`"),
        (LAYER_NORM, "import sys; sys.exit(3)\n" + LAYER_NORM, r"ends the program \(exit status 3\)"),
        (LAYER_NORM, "import os; os._exit(4)\n" + LAYER_NORM, r"ended the process \(exit status 4\)"),
        (LAYER_NORM, "import os; os.abort()\n" + LAYER_NORM, r"crashed with SIGABRT"),
        (LAYER_NORM, "input('name? ')\n" + LAYER_NORM, r"EOFError"),
        (FORWARD, "        1 / 0\n", r"ZeroDivisionError: division by zero\n(.*\n)?.*step_03.py, line \d+, in forward"),
        (FORWARD, "        return self.forward(x)\n", r"RecursionError: .*\n(.*\n)?(.*step_03.py.*\n.*\n){4}  Stuck"),
        (LAYER_NORM, "\udcff" + LAYER_NORM, r"Python cannot read the file: .*utf-8"),
        (FORWARD, "        return 3.0\n", r"returned a float where a Tensor is expected"),
        (FORWARD, "        return\n", r"returned None: is a `return` missing"),
        (FORWARD, "        return x, x\n", r"It should return one tensor; it returns a tuple of 2"),
        (FORWARD, "        return x[0]\n", r"wrong shape\.\n.*\n +expected +\(batch, seq_len, \d+\).*\n +got +\(seq"),
        ("Tensor.zeros([dim])", "Tensor.zeros([dim + 1])", r"parameters have the wrong shape: bias"),
        ("        self.bias = Tensor.zeros([dim])\n", "", r"A bias is missing: bias"),
        ("    def forward(self, x: Tensor)", "    def forward(self)", r"TypeError: .*takes 1 positional argument"),
        ("    def forward(", "    def backward(", r"NotImplementedError|Not filled in"),
    ],
)  # fmt: skip
def test_mistakes_in_the_learners_file(filled: Workspace, tutor: Tool, old: str, new: str, told: str):
    result = tutor(edited(filled, old, new), "s03")
    assert result.returncode == 1, result.stdout + result.stderr
    assert re.search(told, result.stdout), result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "tutor/" not in result.stdout, "frames of the tool are not the learner's"


def test_what_the_code_prints_is_shown_apart(filled: Workspace, tutor: Tool, compiled: None):
    printing = "import sys\nprint('hello from step 3')\nprint('and an error', file=sys.stderr)\n"
    result = tutor(edited(filled, LAYER_NORM, printing + LAYER_NORM), "s03")
    assert result.returncode == 0, result.stdout
    assert "printed by steps/step_03.py" in result.stdout
    assert "hello from step 3" in result.stdout and "and an error" in result.stdout


def test_an_endless_loop_is_stopped(filled: Workspace):
    edited(filled, LAYER_NORM, "while True: pass\n" + LAYER_NORM)
    limits = supervisor.TIME_LIMITS | {"trace": 2.0}
    finished = supervisor.run(3, filled, green={}, time_limits=limits)
    assert finished.verdict.status == "red"
    assert "Stopped after 2 seconds" in finished.verdict.problem.summary


def test_an_endless_print_is_stopped(filled: Workspace, tutor: Tool):
    result = tutor(edited(filled, LAYER_NORM, "while True: print('x' * 1000)\n" + LAYER_NORM), "s03")
    assert result.returncode == 1
    assert "Stopped after it had printed 10 MB" in result.stdout
    assert "more lines" in result.stdout and len(result.stdout) < 50_000


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
    # The environment is passed on by hand: see ENVIRONMENT in test_repository.py.
    command = [sys.executable, "-S", "-m", "tutor", "s08"]
    run = subprocess.run(command, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith("error: this Python has no click; the course's own is in .venv: ")
    assert run.stderr.count("\n") == 1


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


def test_damaged_cache_entries_are_compiled_again(
    filled: Workspace, tutor: Tool, tmp_path_factory: pytest.TempPathFactory
):
    cache = tmp_path_factory.mktemp("cache")
    first = tutor(filled, "s05", TUTOR_CACHE=str(cache))
    assert first.returncode == 0 and "MAX compiled" in first.stdout, first.stdout + first.stderr
    assert "MAX compiled" not in tutor(filled, "s05", TUTOR_CACHE=str(cache)).stdout
    for artifact in cache.glob("*.mef"):
        artifact.write_bytes(artifact.read_bytes()[:1000])
    again = tutor(filled, "s05", TUTOR_CACHE=str(cache))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "were damaged; they were compiled again" in again.stdout and "MAX compiled" in again.stdout
    for entry in cache.glob("*.json"):
        entry.write_text("not json")
    assert "were damaged" in tutor(filled, "s05", TUTOR_CACHE=str(cache)).stdout


def test_a_cache_that_cannot_be_written(filled: Workspace, tutor: Tool, tmp_path: Path):
    (tmp_path / "file").write_text("")
    for command in (("s03",), ("generate", "A"), ("attention", "A"), ("warm",)):
        result = tutor(filled, *command, TUTOR_CACHE=str(tmp_path / "file" / "cache"))
        assert result.returncode == 1
        assert "set TUTOR_CACHE to a folder that you can write" in result.stderr, result.stderr
        assert "Traceback" not in result.stderr


def test_two_checks_at_once_do_not_disturb_each_other(filled: Workspace, compiled: None):
    command = [sys.executable, "-m", "tutor"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    running = [
        subprocess.Popen([*command, name], cwd=filled.root, env=environment, stdout=subprocess.PIPE, text=True)
        for name in ("s03", "s05", "s03")
    ]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outputs
    assert set(json.loads((filled.state / "progress.json").read_text())["green"]) == {"3", "5"}


def test_ctrl_c_ends_the_check_and_its_child(filled: Workspace):
    edited(filled, LAYER_NORM, "import time; time.sleep(60)\n" + LAYER_NORM)
    process = subprocess.Popen(
        [sys.executable, "-m", "tutor", "s03"],
        cwd=filled.root,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts these tests in the background may have them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    children: list[psutil.Process] = []
    while not children:
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
        children = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped" in errors and "Traceback" not in errors
    assert not any(child.is_running() for child in children)
