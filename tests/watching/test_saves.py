"""What counts as a save."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.asynchronous import run_async
from tutor.learner.workspace import Workspace
from tutor.watching.saves import saves

TEXT = "# a new line\n"


def replaced(file: Path) -> None:
    """As editors do that keep a file whole."""
    beside = file.with_name(".step.swp")
    beside.write_text(TEXT)
    os.replace(beside, file)


def emptied_first(file: Path) -> None:
    """As editors do that write into the file."""
    with file.open("w") as stream:
        stream.flush()
        time.sleep(0.02)
        stream.write(TEXT[:5])
        stream.flush()
        time.sleep(0.02)
        stream.write(TEXT[5:])


def written_three_times(file: Path) -> None:
    """As a formatter does behind an editor."""
    for text in ("one", "two", TEXT):
        file.write_text(text)
        time.sleep(0.01)


def removed_first(file: Path) -> None:
    """As editors do that rename the old file before they write."""
    os.replace(file, file.with_suffix(".py~"))
    time.sleep(0.15)
    file.write_text(TEXT)


# How long each way takes, in seconds.
USUAL = {replaced: 0.0, emptied_first: 0.04, written_three_times: 0.03, removed_first: 0.15}


def told_of(workspace: Workspace, change: Callable[[], None], *, poll: bool = False, seconds: float = 1.2) -> list:
    """All that is told of a change within some seconds."""
    told: list[frozenset[int]] = []

    async def follow() -> None:
        async for steps in saves(workspace, poll=poll):
            told.append(steps)

    async def run() -> None:
        following = asyncio.create_task(follow())
        await asyncio.sleep(0.5)  # it watches by now
        await asyncio.to_thread(change)
        await asyncio.sleep(seconds)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    run_async(run())
    return told


@pytest.mark.parametrize("poll", [False, True], ids=["events", "polling"])
@pytest.mark.parametrize("save", [replaced, emptied_first, written_three_times, removed_first])
def test_however_a_file_is_saved_it_is_told_once(skeletons: Workspace, save: Callable[[Path], None], poll: bool):
    took = 0.0

    def timed() -> None:
        nonlocal took
        began = time.monotonic()
        save(skeletons.step(8))
        took = time.monotonic() - began

    told = told_of(skeletons, timed, poll=poll)
    assert set(told) == {frozenset({8})}
    # On a busy machine, this test itself may pause for so long that its save looks like two.
    assert len(told) == 1 or took > USUAL[save] + 0.03


def test_a_save_without_a_change_is_none(skeletons: Workspace):
    file = skeletons.step(8)
    content = file.read_bytes()

    def save() -> None:
        file.write_bytes(content)
        os.utime(file)
        (file.parent / "notes.txt").write_text("not a step")

    assert told_of(skeletons, save) == []


@pytest.mark.parametrize("change", [Path.unlink, lambda file: file.write_text("")], ids=["gone", "empty"])
def test_a_file_that_stays_away_is_told_after_a_while(skeletons: Workspace, change: Callable[[Path], object]):
    assert told_of(skeletons, lambda: (change(skeletons.step(8)), None)[1], seconds=2.0) == [{8}]


def test_two_files_at_once_are_told_together(skeletons: Workspace):
    def save() -> None:
        for number in (7, 8):
            replaced(skeletons.step(number))

    assert told_of(skeletons, save) == [{7, 8}]


def test_what_the_file_system_does_not_tell_is_seen_too(skeletons: Workspace, tmp_path: Path):
    """Here because the file lies elsewhere; on a network drive, because it is written elsewhere."""
    file, elsewhere = skeletons.step(8), tmp_path / "elsewhere.py"
    os.replace(file, elsewhere)
    file.symlink_to(elsewhere)
    assert told_of(skeletons, lambda: (elsewhere.write_text(TEXT), None)[1], seconds=2.0) == [{8}]


def test_a_folder_that_is_replaced_is_followed(skeletons: Workspace, tmp_path: Path):
    """Another branch is checked out."""
    folder = skeletons.root / "steps"

    def change() -> None:
        os.replace(folder, tmp_path / "old")
        folder.mkdir()
        for file in (tmp_path / "old").glob("step_*.py"):
            (folder / file.name).write_bytes(file.read_bytes())
        skeletons.step(8).write_text(TEXT)

    assert told_of(skeletons, change, seconds=2.0) == [{8}]
