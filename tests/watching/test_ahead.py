"""Compiling ahead: it can be halted, it goes on, and it ends."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.watching.ahead import CompileAhead


@pytest.fixture
def ahead(filled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompileAhead:
    """With an empty cache: there is something to do."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("TUTOR_CACHE", str(tmp_path / "cache"))
    return CompileAhead(filled, "cpu")


def processes() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "tutor.checking.warm_process" in each.cmdline()]


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_is_halted_goes_on_and_ends(ahead: CompileAhead):
    ahead.go_on([3])
    (process,) = processes()
    ahead.go_on([3])
    assert processes() == [process], "one is enough"
    wait_until(lambda: process.nice() == 15)
    ahead.halt()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    ahead.go_on([3])
    wait_until(lambda: process.status() != psutil.STATUS_STOPPED)
    ahead.halt()
    ahead.close()
    assert not process.is_running()


def test_other_steps_take_the_place_of_those_before(ahead: CompileAhead):
    ahead.go_on([3])
    (first,) = processes()
    ahead.go_on([4])
    (second,) = processes()
    assert not first.is_running() and second.pid != first.pid
    ahead.close()


def test_plain_python_has_nothing_to_compile_and_the_process_ends_by_itself(ahead: CompileAhead):
    ahead.go_on([0, 1])
    (process,) = processes()
    process.wait(timeout=60)
    ahead.halt()
    ahead.close()
