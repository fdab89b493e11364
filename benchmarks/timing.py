"""The shared helpers: the time of whole commands and callables by the wall clock, and the memory of a process."""

import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Timing:
    """Seconds of several runs of one thing."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the runs."""
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        """The fastest run."""
        return min(self.seconds)


def time_call(call: Callable[[], object], repeat: int) -> Timing:
    """Times `repeat` calls, one after the other."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return Timing(tuple(seconds))


def time_command(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], repeat: int, status: int
) -> tuple[Timing, str]:
    """Times a whole command from start to exit; gives the output of the last run too.

    Raises:
        RuntimeError: it ended with another exit status than expected.
    """
    outputs = []

    def call() -> None:
        done = subprocess.run(command, cwd=cwd, env=dict(environment), capture_output=True, text=True, check=False)
        if done.returncode != status:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        outputs.append(done.stdout)

    return time_call(call, repeat), outputs[-1]


def forget_peak() -> None:
    """Makes Linux count the peak from here. Elsewhere the peak of start-up hides small additions."""
    if _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text("5")


def peak_megabytes() -> float:
    """The most memory that this process has had at once."""
    if _STATUS.exists():
        (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), flags=re.MULTILINE)
        return int(kilobytes) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
