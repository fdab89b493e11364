"""What do six attentions cost, and where is the wall?

    python -m benchmarks.attention
    python -m benchmarks.attention --json figures.json --svg figures.svg

Runs the six functions of step 18 on one text of growing length, with the heads of GPT-2 small and
without a mask, and beside them PyTorch's `scaled_dot_product_attention` and the same formula written
in PyTorch line by line, on the same device. Each measurement has a process of its own, so that its
peak memory is its own too; it is the memory of the process, and not that of a GPU. The processes
take turns: a machine that is busy for a while is busy for all of them.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe, device_option, name_of, torch_device
from benchmarks.timing import forget_peak, peak_megabytes, time_call
from tutor.files import write_atomically
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder

if TYPE_CHECKING:
    from max.driver import Device

    from book.plots.lab import Row
    from tutor.graphs.traced import TracedGraph

N_HEAD, HEAD_DIM = 12, 64
N_EMBD = N_HEAD * HEAD_DIM
LENGTHS = (128, 256, 512, 1024, 2048, 4096, 8192)
KINDS = ("bidirectional", "causal")
OURS, TORCHS = ("eager", "sdpa", "flash"), ("torch eager", "torch sdpa")
CONTENDERS = tuple(f"{way} {kind}" for kind in KINDS for way in (*OURS, *TORCHS))

# Runs of one process: short texts take less than a millisecond, the longest take seconds.
MOST_RUNS, SECONDS = 30, 0.5

Attention = Callable[[np.ndarray], object]


def step_18(contender: str, device: str) -> Attention:
    """One of the functions of step 18, of a query, a key and a value: (3, seq_len, n_embd)."""
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device

    names = [f"{way} {kind}" for kind in KINDS for way in OURS]
    traced = [trace_step_18(name, find_device(device)) for name in names]
    executable = CompileCache(cache_folder()).load(traced)[names.index(contender)]  # compiled together

    def run(inputs: np.ndarray) -> object:
        if not contender.startswith("flash"):
            return executable({}, *inputs[:, None])
        seq_len = inputs.shape[1]
        return executable({}, *inputs, np.array([0, seq_len], np.uint32), np.array([seq_len], np.uint32))

    return run


def trace_step_18(contender: str, device: "Device") -> "TracedGraph":
    """Traces one of the functions of step 18 with the heads of GPT-2 small."""
    from tutor.checking.loader import StepModules
    from tutor.graphs.tensor_spec import TensorSpec
    from tutor.graphs.trace import trace

    way, kind = contender.split()
    attention = getattr(StepModules(Workspace(REPOSITORY), own=[])[18], f"{way}_{kind}_attention")
    inputs = [TensorSpec("float32", ("batch", "seq_len", N_EMBD))] * 3
    if way == "flash":
        lengths = [TensorSpec("uint32", ("offsets",)), TensorSpec("uint32", (1,), on_host=True)]
        inputs = [TensorSpec("float32", ("total_seq_len", N_EMBD))] * 3 + lengths
    return trace(
        lambda: lambda query, key, value, *lengths: attention(query, key, value, N_HEAD, HEAD_DIM, *lengths),
        inputs,
        device,
    )


def pytorch(contender: str, device: str) -> Attention:
    """PyTorch's counterpart, of a query, a key and a value: (3, seq_len, n_embd)."""
    import torch

    where = torch_device(device)
    causal = contender.endswith(" causal")

    @torch.inference_mode()
    def run(inputs: np.ndarray) -> object:
        seq_len = inputs.shape[1]
        query, key, value = torch.from_numpy(inputs).to(where).view(3, 1, seq_len, N_HEAD, HEAD_DIM).transpose(2, 3)
        if contender.startswith("torch sdpa"):
            y = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        else:
            scores = query @ key.transpose(-1, -2) / HEAD_DIM**0.5
            if causal:
                scores = scores + torch.full((seq_len, seq_len), -torch.inf, device=where).triu(1)
            y = scores.softmax(-1) @ value
        return y.transpose(1, 2).reshape(1, seq_len, N_EMBD).cpu().numpy()

    return run


