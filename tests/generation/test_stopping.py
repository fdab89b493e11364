"""A command that compiles can be stopped at once, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tutor.learner.workspace import REPOSITORY, Workspace

COMMANDS = {
    "generate": ["generate", "ROMEO:"],
    "attention": ["attention", "To be, or not to be"],
}


def compiles(process: psutil.Process) -> bool:
    """Whether it is the process that compiles. Others come and go: MAX asks programs about the machine."""
    try:
        return "tutor.graphs.compile_process" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def start(workspace: Workspace, command: list[str], caches: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Starts a command with empty caches; gives it and its children once one of them compiles.

    MAX keeps what it compiled too: where another test compiled the same graph, it would be done in a second.
    """
    running = subprocess.Popen(
        [sys.executable, "-m", "tutor", *command],
        cwd=workspace.root,
        env=os.environ
        | {
            "PYTHONPATH": str(REPOSITORY),
            "TUTOR_CACHE": str(caches / "course"),
            "MODULAR_DERIVED_PATH": str(caches / "max"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts these tests in the background may have them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    children: list[psutil.Process] = []
    while not any(map(compiles, children)):
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
        children = psutil.Process(running.pid).children(recursive=True)
    return running, children


@pytest.mark.parametrize("seconds", [0.0, 8.0], ids=["while it starts", "while it compiles"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_ctrl_c_stops_a_compile_at_once(skeletons: Workspace, tmp_path: Path, command: list[str], seconds: float):
    running, children = start(skeletons, command, tmp_path / "caches")
    time.sleep(seconds)
    assert any(map(compiles, children)), "it compiled sooner than was thought"
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert running.returncode == 130 and out == ""
    assert errors.split("\n") == ["compiling the model with MAX (about a minute, once)", "", "error: stopped", ""]
    assert psutil.wait_procs(children, timeout=5)[1] == []


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL], ids=lambda stop: stop.name)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_is_ended_leaves_no_process(
    skeletons: Workspace, tmp_path: Path, command: list[str], stop: signal.Signals
):
    running, children = start(skeletons, command, tmp_path / "caches")
    running.send_signal(stop)
    running.communicate(timeout=30)
    assert running.returncode == -stop
    # A child that was still importing notices at the end of it that its parent is gone.
    assert psutil.wait_procs(children, timeout=60)[1] == []
