"""What a session does with saves: real files, real processes, nothing pretended."""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from tests.support.asynchronous import run_async
from tutor.course import find_step
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.watching.session import Event, Judged, NoVerdict, Opened, Options, PhaseBegan, Session

RIGHT, WRONG = "return self.n_embd // self.n_head", "return self.n_embd"
_MOST_SECONDS = 120.0


@pytest.fixture(autouse=True)
def _inside(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes find the tool from the workspace, in which they run."""
    monkeypatch.chdir(filled.root)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))


class Told:
    """What a session tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def wait_for(self, wanted: Callable[[Event], bool]) -> Event:
        """The first such event that was not given before; what came before it is forgotten."""
        async with asyncio.timeout(_MOST_SECONDS):
            while True:
                while self.events:
                    if wanted(event := self.events.pop(0)):
                        return event
                self._news.clear()
                await self._news.wait()

    async def verdict(self) -> Judged:
        event = await self.wait_for(lambda event: isinstance(event, Judged | NoVerdict))
        assert isinstance(event, Judged), event
        return event


def follow(
    workspace: Workspace, step: int, body: Callable[[Session, Told], Awaitable[None]], *, follow: bool = True
) -> None:
    """Runs a session beside what is done in it. No process is left at the end."""

    async def run() -> None:
        told = Told()
        session = Session(workspace, find_step(step), Options("cpu", follow=follow, ahead=False), told)
        running = asyncio.create_task(session.run())
        try:
            await body(session, told)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    before = set(psutil.Process().children())
    run_async(run())
    assert set(psutil.Process().children()) <= before


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def green_steps(workspace: Workspace) -> set[str]:
    return set(json.loads((workspace.state / "progress.json").read_text())["green"])


def test_each_save_has_its_verdict_and_a_right_one_is_recorded(filled: Workspace):
    file = filled.step(1)
    change(file, RIGHT, WRONG)

    async def body(session: Session, told: Told) -> None:
        first = await told.verdict()
        assert first.finished.verdict.status == "red" and green_steps(filled) == set()
        change(file, WRONG, RIGHT)
        second = await told.verdict()
        assert second.finished.verdict.green and green_steps(filled) == {"1"}
        change(file, RIGHT, "return self.n_embd //")
        third = await told.verdict()
        problem = third.finished.verdict.problem
        assert problem is not None and "Python cannot read the file" in problem.summary
        assert green_steps(filled) == set()

    follow(filled, 1, body)


def test_nothing_of_one_check_is_left_in_the_next(filled: Workspace):
    """A process with a learner's code is used once, and ends with all that it started."""
    file = filled.step(0)
    right = file.read_text()
    noted = filled.root / "started"
    file.write_text(
        "import builtins, math, os, pathlib, subprocess, sys\n"
        "builtins.range = lambda *numbers: []\nmath.exp = lambda x: 1.0\n"
        "sleeper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(noted)!r}).write_text(f'{{os.getpid()}} {{os.getppid()}} {{sleeper.pid}}')\n" + right
    )

    async def body(session: Session, told: Told) -> None:
        assert (await told.verdict()).finished.verdict.status == "red"
        used = [int(pid) for pid in noted.read_text().split()]
        file.write_text(right)
        assert (await told.verdict()).finished.verdict.green
        assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in used)

    follow(filled, 0, body)


def test_a_newer_save_ends_a_check_that_never_would(filled: Workspace):
    file = filled.step(1)
    right = file.read_text()
    file.write_text("while True: pass\n" + right)

    async def body(session: Session, told: Told) -> None:
        await told.wait_for(lambda event: isinstance(event, PhaseBegan) and event.phase == "trace")
        file.write_text(right)
        assert (await told.verdict()).finished.verdict.green

    follow(filled, 1, body)


def test_a_newer_save_ends_a_compile(filled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TUTOR_CACHE", str(tmp_path / "cache"))  # so that there is something to compile
    file = filled.step(8)

    async def body(session: Session, told: Told) -> None:
        began = await told.wait_for(lambda event: isinstance(event, PhaseBegan) and event.phase == "compile")
        assert isinstance(began, PhaseBegan) and began.graphs >= 1
        compiling = psutil.Process().children(recursive=True)
        assert 15 in {process.nice() for process in compiling}, "a compile lets other programs go first"
        change(file, " / math.sqrt(head_dim)", "")
        judged = await told.verdict()
        assert judged.finished.verdict.status == "red" and judged.finished.verdict.compiled == 0
        ended = [process for process in compiling if not process.is_running() or process.status() == "zombie"]
        assert len(ended) >= 2, "the judge and the learner's process of the first check"
        assert not list((tmp_path / "cache").glob("*.mef"))

    follow(filled, 8, body)


def test_it_goes_to_the_file_that_is_saved_or_stays(filled: Workspace):
    def save(number: int) -> None:
        filled.step(number).write_text(filled.step(number).read_text() + "# saved\n")

    async def goes(session: Session, told: Told) -> None:
        await told.verdict()
        save(0)
        opened = await told.wait_for(lambda event: isinstance(event, Opened))
        assert isinstance(opened, Opened) and opened.step.number == 0
        assert (await told.verdict()).step.number == 0

    async def stays(session: Session, told: Told) -> None:
        await told.verdict()
        save(0)
        assert (await told.verdict()).step.number == 1  # which could build on it
        told.events.clear()
        save(2)
        await asyncio.sleep(1.5)
        assert told.events == []

    follow(filled, 1, goes)
    follow(filled, 1, stays, follow=False)


def test_a_missing_file_says_how_to_bring_it_back_and_may_come_back(filled: Workspace):
    file = filled.step(1)
    text = file.read_text()
    file.unlink()

    async def body(session: Session, told: Told) -> None:
        missing = await told.wait_for(lambda event: isinstance(event, NoVerdict))
        assert isinstance(missing, NoVerdict)
        assert missing.message.startswith("steps/step_01.py is missing. ") and "reset" in missing.message
        file.write_text(text)
        assert (await told.verdict()).finished.verdict.green

    follow(filled, 1, body)


def test_what_follows_is_the_next_step_that_is_not_right(filled: Workspace):
    async def body(session: Session, told: Told) -> None:
        await told.verdict()
        following = session.following()
        assert following is not None and following.number == 2
        session.open(find_step(0))
        await told.verdict()
        following = session.following()
        assert following is not None and following.number == 2, "step 01 is right already"

    follow(filled, 1, body)


def test_a_process_that_waits_and_is_gone_is_replaced(filled: Workspace):
    """The system may have ended it, for want of memory."""

    async def body(session: Session, told: Told) -> None:
        await told.verdict()
        await asyncio.sleep(0.5)
        for process in psutil.Process().children():
            if process.pid != os.getpid() and "tutor.checking.judge" in process.cmdline():
                process.kill()
                process.wait()
        session.check()
        assert (await told.verdict()).finished.verdict.green

    follow(filled, 1, body)


def test_steps_that_cannot_be_followed_are_an_error_of_their_kind(filled: Workspace):
    shutil.rmtree(filled.root / "steps")
    (filled.root / "steps").write_text("a file")
    session = Session(filled, find_step(1), Options("cpu", ahead=False), lambda event: None)
    with pytest.raises(OSError):
        run_async(session.run())


def test_what_fails_while_it_is_told_ends_the_session(filled: Workspace):
    def tell(event: Event) -> None:
        if isinstance(event, PhaseBegan):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_async(Session(filled, find_step(1), Options("cpu", ahead=False), tell).run())
