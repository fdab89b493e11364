"""How long does a learner wait for a verdict?

    python -m benchmarks.feedback

Times whole commands, from pressing return to the prompt, on copies of the course's files.
Beside them, in the same run, the same layer computed eagerly, as a check without tracing
and without a cache of compiled graphs would do it.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.timing import time_command
from tutor.course import find_step
from tutor.learner.skeleton import finished_workspace, skeleton_of
from tutor.learner.workspace import REPOSITORY

# Attention: a matrix product on both sides of a softmax, and no parameters to make first.
STEP = 8

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


@click.command()
@click.option("--repeat", default=5, show_default=True, help="Runs of each fast command; the median is shown.")
@click.option(
    "--eager/--no-eager", default=True, show_default=True, help="Also time the eager way, which takes minutes."
)
def main(*, repeat: int, eager: bool) -> None:
    """Print a table of waiting times."""
    step = find_step(STEP)
    table = Table(title=f"Seconds for the whole command `s{step.label}`, {os.cpu_count()} CPU threads")
    for column in ("what", "seconds", "target"):
        table.add_column(column, justify="left" if column == "what" else "right")

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "course").mkdir()
        workspace = finished_workspace(root / "course")
        # An empty home: neither this tool nor MAX has compiled anything there.
        cold = os.environ | {"HOME": str(root / "home"), "XDG_CACHE_HOME": str(root / "home/.cache"),
                             "TUTOR_CACHE": str(root / "cache"), "PYTHONPATH": str(REPOSITORY)}  # fmt: skip
        (root / "home").mkdir()
        command = [sys.executable, "-m", "tutor", f"s{step.label}"]

        def run(status: int, times: int = 1) -> tuple[float, str]:
            timing, output = time_command(command, cwd=workspace.root, environment=cold, repeat=times, status=status)
            return timing.median, output

        file, right = workspace.step(STEP), workspace.step(STEP).read_text()
        file.write_text(skeleton_of(workspace.solution(STEP).read_text(), STEP))
        table.add_row("unfilled step, seen while tracing", f"{run(1, repeat)[0]:.2f}", "1.5")
        file.write_text(right.replace("key.transpose(-1, -2)", "key"))
        table.add_row("wrong shape, seen while tracing", f"{run(1, repeat)[0]:.2f}", "1.5")

        file.write_text(right)
        seconds, output = run(0)
        compiling = compile_seconds(output)
        table.add_row("right, nothing compiled before", f"{seconds:.1f}", "")
        table.add_row("    of which MAX compiled", f"{compiling:.1f}", "")
        table.add_row("    the rest", f"{seconds - compiling:.2f}", "2")
        warm, _ = run(0, repeat)
        table.add_row("right, compiled before", f"{warm:.2f}", "2")

        file.write_text(right.replace("math.sqrt(head_dim)", "(1.5 * head_dim)"))
        seconds, output = run(1)
        table.add_row("new wrong graph, MAX's own caches warm", f"{seconds:.1f}", "")
        if eager:
            environment = cold | {"HOME": str(root / "eager"), "XDG_CACHE_HOME": str(root / "eager/.cache")}
            (root / "eager").mkdir()
            for label in ("eager, first run on a machine", "eager, every later run"):
                timing, _ = time_command([sys.executable, "-c", EAGER], cwd=REPOSITORY, environment=environment,
                                         repeat=1, status=0)  # fmt: skip
                table.add_row(label, f"{timing.median:.1f}", f"{timing.median / warm:.0f} x compiled before")
    Console().print(table)


def compile_seconds(output: str) -> float:
    """The time that MAX compiled, from a check's output."""
    match = re.search(r"MAX compiled .* in ([\d.]+) s", output)
    return float(match[1]) if match else 0.0


if __name__ == "__main__":
    main()
