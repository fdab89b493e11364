"""Runs checks in child processes, with a time limit for each phase; the course's own files are put back afterwards."""

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

from tutor.checking.integrity import Change, CourseFiles
from tutor.checking.verdict import Problem, Verdict
from tutor.errors import CheckStoppedError, CourseError, ToolError
from tutor.learner.workspace import Workspace, cache_folder

# Seconds a phase may take before it counts as an endless loop. Only compiling is slow.
TIME_LIMITS = {"start": 60.0, "trace": 30.0, "right": 30.0, "compile": 900.0, "compare": 120.0}

# What is told of the phases: the phase, the number of graphs that are being compiled, and the seconds since it began.
OnPhase: TypeAlias = Callable[[str, int, float], None]

# NumPy's threads wait by spinning: beside a busy process, small matrices then take ten times as long.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}

# More than this of the code's own output ends a check.
_MOST_PRINTED_BYTES = 10_000_000

# How many changed files of the course are named.
_MOST_CHANGES_TOLD = 5

# A judge that has closed its pipe has this long to end.
_SECONDS_TO_END = 1.0


@dataclass(frozen=True)
class Finished:
    """A verdict, and what the code under test printed meanwhile."""

    verdict: Verdict
    printed: str


class JudgeProcess:
    """A process that judges a step once. Until it is asked to, it waits, with all that it needs imported.

    Where a verdict must come at once, it is started ahead, with the process for the learner's code that belongs to it.
    Neither is used again: a learner's code never runs where something ran before it.

    The kernel ends the process with the thread that started it: that thread must live as long as the tool.
    """

    def __init__(self, step: int) -> None:
        """Starts it; it imports ahead what this step needs, but any step can be asked for."""
        # Every event of the judge has it: another process can find the pipe, and write into it.
        self._token = secrets.token_hex(16)
        self._lock, self._stopped, self._over = threading.Lock(), False, False
        self._output, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - until `end`
        self._events, write_end = os.pipe()
        output = self._output.fileno()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tutor.checking.judge", str(write_end), str(os.getpid()), str(output), str(step)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=[write_end, output],
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends the child.
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | _ONE_THREAD,
        )
        os.close(write_end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def run(
        self,
        step: int,
        workspace: Workspace,
        *,
        solutions: bool = False,
        device: str = "auto",
        green: Mapping[int, Mapping[str, str]],
        in_background: bool = False,
        on_phase: OnPhase = lambda phase, graphs, seconds: None,
        time_limits: Mapping[str, float] = TIME_LIMITS,
    ) -> Finished:
        """Judges a step, and ends the process.

        Args:
            step, workspace, solutions, device, green, in_background: as in `judge.Request`.
            on_phase: called several times a second with the phase, the number of graphs that
                are being compiled, and the seconds since the phase began.
            time_limits: seconds for each phase.

        Raises:
            CheckStoppedError: `stop` was called meanwhile.
            CourseError: the check could not be run.
        """
        request = {
            "token": self._token,
            "step": step,
            "root": str(workspace.root),
            "solutions": solutions,
            "device": device,
            "cache_folder": str(cache_folder()),
            "green": {str(number): dict(files) for number, files in green.items()},
            "in_background": in_background,
        }
        files: CourseFiles | None = None
        changes: list[Change] = []
        try:
            # No code of a learner's runs before the judge has its request.
            files = CourseFiles(workspace)
            # A process that has ended already takes no request: its exit status is told below.
            with contextlib.suppress(BrokenPipeError):
                assert self._child.stdin is not None
                self._child.stdin.write(json.dumps(request).encode())
                self._child.stdin.close()
            phase, event = _follow(self._events, self._output.fileno(), self._token, on_phase, time_limits)
            if event is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._child.wait(timeout=_SECONDS_TO_END)
            self._output.seek(0)
            printed = self._output.read(_MOST_PRINTED_BYTES).decode(errors="replace")
        finally:
            self.end()
            if files is not None:
                changes += files.put_back()
        if self._stopped:
            raise CheckStoppedError("the check was stopped")
        try:
            verdict = _verdict(step, phase, event, self._child.returncode, time_limits)
        except CourseError as error:
            raise type(error)(_with_sentence(str(error), changes, between="\n")) from None
        return Finished(_with_changes(verdict, changes), printed)

    @property
    def waits(self) -> bool:
        """Whether it is there to be asked."""
        return not self._over and self._child.poll() is None

    def stop(self) -> None:
        """Ends the process at once, whatever it does. Another thread may call it while `run` goes on."""
        self._stopped = True
        with self._lock:
            if not self._over:
                _kill_group(self._child.pid)

    def end(self) -> None:
        """Ends the process, and all that it has started."""
        with self._lock:
            if self._over:
                return
            self._over = True
            # Also where it has ended by itself: what the learner's code has started may go on.
            _kill_group(self._child.pid)
            self._child.wait()
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        os.close(self._events)
        self._output.close()
        self._errors.close()


def run(
    step: int,
    workspace: Workspace,
    *,
    solutions: bool = False,
    device: str = "auto",
    green: Mapping[int, Mapping[str, str]],
    on_phase: OnPhase = lambda phase, graphs, seconds: None,
    time_limits: Mapping[str, float] = TIME_LIMITS,
) -> Finished:
    """Checks a step in a child process; see `JudgeProcess.run`.

    Raises:
        CourseError: the check could not be run.
    """
    with JudgeProcess(step) as judge:
        return judge.run(
            step, workspace, solutions=solutions, device=device, green=green, on_phase=on_phase, time_limits=time_limits
        )


def _verdict(step: int, phase: str, event: dict | None, status: int, time_limits: Mapping[str, float]) -> Verdict:
    """What the last event of a check says; of a judge that just ended, its exit status."""
    if event is None:
        return _ended(step, phase, status)
    match event["event"]:
        case "verdict":
            return Verdict.from_dict(event["verdict"])
        case "timeout":
            return _timeout(step, phase, time_limits[phase])
        case "flood":
            return _flood(step)
        case "disturbed":
            return _disturbed(step)
        case "refused":
            raise CourseError(event["message"])
        case _:
            raise ToolError(f"the tool itself failed; please report this:\n{event['message']}")


def _follow(
    read_end: int,
    output: int,
    token: str,
    on_phase: OnPhase,
    time_limits: Mapping[str, float],
) -> tuple[str, dict | None]:
    """Reads events until the last one; gives the phase and that event, None if the child just ended."""
    phase, graphs, began, pending = "start", 0, time.monotonic(), b""
    with selectors.DefaultSelector() as selector:
        selector.register(read_end, selectors.EVENT_READ)
        while True:
            seconds = time.monotonic() - began
            on_phase(phase, graphs, seconds)
            if seconds > time_limits[phase]:
                return phase, {"event": "timeout"}
            if os.fstat(output).st_size > _MOST_PRINTED_BYTES:
                return phase, {"event": "flood"}
            if not selector.select(timeout=0.1):
                continue
            chunk = os.read(read_end, 1 << 16)
            if not chunk:
                return phase, None
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                event = _event_of(line, token)
                if event["event"] not in time_limits:
                    return phase, event
                phase, graphs, began = event["event"], event.get("graphs", 0), time.monotonic()


def _event_of(line: bytes, token: str) -> dict:
    """The event that a line holds, if it is the judge's."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    return event if isinstance(event, dict) and event.get("token") == token else {"event": "disturbed"}


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says it in the second way
        os.killpg(leader, signal.SIGKILL)


def _timeout(step: int, phase: str, limit: float) -> Verdict:
    doing = {
        "start": "starting",
        "trace": "importing and tracing",
        "right": "reading compiled graphs",
        "compile": "compiling",
        "compare": "running",
    }[phase]
    advice = (
        "Look for a loop that never ends: in a graph, `for row in tensor` is one. Outside a graph, MAX compiles each "
        "operation by itself: build a model inside `with F.lazy():`, and compute with arrays, `tensor.to_numpy()`."
        if phase in ("trace", "compare")
        else "The machine may be very busy. Try again."
    )
    summary = f"Stopped after {limit:.0f} seconds of {doing}."
    return Verdict(step, "red", problem=Problem("stopped", step, summary, advice=advice))


def _flood(step: int) -> Verdict:
    summary = f"Stopped after it had printed {_MOST_PRINTED_BYTES // 1_000_000} MB."
    return Verdict(step, "red", problem=Problem("stopped", step, summary, advice="Look for a `print` in a loop."))


def _disturbed(step: int) -> Verdict:
    summary = "The code wrote into the pipe through which its verdict comes."
    advice = "Write only to files that your code has opened itself."
    return Verdict(step, "red", problem=Problem("stopped", step, summary, advice=advice))


def _ended(step: int, phase: str, status: int) -> Verdict:
    if status < 0:
        summary = f'The process crashed with {signal.Signals(-status).name} in the phase "{phase}".'
        advice = "MAX itself crashed on this code. Undo your last change, or compare with the solution."
    else:
        summary = f"The code ended the process (exit status {status}) instead of returning."
        advice = "Remove the call that ends the process."
    return Verdict(step, "red", problem=Problem("stopped", step, summary, advice=advice))


def _with_changes(verdict: Verdict, changes: Sequence[Change]) -> Verdict:
    """The verdict on code that changed the course's own files: it is not right, whatever was found beside that."""
    if not changes:
        return verdict
    problem = verdict.problem
    if problem is not None and problem.kind == "stopped":
        details = [*problem.details, *_listed(changes)]
        problem = replace(problem, details=details, advice=_with_sentence(problem.advice, changes, between=" "))
    else:
        summary, details = _sentence(changes), _listed(changes)
        problem = Problem("stopped", verdict.step, summary, details=details, advice=_advice(changes))
    return replace(verdict, status="red", problem=problem, culprits=[], suspects=[], notes=[])


def _with_sentence(text: str, changes: Sequence[Change], *, between: str) -> str:
    return f"{text}{between}{_sentence(changes)} {_advice(changes)}".strip() if changes else text


def _sentence(changes: Sequence[Change]) -> str:
    """What became of the course's files: "solutions/solution_03.py was changed while your code was checked. …"."""
    first, several = changes[0], len(changes) > 1
    who = f"{len(changes)} of the course's own files" if several else first.file
    kinds = {change.what for change in changes}
    what = (kinds.pop() if len(kinds) == 1 else "was changed").replace("was", "were" if several else "was")
    they = "They were" if several else "It was"
    done = f"{they} put back."
    if all(change.what == "appeared" for change in changes):
        done = f"{they} moved out of the way."
    failed = [change for change in changes if change.failure]
    if failed:
        done = f"{failed[0].file} could not be put back ({failed[0].failure}): restore it with git."
    return f"{who} {what} while your code was checked. {done}"


def _listed(changes: Sequence[Change]) -> list[tuple[str, str]]:
    """For each of the first changes, what happened, and where what was found there is kept."""
    rows = [
        (change.file, f"{change.what}{f'; kept as {change.kept}' if change.kept else ''}")
        for change in changes[:_MOST_CHANGES_TOLD]
    ]
    more = len(changes) - len(rows)
    return [*rows, ("…", f"and {more} more")] if more else rows


def _advice(changes: Sequence[Change]) -> str:
    advice = "A step file must not write into the course's own files: remove what does, and check again."
    if any(change.kept for change in changes):
        advice += " If you made the change yourself meanwhile: what you wrote is kept."
    return advice
