"""How long does a learner wait for a verdict?

    python -m benchmarks.feedback

Times whole commands, from pressing return to the prompt, on copies of the course's files; and `learn` in a
pseudo-terminal, from writing a file to the verdict on its screen. Code is new in every run: a constant is changed. The
folder of compiled graphs and the home are empty at the start, so that neither the tool nor MAX has compiled anything.
Beside the figures stand those of the tool before it evaluated graphs: then all new code was compiled before anything
was known of its numbers.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import pexpect
import pyte
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.timing import Timing, time_command
from tutor.course import find_step
from tutor.files import write_atomically
from tutor.learner.skeleton import finished_workspace, skeleton_of
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.line_by_line.on_text import SENTENCE

# Attention: a matrix product on both sides of a softmax, and no parameters to make first. And the whole model.
ATTENTION, MODEL = 8, 13
RESULTS = Path(__file__).parent / "results" / "feedback.json"

# Seconds that are aimed at on an idle machine, where nothing is compiled: for a command, and for a save.
TARGET, TARGET_OF_A_SAVE = 1.5, 0.7

# Seconds between two saves, in which `learn` gets ready for the next.
_BETWEEN_SAVES = 5.0

# The tool before it evaluated graphs, step 08, on two idle cores. MAX compiles a new graph in 22 to 30 s there.
BEFORE = {
    "unfilled": "0.66",
    "wrong shape": "0.64",
    "wrong numbers, new code": "22 to 30",
    "right numbers, new code, to the word": "29.1",
    "right, compiled before": "0.65",
}

# What a check says when it has evaluated the graphs, and before MAX compiles them.
THE_WORD = "the numbers are right"

EAGER = """
import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor, default_device, default_dtype
from solutions.solution_08 import scaled_dot_product_attention

with default_device(CPU()), default_dtype(DType.float32):
    x = Tensor.from_dlpack(np.random.default_rng(0).normal(size=(2, 3, 5, 12)).astype(np.float32))
    assert np.isfinite(scaled_dot_product_attention(x, x, x).to_numpy()).all()
