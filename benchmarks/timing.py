"""The shared timing helper: whole commands and callables, measured by the wall clock."""

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


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
