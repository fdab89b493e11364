"""A program in a pseudo-terminal: what is on its screen, and real key presses."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pexpect
import psutil
import pyte

from tutor.learner.workspace import REPOSITORY

# A busy machine takes this long to start MAX.
_MOST_SECONDS = 120.0


class PseudoTerminal:
    """A running program and its screen."""

    def __init__(self, child: pexpect.spawn, columns: int, rows: int) -> None:
        self._child = child
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._child.pid

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        return [line.rstrip() for line in self._screen.display]

    def styles(self, text: str) -> Sequence[pyte.screens.Char]:
        """The characters of a text on the screen, with their colours."""
        row = next(index for index, line in enumerate(self.lines) if text in line)
        start = self.lines[row].index(text)
        return [self._screen.buffer[row][column] for column in range(start, start + len(text))]

    def press(self, keys: str) -> None:
        """Types."""
        self._child.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        """Gives the terminal another size."""
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def wait_for(self, *texts: str) -> None:
        """Waits until all of these are on the screen.

        Raises:
            AssertionError: they do not come.
        """
        self._wait(lambda: all(text in "\n".join(self.lines) for text in texts), f"no {texts} on the screen")

    def wait_until_gone(self, text: str) -> None:
        """Waits until a text is not on the screen any more."""
        self._wait(lambda: text not in "\n".join(self.lines), f"{text} stays on the screen")

    def end(self) -> int:
        """Waits for the program to end, and gives its exit status."""
        self._wait(lambda: not self._child.isalive(), "the program does not end")
        assert self._child.exitstatus is not None, f"ended by signal {self._child.signalstatus}"
        return self._child.exitstatus

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        until = time.monotonic() + _MOST_SECONDS
        while not condition():
            assert time.monotonic() < until, f"{otherwise}:\n" + "\n".join(self.lines)
            self._read()

    def _read(self) -> None:
        try:
            chunk = self._child.read_nonblocking(1 << 16, timeout=0.05)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            self._child.wait()
            return
        self.written += chunk
        self._stream.feed(chunk)


@contextmanager
def terminal(
    command: Sequence[str], folder: Path, columns: int = 80, rows: int = 24, **environment: str
) -> Iterator[PseudoTerminal]:
    """Runs a program in a pseudo-terminal; nothing of it is left at the end."""
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    child = pexpect.spawn(
        command[0],
        list(command[1:]),
        cwd=str(folder),
        env=known | {"PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color"} | environment,
        dimensions=(rows, columns),
    )
    try:
        yield PseudoTerminal(child, columns, rows)
    finally:
        started = processes_of(child.pid)
        child.close(force=True)
        psutil.wait_procs(started, timeout=10)


def processes_of(pid: int) -> list[psutil.Process]:
    """A process's children, and theirs."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
