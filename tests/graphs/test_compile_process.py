"""Compiling in a process of its own."""

import os
import pickle
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from max.driver import CPU
from max.experimental.tensor import Tensor

from tutor.errors import CompileError, ToolError
from tutor.graphs.compile_process import load_interruptibly
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph


@pytest.fixture
def graph() -> TracedGraph:
    """A small graph."""

    def double(x: Tensor) -> Tensor:
        return x + x

    return trace(lambda: double, [TensorSpec("float32", ("n",))], CPU())


def test_what_a_process_compiled_runs_in_its_parent_and_is_kept(graph: TracedGraph, tmp_path: Path):
    told: list[int] = []
    x = np.arange(3, dtype=np.float32)
    for _ in range(2):
        (compiled,) = load_interruptibly([graph], tmp_path / "cache", told.append)
        (doubled,) = compiled({}, x)
        np.testing.assert_array_equal(doubled, [0, 2, 4])
    assert told == [1], "the second time, it is in the cache"


def pretend(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Has a shell script run in place of the compiling process."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_crash_is_told_in_one_line(graph: TracedGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, tmp_path, "kill -SEGV $$")
    with pytest.raises(ToolError, match=r"^the process that compiles crashed with SIGSEGV, .*run the command again$"):
        load_interruptibly([graph], tmp_path / "cache")


def test_a_failure_of_the_tool_is_told_with_what_it_wrote(
    graph: TracedGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pretend(monkeypatch, tmp_path, "echo some traceback >&2; exit 1")
    with pytest.raises(ToolError, match="please report this:\nsome traceback"):
        load_interruptibly([graph], tmp_path / "cache")


def test_what_max_refuses_reaches_the_parent(graph: TracedGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    answer = tmp_path / "answer"
    answer.write_bytes(pickle.dumps(CompileError("no such kernel")))
    pretend(monkeypatch, tmp_path, f"cat {shlex.quote(str(answer))}")
    with pytest.raises(CompileError, match=r"^no such kernel$"):
        load_interruptibly([graph], tmp_path / "cache")


def test_a_process_whose_parent_is_gone_ends_itself():
    # Started by this process, and told that another one is its parent.
    command = [sys.executable, "-m", "tutor.graphs.compile_process", str(os.getpid() + 1)]
    ended = subprocess.run(command, input=b"", env=os.environ, capture_output=True, check=False)
    assert ended.returncode == -9
