"""Tells which step files were saved, whatever way an editor saves, and whatever the file system tells of it."""

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from watchfiles import watch

from tutor.course import COURSE
from tutor.learner.workspace import Workspace

# Seconds without a change after which an editor has finished saving, and how often that is waited for at most.
_QUIET, _MOST_WAITS = 0.06, 10
# Milliseconds in which the watcher gathers what it tells together.
_GATHER, _GATHER_AT_MOST = 10, 50
# Milliseconds between two looks at the files where the file system told nothing: a network drive tells nothing of what
# is written elsewhere.
_BETWEEN_LOOKS, _BETWEEN_POLLS = 500, 150
# Seconds after which a file that is gone, or empty, is not just being written.
_SECONDS_TO_COME_BACK = 0.4


@dataclass
class _Known:
    """What is known of a file.

    Args:
        status: time, size and number of the file when it was read; None if it was not there.
        digest: of its content.
        incomplete_since: when it was found gone or empty; None if it was not.
    """

    status: tuple[int, int, int] | None
    digest: bytes
    incomplete_since: float | None = None


class StepFiles:
    """The learner's files, and what was in them when they were looked at last."""

    def __init__(self, workspace: Workspace) -> None:
        self._known: dict[Path, _Known] = {}
        self._steps = {workspace.step(step.number): step.number for step in COURSE}
        for file in self._steps:
            status, digest = _read(file)
            self._known[file] = _Known(status, digest)

    async def settled(self) -> bool:
        """Whether a file was touched since the last look; if so, an editor has finished with it by now."""
        now = [_status(file) for file in self._steps]
        if now == [known.status for known in self._known.values()]:
            return False
        for _ in range(_MOST_WAITS):
            await asyncio.sleep(_QUIET)
            if now == (now := [_status(file) for file in self._steps]):
                break
        return True

    def changed(self) -> frozenset[int]:
        """The steps whose files have another content than at the last look.

        A file that is gone or empty counts only after a while: editors save by removing or emptying it first.
        """
        return frozenset(step for file, step in self._steps.items() if self._has_changed(file))

    def _has_changed(self, file: Path) -> bool:
        known = self._known[file]
        if _status(file) == known.status:
            known.incomplete_since = None
            return False
        status, digest = _read(file)
        if digest == known.digest:
            self._known[file] = _Known(status, digest)
            return False
        if status is None or not status[1]:
            since = known.incomplete_since or time.monotonic()
            if time.monotonic() - since < _SECONDS_TO_COME_BACK:
                known.incomplete_since = since
                return False
        self._known[file] = _Known(status, digest)
        return True


async def saves(workspace: Workspace, *, poll: bool = False) -> AsyncIterator[frozenset[int]]:
    """Yields the steps whose files were saved with another content, a moment after the last write.

    Args:
        workspace: whose files.
        poll: look at the files again and again, without waiting for the file system to tell of changes. That is done
            at once on drives of Windows, and twice a second everywhere.
    """
    files = StepFiles(workspace)
    folder = workspace.root / "steps"
    folder.mkdir(exist_ok=True)
    async for _ in _looks(folder, poll=poll):
        if await files.settled() and (changed := files.changed()):
            yield changed


async def _looks(folder: Path, *, poll: bool) -> AsyncIterator[None]:
    """Yields when something may have happened in a folder: the file system told of it, or a while has passed.

    A thread watches, and is told to stop: whoever reads this can leave at any moment, without waiting for it.
    """
    loop, told, stop = asyncio.get_running_loop(), asyncio.Queue[Exception | None](), threading.Event()

    def tell(error: Exception | None = None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(told.put_nowait, error)

    def look() -> None:
        try:
            for _ in watch(
                folder,
                watch_filter=None,
                recursive=False,
                step=_GATHER,
                debounce=_GATHER_AT_MOST,
                rust_timeout=_BETWEEN_LOOKS,
                yield_on_timeout=True,
                force_polling=True if poll else None,
                poll_delay_ms=_BETWEEN_POLLS,
                stop_event=stop,
            ):
                tell()
        except Exception as error:  # whoever reads this gets it
            tell(error)

    threading.Thread(target=look, name="saves", daemon=True).start()
    try:
        while True:
            if (error := await told.get()) is not None:
                raise error
            yield
    finally:
        stop.set()


def _status(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(file: Path) -> tuple[tuple[int, int, int] | None, bytes]:
    """The status of a file, and the digest of its content; of a file that cannot be read, that of another content."""
    status = _status(file)
    try:
        return status, hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None, b""