def measure(contender: str, seq_len: int, device: str) -> tuple[float, float]:
    """Runs one contender on one text, in this process.

    Returns:
        The median seconds of a run, and the megabytes that running added.
    """
    run = pytorch(contender, device) if contender.startswith("torch") else step_18(contender, device)
    inputs = np.random.default_rng(0).standard_normal((3, seq_len, N_EMBD), dtype=np.float32)
    run(np.ascontiguousarray(inputs[:, :8]))  # the first run sets up what does not depend on the length
    forget_peak()
    before = peak_megabytes()
    first = time_call(lambda: run(inputs), repeat=1).best
    repeat = int(np.clip(SECONDS / first, 1, MOST_RUNS))
    seconds = time_call(lambda: run(inputs), repeat=repeat).median
    return seconds, peak_megabytes() - before


def measure_all(lengths: Sequence[int], turns: int, device: str, tell: Callable[[str], None]) -> "list[Row]":
    """Measures every contender at every length, each time in a new process; gives medians of the turns."""
    rows = []
    for seq_len in lengths:
        measured: dict[str, list[tuple[float, float]]] = {contender: [] for contender in CONTENDERS}
        for turn in range(turns):
            for contender in CONTENDERS:
                tell(f"seq_len {seq_len}, turn {turn + 1} of {turns}: {contender}")
                measured[contender].append(_in_a_process(contender, seq_len, device))
        for contender, results in measured.items():
            seconds, megabytes = (statistics.median(values) for values in zip(*results, strict=True))
            rows.append({"contender": contender, "seq_len": seq_len, "seconds": seconds, "megabytes": megabytes})
    return rows


def _in_a_process(contender: str, seq_len: int, device: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.attention", "--contender", contender, "--length", str(seq_len)]
    result = subprocess.run(
        [*command, "--device", device], cwd=REPOSITORY, env=dict(os.environ), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"it ended with {result.returncode}, perhaps for want of memory"]
        raise click.ClickException(f"{contender} at seq_len {seq_len}: {lines[-1]}")
    seconds, megabytes = map(float, result.stdout.split())
    return seconds, megabytes


def tables(rows: "Sequence[Row]") -> list[Table]:
    """The results for reading: time and memory, a column for each contender."""
    lengths = list(dict.fromkeys(row["seq_len"] for row in rows))
    made = []
    for what, unit, scale in (("seconds", "milliseconds", 1e3), ("megabytes", "MB added at the peak", 1)):
        for kind in KINDS:
            table = Table(title=f"{kind}, {unit}")
            for column in ("seq_len", *OURS, *TORCHS):
                table.add_column(column, justify="right")
            for seq_len in lengths:
                cells = {row["contender"]: row[what] * scale for row in rows if row["seq_len"] == seq_len}
                values = [cells[f"{way} {kind}"] for way in (*OURS, *TORCHS)]
                table.add_row(str(seq_len), *(f"{value:.1f}" if value < 100 else f"{value:,.0f}" for value in values))
            made.append(table)
    return made


@click.command()
@click.option("--turns", default=3, show_default=True, help="Processes for each measurement; the median is shown.")
@click.option("--longest", default=LENGTHS[-1], show_default=True, help="Leave out texts that are longer.")
@device_option
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the results here too.")
@click.option("--svg", "svg_file", type=click.Path(path_type=Path), help="Draw the results here too.")
@click.option("--contender", type=click.Choice(CONTENDERS), hidden=True)
@click.option("--length", default=0, hidden=True)
def main(
    *,
    turns: int,
    longest: int,
    device: str,
    json_file: Path | None,
    svg_file: Path | None,
    contender: str | None,
    length: int,
) -> None:
    """Print time and peak memory of six attentions, and of PyTorch's, against seq_len."""
    if contender:
        click.echo("{} {}".format(*measure(contender, length, device)))
        return
    lengths = [seq_len for seq_len in LENGTHS if seq_len <= longest]
    with Console(stderr=True).status("compiling and measuring") as status:
        rows = measure_all(lengths, turns, device, status.update)
    if json_file:
        about = {**describe(device), "n_head": N_HEAD, "head_dim": HEAD_DIM, "turns": turns}
        write_atomically(json_file, json.dumps(about | {"rows": rows}, indent=1) + "\n")
    if svg_file:
        from book.plots.lab import draw_attention_cost
        from book.plots.svg import to_svg

        write_atomically(svg_file, to_svg("attention_cost", lambda: draw_attention_cost(rows)))
    console = Console()
    console.print(f"n_head {N_HEAD}, head_dim {HEAD_DIM}, batch 1, float32, no mask, {name_of(device)}")
    for table in tables(rows):
        console.print(table)


if __name__ == "__main__":
    main()
