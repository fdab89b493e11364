"""Runs checks in child processes, with a time limit for each phase."""

import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tutor.checking.verdict import Problem, Verdict
from tutor.errors import CourseError, ToolError
from tutor.learner.workspace import Workspace, cache_folder

# Seconds a phase may take before it counts as an endless loop. Only compiling is slow.
TIME_LIMITS = {"start": 60.0, "trace": 30.0, "right": 30.0, "compile": 900.0, "compare": 120.0}


# NumPy's threads wait by spinning: beside a busy process, small matrices then take ten times as long.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}

# More than this of the code's own output ends a check.
_MOST_PRINTED_BYTES = 10_000_000


@dataclass(frozen=True)
class Finished:
    """A verdict, and what the code under test printed meanwhile."""

    verdict: Verdict
    printed: str


def run(
    step: int,
    workspace: Workspace,
    *,
    solutions: bool = False,
    device: str = "auto",
    green: Mapping[int, Mapping[str, str]],
    on_phase: Callable[[str, int, float], None] = lambda phase, graphs, seconds: None,
    time_limits: Mapping[str, float] = TIME_LIMITS,
) -> Finished:
    """Checks a step in a child process.

    Args:
        step, workspace, solutions, device, green: as in `runner.run_check`.
        on_phase: called several times a second with the phase, the number of graphs that
            are being compiled, and the seconds since the phase began.
        time_limits: seconds for each phase.

    Raises:
        CourseError: the check could not be run.
    """
    # Every event of the judge has it: another process can find the pipe, and write into it.
    token = secrets.token_hex(16)
    request = {
        "token": token,
        "step": step,
        "root": str(workspace.root),
        "solutions": solutions,
        "device": device,
        "cache_folder": str(cache_folder()),
        "green": {str(number): dict(files) for number, files in green.items()},
    }
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "tutor.checking.judge", str(write_end), str(os.getpid()), str(output.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=[write_end, output.fileno()],
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends the child.
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | _ONE_THREAD,
        )
        os.close(write_end)
        try:
            assert child.stdin is not None
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
            phase, event = _follow(read_end, output.fileno(), token, on_phase, time_limits)
        finally:
            os.close(read_end)
            _end(child)
        output.seek(0)
        printed = output.read(_MOST_PRINTED_BYTES).decode(errors="replace")

    if event is None:
        return Finished(_ended(step, phase, child.returncode), printed)
    match event["event"]:
        case "verdict":
            return Finished(Verdict.from_dict(event["verdict"]), printed)
        case "timeout":
            return Finished(_timeout(step, phase, time_limits[phase]), printed)
        case "flood":
            return Finished(_flood(step), printed)
        case "disturbed":
            return Finished(_disturbed(step), printed)
        case "refused":
            raise CourseError(event["message"])
        case _:
            raise ToolError(f"the tool itself failed; please report this:\n{event['message']}")


def _follow(
    read_end: int,
    output: int,
    token: str,
    on_phase: Callable[[str, int, float], None],
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


def _end(child: subprocess.Popen) -> None:
    """Waits a moment for the child to end by itself, then ends it and all that it started."""
    try:
        child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


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
