"""How do the time and the memory of attention grow with the length of the text?

    python -m benchmarks.length

Runs the attention of step 08, with the heads of GPT-2 small, at growing lengths, with its
mask and without one. One compiled graph serves all lengths. Each length runs in a process of
its own, so that the peak memory is its own too.
"""

import math
import os
import subprocess
import sys

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import device_option
from benchmarks.timing import forget_peak, peak_megabytes, time_call
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder

N_HEAD, HEAD_DIM = 12, 64
LENGTHS = (128, 256, 512, 1024, 2048)


def unmasked(query, key, value):
    """The attention of step 08 without its mask."""
    from max.experimental import functional as F

    return F.softmax(query @ key.transpose(-1, -2) / math.sqrt(HEAD_DIM)) @ value


def measure(length: int, repeat: int, device: str) -> tuple[float, float, float]:
    """Runs attention on one text of this length.

    Returns:
        The median seconds with the mask and without, and the megabytes that running with the mask added.
    """
    from tutor.checking.loader import StepModules
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.tensor_spec import TensorSpec
    from tutor.graphs.trace import trace

    view, where = StepModules(Workspace(REPOSITORY), own=[]), find_device(device)
    heads = TensorSpec("float32", ("batch", N_HEAD, "seq_len", HEAD_DIM))
    traced = [
        trace(lambda call=call: call, [heads] * 3, where) for call in (view[8].scaled_dot_product_attention, unmasked)
    ]
    with_mask, without_mask = CompileCache(cache_folder()).load(traced)
    inputs = np.random.default_rng(0).standard_normal((3, 1, N_HEAD, length, HEAD_DIM), dtype=np.float32)
    with_mask({}, *inputs[:, :, :, :8])  # the first call sets up what does not depend on the length
    forget_peak()
    before = peak_megabytes()
    masked_seconds = time_call(lambda: with_mask({}, *inputs), repeat=repeat).median
    added = peak_megabytes() - before
    without_mask({}, *inputs)
    return masked_seconds, time_call(lambda: without_mask({}, *inputs), repeat=repeat).median, added


@click.command()
@click.option("--repeat", default=5, show_default=True, help="Runs of each length; the median is shown.")
@device_option
@click.option("--length", default=0, hidden=True)
def main(*, repeat: int, device: str, length: int) -> None:
    """Print how attention's time and memory grow with seq_len."""
    if length:
        click.echo("{} {} {}".format(*measure(length, repeat, device)))
        return
    table = Table(title=f"Attention of step 08, n_head {N_HEAD}, head_dim {HEAD_DIM}, {os.cpu_count()} CPU threads")
    for column in ("seq_len", "ms", "x the last", "without mask, ms", "peak MB added", "all scores, MB"):
        table.add_column(column, justify="right")
    last = None
    with Console(stderr=True).status("compiling and measuring"):
        for seq_len in LENGTHS:
            command = [sys.executable, "-m", "benchmarks.length", "--length", str(seq_len), "--repeat", str(repeat)]
            result = subprocess.run(
                [*command, "--device", device], cwd=REPOSITORY, env=dict(os.environ), capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            if result.returncode:
                raise click.ClickException(result.stderr.strip().splitlines()[-1])
            seconds, unmasked_seconds, megabytes = map(float, result.stdout.split())
            ratio = f"{seconds / last:.1f}" if last else ""
            scores = N_HEAD * seq_len**2 * 4 / 1e6
            table.add_row(
                str(seq_len), f"{seconds * 1e3:.2f}", ratio, f"{unmasked_seconds * 1e3:.2f}", f"{megabytes:.0f}",
                f"{scores:.0f}",
            )  # fmt: skip
            last = seconds
    Console().print(table)


if __name__ == "__main__":
    main()
