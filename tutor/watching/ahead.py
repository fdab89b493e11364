"""Compiles what the learner will need next, while they read and the machine has nothing else to do."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from tutor.learner.workspace import Workspace, cache_folder


class CompileAhead:
    """A process that compiles the graphs of solutions, and can be halted at any moment.

    It is started by the thread that this is used in, and ends with it.
    """

    def __init__(self, workspace: Workspace, device: str) -> None:
        self._workspace, self._device = workspace, device
        self._child: subprocess.Popen[bytes] | None = None
        self._steps: Sequence[int] = ()

    def go_on(self, steps: Sequence[int]) -> None:
        """Compiles the graphs of these steps, or goes on with them; what others there were is given up."""
        if steps != self._steps:
            self.close()
            self._steps = steps
            self._start()
        elif self._child is not None:
            self._send(signal.SIGCONT)

    def halt(self) -> None:
        """Halts it until it is told to go on: what it has done so far is not lost."""
        self._send(signal.SIGSTOP)

    def close(self) -> None:
        """Ends it."""
        if self._child is not None:
            self._send(signal.SIGKILL)
            self._child.wait()
            self._child = None
        self._steps = ()

    def _start(self) -> None:
        if not self._steps:
            return
        request = {
            "root": str(self._workspace.root),
            "steps": list(self._steps),
            "device": self._device,
            "cache_folder": str(cache_folder()),
        }
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tutor.checking.warm_process", str(os.getpid())],
            stdin=subprocess.PIPE,
            # Nobody asked for it: if it fails, the learner's own check will tell why.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ,
        )
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(request).encode())
            self._child.stdin.close()

    def _send(self, number: signal.Signals) -> None:
        if self._child is not None and self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)
