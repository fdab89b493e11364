"""Learners' files that break in any way: one clear message, exit status 1, nothing lost, no traceback of ours."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.support.workspaces import Tool
from tutor.checking import supervisor
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
        (FORWARD, "        return self.forward(x)\n", r"RecursionError: .*\n(.*\n)?(.*step_03.py.*\n.*\n){4}  `self"),
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
