"""The judge's end of the connection to the process with the learner's code."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import BinaryIO

from tutor.checking.guard import ProblemFound
from tutor.checking.spec import Arrays, RunnableSubject
from tutor.checking.verdict import Problem
from tutor.checking.wire import Connection, Message, WireError
from tutor.errors import CourseError, ToolError
from tutor.graphs.evaluate.errors import EvaluationError

_SECONDS_TO_END = 1.0


class LearnerLink:
    """Starts a process for one choice of the course's files, and asks it."""

    def __init__(self, step: int, output: BinaryIO) -> None:
        """Starts the process; what its code prints goes to `output`.

        It imports ahead what a step needs; problems that are not in the code are told as those of `link.step`.
        """
        own, theirs = socket.socketpair()
        self.step = step
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

    def ask(self, do: str, **content: object) -> Message:
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
            raise ProblemFound(disturbed(self.step))
        if "refused" in message:
            raise CourseError(message.text("refused"))
        if "failed" in message:
            raise ToolError(f"the tool itself failed; please report this:\n{message['failed']}")
        return message

    def stop(self) -> None:
        """Ends the process at once, whatever it does: a question that waits for an answer is told so."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        try:
            self._process.wait(timeout=_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _serve(self, message: Message) -> None:
        """Runs a subject's graph for an answer that is being found."""
        match message.text("event"):
            case "bind":
                key = message.text("key")
                self._bound[key] = (key.rpartition(" ")[0], message.arrays_by_name("parameters"))
                return
            case "run" if "bound" in message and message.text("bound") in self._bound:
                name, parameters = self._bound[message.text("bound")]
            case "run":
                name, parameters = message.text("subject"), message.arrays_by_name("parameters")
            case event:
                raise WireError(f"{event} is no event")
        if name not in self.runnable:
            raise WireError(f"{name} is no subject that may be run")
        try:
            self._connection.send({"results": list(self.runnable[name](parameters, *message.arrays("inputs")))})
        except (ValueError, KeyError, EvaluationError) as error:
            self._connection.send({"error": str(error)})

    def _ended(self) -> Problem:
        """Why the process is not there any more."""
        try:
            status = self._process.wait(timeout=_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return disturbed(self.step)
        if status < 0:
            summary = f"The process crashed with {signal.Signals(-status).name} while it ran your code."
            advice = "MAX itself crashed on this code. Undo your last change, or compare with the solution."
        else:
            summary = f"The code ended the process (exit status {status}) instead of returning."
            advice = "Remove the call that ends the process."
        return Problem("stopped", self.step, summary, advice=advice)


def disturbed(step: int) -> Problem:
    """What came over the connection is not what the learner's process sends."""
    summary = "The code disturbed the connection over which it is checked."
    return Problem("stopped", step, summary, advice="Write only to files that your code has opened itself.")
