"""The process in which the code to show is traced. It starts at once and imports MAX while the tool does the same."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from tutor.checking.learner_link import LearnerLink

# Code that runs longer than this is taken for an endless loop.
SECONDS = 30.0

# More of what the code prints is not kept.
_MOST_PRINTED_BYTES = 1_000_000


@dataclass
class CodeProcess:
    """A process for the code of a step.

    Args:
        link: the connection to it.
        seconds: after which it is stopped.
        output: a file to which the code prints.
        timed_out: whether it was stopped because the time was up.
    """

    link: LearnerLink
    seconds: float
    output: BinaryIO
    timed_out: bool = False
    _size: int = _MOST_PRINTED_BYTES

    def stop(self) -> None:
        """Ends it because the time is up. What its helpers print when it is gone is not the code's."""
        self._size = min(os.fstat(self.output.fileno()).st_size, _MOST_PRINTED_BYTES)
        self.timed_out = True
        self.link.stop()

    def printed(self) -> str:
        """What the code has printed."""
        # The process writes where this one reads: the file has one position for both.
        return os.pread(self.output.fileno(), self._size, 0).decode(errors="replace")


@contextmanager
def start(step: int, *, seconds: float = SECONDS) -> Iterator[CodeProcess]:
    """Starts a process for the code of a step, and ends it afterwards."""
    with tempfile.TemporaryFile() as output:
        link = LearnerLink(step, output)
        process = CodeProcess(link, seconds, output)
        timer = threading.Timer(seconds, process.stop)
        timer.daemon = True
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()
            link.stop()
            link.close()