"""


@dataclass(frozen=True)
class Row:
    """What was timed.

    Args:
        what: in words.
        timing: seconds.
        target: whether it is to be there within `seconds`.
        seconds: that are aimed at.
    """

    what: str
    timing: Timing
    target: bool = True
    seconds: float = TARGET


class Learner:
    """A learner who edits a step's file and checks it again and again."""

    def __init__(self, step: int, workspace: Workspace, environment: Mapping[str, str]) -> None:
        self._file, self._root = workspace.step(step), workspace.root
        self.solution = workspace.solution(step).read_text(encoding="utf-8")
        self.right = self._file.read_text(encoding="utf-8")
        self._environment, self._label = environment, find_step(step).label
        self._command = [sys.executable, "-m", "tutor", f"s{self._label}"]
        self._edits = 0

    def write(self, text: str) -> None:
        """Writes the step's file."""
        self._file.write_text(text, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        """Writes the right file with an edit; `NUMBER` in it is another one each time, close to 1.

        Raises:
            ValueError: the text to be replaced does not occur once.
        """
        if self.right.count(old) != 1:
            raise ValueError(f"{old!r} occurs {self.right.count(old)} times in {self._file.name}")
        self._edits += 1
        self.write(self.right.replace(old, new.replace("NUMBER", f"{1 + self._edits * 1e-6:.6f}")))

    def check(self, status: int) -> tuple[float, str]:
        """Checks the file: seconds, and what was printed.

        Args:
            status: the exit status that there must be.
        """
        timing, output = time_command(
            self._command, cwd=self._root, environment=self._environment, repeat=1, status=status
        )
        return timing.median, output

    def show(self, *options: str) -> float:
        """Shows the file line by line, and gives the seconds."""
        command = [sys.executable, "-m", "tutor", "show", self._label, *options]
        timing, _ = time_command(command, cwd=self._root, environment=self._environment, repeat=1, status=0)
        return timing.median

    def check_to_the_word(self) -> tuple[float, float]:
        """Checks right code to the end: the seconds until the tool says that the numbers are right, and all seconds.

        Raises:
            RuntimeError: it never said so, or the check failed.
        """
        started, said, lines = time.perf_counter(), 0.0, []
        with subprocess.Popen(
            self._command, cwd=self._root, env=dict(self._environment), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if not said and THE_WORD in line:
                    said = time.perf_counter() - started
        seconds = time.perf_counter() - started
        if not said or process.returncode:
            raise RuntimeError(f"the check ended with {process.returncode}:\n{''.join(lines)}")
        return said, seconds


class Screen:
    """The screen of `watch`, which follows a step."""

    def __init__(self, child: pexpect.spawn, columns: int, rows: int) -> None:
        self._child, self._screen = child, pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def seconds_until(self, text: str) -> float:
        """Waits until a text is on the screen, and gives the seconds that it took.

        Raises:
            TimeoutError: it does not come.
        """
        started = time.perf_counter()
        while text not in "\n".join(self._screen.display):
            if time.perf_counter() - started > 120:
                raise TimeoutError(f"no {text!r} on the screen:\n" + "\n".join(self._screen.display))
            self._read(0.005)
        return time.perf_counter() - started

    def rest(self, seconds: float) -> None:
        """Lets it go on for some seconds."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._read(0.05)

    def _read(self, timeout: float) -> None:
        try:
            self._stream.feed(self._child.read_nonblocking(1 << 16, timeout=timeout))
        except pexpect.TIMEOUT:
            return


@contextmanager
def screen_of(step: int, workspace: Workspace, environment: Mapping[str, str]) -> Iterator[Screen]:
    """Opens the screen that follows a step in a terminal of 80 columns and 24 rows."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "tutor", "watch", find_step(step).label, "--no-ahead"],
        cwd=str(workspace.root),
        env=dict(environment) | {"TERM": "xterm-256color"},
        dimensions=(24, 80),
    )
    try:
        yield Screen(child, 80, 24)
    finally:
        child.close(force=True)


def time_saves(
    attention: Learner, workspace: Workspace, environment: Mapping[str, str], right: str, repeat: int
) -> list[Row]:
    """Times saves of step 08 until the verdict on the screen.

    Args:
        attention: who edits.
        workspace, environment: where.
        right: right code that was compiled before.
        repeat: how many saves.
    """
    rows = []
    for step, what in ((ATTENTION, ""), (MODEL, ", in step 08, seen in step 13")):
        wrong, good = [], []
        attention.write(right)
        with screen_of(step, workspace, environment) as screen:
            screen.seconds_until(THE_WORD)
            for _ in range(repeat):
                screen.rest(_BETWEEN_SAVES)
                attention.edit("math.sqrt(head_dim)", "(NUMBER * head_dim)")
                wrong.append(screen.seconds_until("not right yet" if step == ATTENTION else "step 08 is not"))
                screen.rest(_BETWEEN_SAVES)
                attention.write(right)
                good.append(screen.seconds_until(THE_WORD))
        for told, seconds in ((f"wrong numbers{what}", wrong), (f"right numbers{what}, to the word", good)):
            rows.append(Row(f"saved, with `learn` open: {told}", Timing(tuple(seconds)), seconds=TARGET_OF_A_SAVE))
    return rows


def run(repeat: int, compiles: int, root: Path) -> list[Row]:
    """Times all that there is.

    Args:
        repeat: runs of what compiles nothing.
        compiles: runs of what MAX compiles.
        root: an empty folder.
    """
    for name in ("course", "home"):
        (root / name).mkdir()
    workspace = finished_workspace(root / "course")
    cold = _environment(root, "home")
    attention, model = Learner(ATTENTION, workspace, cold), Learner(MODEL, workspace, cold)
    rows = []

    attention.write(skeleton_of(attention.solution, ATTENTION))
    rows.append(Row("unfilled", Timing(tuple(attention.check(1)[0] for _ in range(repeat)))))
    attention.write(attention.right.replace("key.transpose(-1, -2)", "key"))
    rows.append(Row("wrong shape", Timing(tuple(attention.check(1)[0] for _ in range(repeat)))))

    seconds = []
    for _ in range(repeat):
        attention.edit("math.sqrt(head_dim)", "(NUMBER * head_dim)")
        seconds.append(attention.check(1)[0])
    rows.append(Row("wrong numbers, new code", Timing(tuple(seconds))))

    seconds = []
    for _ in range(repeat):
        attention.edit("math.sqrt(head_dim)", "(NUMBER * head_dim)")
        seconds.append(model.check(1)[0])
    rows.append(Row("wrong numbers in step 08, seen in step 13", Timing(tuple(seconds))))

    attention.write(attention.right)
    for what, *options in (("show",), ("show, on a sentence", "--text", SENTENCE)):
        rows.append(Row(f"{what}, right numbers", Timing(tuple(attention.show(*options) for _ in range(repeat)))))

    words, ends = [], []
    for _ in range(compiles):
        attention.edit("math.sqrt(head_dim)", "(NUMBER * math.sqrt(head_dim))")
        said, end = attention.check_to_the_word()
        words.append(said)
        ends.append(end)
    rows.append(Row("right numbers, new code, to the word", Timing(tuple(words))))
    rows.append(Row("    the first time to the end, MAX's caches empty", Timing((ends[0],)), target=False))
    if ends[1:]:
        rows.append(Row("    later to the end, with MAX's compile", Timing(tuple(ends[1:])), target=False))
    rows.append(Row("right, compiled before", Timing(tuple(attention.check(0)[0] for _ in range(repeat)))))
    compiled = workspace.step(ATTENTION).read_text(encoding="utf-8")
    return rows + time_saves(attention, workspace, cold, compiled, repeat)


def run_eagerly(root: Path) -> list[Row]:
    """Times the same layer eagerly, as a check without tracing and without a cache of compiled graphs would run it."""
    (root / "eager").mkdir()
    command, environment, rows = [sys.executable, "-c", EAGER], _environment(root, "eager"), []
    for what in ("eagerly, first run on a machine", "eagerly, every later run"):
        timing, _ = time_command(command, cwd=REPOSITORY, environment=environment, repeat=1, status=0)
        rows.append(Row(what, timing, target=False))
    return rows


def _environment(root: Path, home: str) -> dict[str, str]:
    return os.environ | {
        "HOME": str(root / home),
        "XDG_CACHE_HOME": str(root / home / ".cache"),
        "TUTOR_CACHE": str(root / "cache"),
        "PYTHONPATH": str(REPOSITORY),
    }


def table_of(rows: Sequence[Row]) -> Table:
    """The figures as a table."""
    table = Table(title=f"Seconds for the whole command, medians, {os.cpu_count()} CPU threads")
    for column in ("what", "seconds", "target", "before"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        target = f"{row.seconds}" if row.target else ""
        table.add_row(row.what, f"{row.timing.median:.2f}", target, BEFORE.get(row.what, ""))
    return table


@click.command()
@click.option("--repeat", default=5, show_default=True, help="Runs of each command that compiles nothing.")
@click.option("--compiles", default=2, show_default=True, help="Runs in which MAX compiles: half a minute each.")
@click.option("--eager", is_flag=True, help="Also time the eager way, which takes minutes.")
@click.option("--save", is_flag=True, help="Record the figures.")
def main(*, repeat: int, compiles: int, eager: bool, save: bool) -> None:
    """Print a table of waiting times."""
    with tempfile.TemporaryDirectory() as folder:
        rows = run(repeat, compiles, Path(folder))
        if eager:
            rows += run_eagerly(Path(folder))
    Console().print(table_of(rows))
    if save:
        figures = {row.what.strip(): [round(seconds, 3) for seconds in row.timing.seconds] for row in rows}
        load = os.getloadavg()[0]
        targets = {"target": TARGET, "target_of_a_save": TARGET_OF_A_SAVE}
        content = {**describe("cpu"), "load_at_the_end": round(load, 1), **targets, "seconds": figures}
        write_atomically(RESULTS, json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
