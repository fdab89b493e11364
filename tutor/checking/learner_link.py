"""The judge's end of the connection to the process with the learner's code."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from tutor.checking.guard import ProblemFound
from tutor.checking.spec import Arrays, RunnableSubject
from tutor.checking.verdict import Problem
from tutor.checking.wire import Connection, Plain, WireError
from tutor.errors import CourseError, ToolError
from tutor.evaluate.errors import EvaluationError

_SECONDS_TO_END = 1.0


class LearnerLink:
    """Starts a process for one choice of the course's files, and asks it."""

    def __init__(self, step: int, output: BinaryIO) -> None:
        """Starts the process; what its code prints goes to `output`."""
        own, theirs = socket.socketpair()
        self._step = step
        self._connection = Connection(own)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tutor.checking.learner_process", str(theirs.fileno()), str(os.getpid()), str(step)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        theirs.close()
        # The subjects that an answer may run, and the parameters that it has handed over, by name.
        self.runnable: Mapping[str, RunnableSubject] = {}
        self._bound: dict[str, tuple[str, Arrays]] = {}

    def ask(self, do: str, **content: Plain) -> dict[str, Plain]:
        """Sends a request, and gives the reply.

        Raises:
            ProblemFound: the code under test failed, or ended its process, or disturbed the connection.
            CourseError: what was asked is not possible here, whatever the code is.
        """
        nonce = secrets.token_hex(16)
        try:
            self._connection.send({"do": do, "nonce": nonce, **content})
            while (message := self._connection.receive()).get("event") != "reply":
                self._serve(message)
        except WireError:
            raise ProblemFound(self._ended()) from None
        if message.get("nonce") != nonce:
            raise ProblemFound(_disturbed(self._step))
        if "refused" in message:
            raise CourseError(str(message["refused"]))
        if "failed" in message:
            raise ToolError(f"the tool itself failed; please report this:\n{message['failed']}")
        return message

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        try:
            self._process.wait(timeout=_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _serve(self, message: Mapping[str, Plain]) -> None:
        """Runs a subject's graph for an answer that is being found."""
        try:
            if message.get("event") == "bind":
                key = _text(message["key"])
                self._bound[key] = (key.rpartition(" ")[0], _arrays(message["parameters"]))
                return
            if message.get("event") != "run":
                raise WireError("what came is no message")
            name, parameters = _text(message["subject"]), message.get("parameters")
            if "bound" in message:
                name, parameters = self._bound[_text(message["bound"])]
            run, inputs = self.runnable[name], message["inputs"]
            if not isinstance(inputs, list):
                raise WireError("what came is no message")
            arguments = [array for array in inputs if isinstance(array, np.ndarray)]
            given = _arrays(parameters)
        except (KeyError, TypeError) as error:
            raise WireError(f"what came is no message ({error})") from None
        try:
            self._connection.send({"results": list(run(given, *arguments))})
        except (ValueError, KeyError, EvaluationError) as error:
            self._connection.send({"error": str(error)})

    def _ended(self) -> Problem:
        """Why the process is not there any more."""
        try:
            status = self._process.wait(timeout=_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return _disturbed(self._step)
        if status < 0:
            summary = f"The process crashed with {signal.Signals(-status).name} while it ran your code."
            advice = "MAX itself crashed on this code. Undo your last change, or compare with the solution."
        else:
            summary = f"The code ended the process (exit status {status}) instead of returning."
            advice = "Remove the call that ends the process."
        return Problem("stopped", self._step, summary, advice=advice)


def _disturbed(step: int) -> Problem:
    summary = "The code disturbed the connection over which it is checked."
    return Problem("stopped", step, summary, advice="Write only to files that your code has opened itself.")


def _text(value: Plain) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _arrays(value: Plain) -> Arrays:
    if not isinstance(value, dict):
        raise TypeError("no arrays")
    return {name: array for name, array in value.items() if isinstance(array, np.ndarray)}
