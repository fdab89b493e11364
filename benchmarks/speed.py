"""How fast is the course's GPT-2, and how fast could it be?

    python -m benchmarks.speed

Times the 124M model in float32: this project with and without its cache, Hugging Face `generate` on
PyTorch as it comes and compiled, and the time that reading the weights from memory takes at least.
All run in turn, round after round, each in a process of its own; the best round counts. A JSON file
with all the figures is written too. Where the real weights are not at hand they are random: the
speed is the same.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS, NEW_TOKENS, PROMPT, Process, read_bandwidth
from benchmarks.machine import describe, device_option, name_of
from benchmarks.timing import time_call
from tutor.files import write_atomically
from tutor.learner.workspace import REPOSITORY

PARAMETERS = 124_439_808
# The table of positions is not read: one row of it is looked up.
WEIGHT_BYTES = 4 * (PARAMETERS - 1024 * 768)

PREFILL = (16, 128, 512, 1024)
BATCHES = (1, 4, 8, 16)
CACHED = (10, 250, 500, 1000)

Figures = dict[str, dict[str, float]]


def measure(
    names: list[str], folder: Path | None, device: str, rounds: int, report: Callable[[str], None]
) -> tuple[Figures, dict[str, float]]:
    """Runs all contenders in turn.

    Returns:
        Seconds by measurement and contender, with the peak memory in megabytes among them, and
        facts of the machine.
    """
    processes = []
    for name in names:
        report(f"starting {name}")
        processes.append(Process.start(name, folder, device))
    jobs: list[tuple[str, str, tuple[int, ...]]] = []
    for batch in BATCHES:
        jobs.append((f"first token, batch {batch}", "generate", (batch, 1, 2)))
        jobs.append((f"decode, batch {batch}", "generate", (batch, NEW_TOKENS + 1, 2)))
    jobs += [(f"prefill {seq_len}", "prefill", (seq_len, 2)) for seq_len in PREFILL]
    jobs += [(f"decode at {tokens}", "decode_at", (tokens, 5)) for tokens in CACHED]
    figures: Figures = {}
    tokens = {process.name: process.time("tokens", 8) for process in processes}
    for process in processes:
        figures.setdefault("peak MB, batch 1", {})[process.name] = process.time("peak")
    bandwidth = 0.0
    for turn in range(rounds):
        bandwidth = max(bandwidth, read_bandwidth(device))
        for label, what, arguments in jobs:
            report(f"round {turn + 1} of {rounds}: {label}")
            for process in processes:
                if _makes_no_sense(process.name, what, arguments):
                    continue
                seconds = process.time(what, *arguments)
                row = figures.setdefault(label, {})
                row[process.name] = min(seconds, row.get(process.name, seconds))
    for process in processes:
        figures.setdefault("peak MB, all", {})[process.name] = process.time("peak")
        process.stop()
    for batch in BATCHES:
        first, decode = figures[f"first token, batch {batch}"], figures[f"decode, batch {batch}"]
        for name in decode:
            decode[name] = (decode[name] - first[name]) / NEW_TOKENS
    same = {tuple(chosen) for name, chosen in tokens.items() if "Q4_0" not in name}
    return figures, {"bandwidth": bandwidth, "same tokens": len(same) <= 1}


def _makes_no_sense(name: str, what: str, arguments: tuple[int, ...]) -> bool:
    """Without a cache there are no batches to speak of, and a compiled cache has its own way to be filled."""
    if name == "this project, no cache":
        return what == "generate" and arguments[0] > 1
    return name == "PyTorch, compiled" and what == "decode_at"


def losses(text_file: Path) -> dict[str, float]:
    """The loss of the shipped checkpoint on the last tenth of a text, in nats a token, in windows of n_positions."""
    from max.experimental.tensor import Tensor

    from tutor.checking.guard import Guard
    from tutor.checking.loader import StepModules
    from tutor.generation import model
    from tutor.generation.checkpoint import open_checkpoint
    from tutor.generation.engines import whole_text
    from tutor.graphs.devices import find_device
    from tutor.learner.workspace import Workspace, cache_folder

    workspace = Workspace(REPOSITORY)
    checkpoint = open_checkpoint(workspace.checkpoint)
    text = text_file.read_text(encoding="utf-8")
    ids = np.array(checkpoint.tokenizer.encode(text[int(0.9 * len(text)) :]).ids)
    found = {}
    for name, quantized in (("float32", False), ("Q4_0", True)):
        guard = Guard(StepModules(workspace, own=[]), 13)
        config = guard.view[1].GPT2Config(**checkpoint.sizes)
        engine = whole_text(guard.view, config, find_device("cpu"), quantized=quantized)
        run = model.bind(engine, guard, checkpoint, config, cache_folder=cache_folder())
        n_positions = config.n_positions
        windows = ids[: len(ids) // n_positions * n_positions].reshape(-1, n_positions)
        total = 0.0
        for window in windows:
            logits = run(Tensor.from_dlpack(window[None, :-1].copy())).to_numpy()[0].astype(np.float64)
            logits -= logits.max(-1, keepdims=True)
            total += (np.log(np.exp(logits).sum(-1)) - logits[np.arange(n_positions - 1), window[1:]]).sum()
        found[name] = total / (len(windows) * (n_positions - 1))
    return found


def start_up(device: str) -> float:
    """Seconds of the whole command that generates one token with the shipped checkpoint, from a warm cache."""
    command = [sys.executable, "-m", "tutor", "generate", "ROMEO:", "--max-new-tokens", "1", "--device", device]

    def run() -> None:
        subprocess.run(command, cwd=REPOSITORY, env=dict(os.environ), check=True, capture_output=True)

    run()
    return time_call(run, 3).best


def show(figures: Figures, names: list[str], bandwidth: float, device: str, console: Console) -> None:
    """Prints the table: milliseconds, and how many times as fast as PyTorch this project is."""
    floor = WEIGHT_BYTES / bandwidth
    table = Table(title=f"GPT-2 124M, float32, {name_of(device)}; milliseconds, the best of all rounds")
    table.add_column("")
    for name in (*names, "floor", "PyTorch's best / ours"):
        table.add_column(name, justify="right")
    for label, row in figures.items():
        scale = 1 if label.startswith("peak") else 1e3
        cells = [f"{row[name] * scale:.1f}" if name in row else "" for name in names]
        theirs = [seconds for name, seconds in row.items() if name.startswith("PyTorch")]
        ratio = f"{min(theirs) / row['this project']:.2f}" if theirs and "this project" in row else ""
        is_step = label.startswith("decode")
        table.add_row(label, *cells, f"{floor * 1e3:.1f}" if is_step else "", ratio)
    console.print(table)


@click.command()
@click.option("--model", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="A folder with the weights of GPT-2 small; random ones if left out.")  # fmt: skip
@click.option("--text", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="What the shipped checkpoint was trained on: adds its loss with and without Q4_0.")  # fmt: skip
@device_option
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(CONTENDERS)), help="Leave the others out.")
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), default=Path("bench.json"),
              show_default=True, help="Where the figures are written.")  # fmt: skip
def main(*, model: Path | None, text: Path | None, device: str, rounds: int, only: tuple[str, ...], file: Path) -> None:
    """Print how fast the course's GPT-2 is beside PyTorch and the limit of the memory."""
    names = list(only or CONTENDERS)
    if device == "gpu":
        names = [name for name in names if "Q4_0" not in name]  # quantized layers are for CPUs
    console = Console()
    with Console(stderr=True).status("starting") as status:
        figures, facts = measure(names, model, device, rounds, lambda text: status.update(text))
        started = start_up(device)
        status.update("loss on held-out text")
        loss = {} if text is None else losses(text)
    bandwidth = facts["bandwidth"]
    show(figures, names, bandwidth, device, console)
    console.print(
        f"weights: {'random' if model is None else model}; decoding: {PROMPT} tokens of prompt, {NEW_TOKENS} new ones\n"
        f"memory read at {bandwidth / 1e9:.1f} GB/s: {WEIGHT_BYTES / 1e6:.0f} MB of weights take "
        f"{WEIGHT_BYTES / bandwidth * 1e3:.1f} ms\n"
        f"all contenders choose the same tokens: {'yes' if facts['same tokens'] else 'NO'}\n"
        f"`generate` with the shipped checkpoint, from start to first token: {started:.2f} s"
    )
    if loss:
        rise = loss["Q4_0"] / loss["float32"] - 1
        console.print(
            f"loss on held-out text: {loss['float32']:.4f} with float32, {loss['Q4_0']:.4f} with Q4_0: {rise:+.2%}"
        )
    content = {
        **describe(device),
        "weights": "random" if model is None else str(model),
        "weight_bytes": WEIGHT_BYTES,
        "seconds_or_megabytes": figures,
        "start_up_seconds": started,
        "loss": loss,
        **facts,
    }
    write_atomically(file, json.dumps(content, indent=2) + "\n")
    console.print(f"written to {file}")


if __name__ == "__main__":
    main()
