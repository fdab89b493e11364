"""What the attention lab measured."""

import json
from collections.abc import Sequence
from typing import TypedDict

from book.plots.colours import FIRST, FOURTH, SECOND, THIRD
from book.plots.parts import BOLD, paper, plot, ticks
from book.plots.svg import Picture
from tutor.learner.workspace import REPOSITORY

_WAYS = {
    "eager": (FIRST, "-", "o"),
    "sdpa": (SECOND, "-", "s"),
    "flash": (THIRD, "-", "^"),
    "torch sdpa": (FOURTH, (0, (2, 1.5)), "D"),
}
_NAMES = {"sdpa": "fused", "torch sdpa": "PyTorch, fused"}


class Row(TypedDict):
    """What `benchmarks.attention` measured for one attention, as medians."""

    contender: str
    seq_len: int
    seconds: float
    megabytes: float


class Machine(TypedDict):
    """Where a run was recorded."""

    processor: str
    threads: int


class Run(TypedDict):
    """A recorded run of `benchmarks.attention`: where it ran, with which versions, and what it measured."""

    machine: Machine
    device: str
    versions: dict[str, str]
    rows: list[Row]


def recorded_run() -> Run:
    """The run of `benchmarks.attention` that is recorded in the repository."""
    return json.loads((REPOSITORY / "benchmarks" / "results" / "attention.json").read_text())


def draw_recorded_cost() -> Picture:
    """The figure of the recorded run."""
    return draw_attention_cost(recorded_run()["rows"])


def draw_attention_cost(rows: Sequence[Row], kind: str = "causal") -> Picture:
    """Time and peak memory against seq_len, both on logarithmic scales, from what `benchmarks.attention` measured."""
    lengths = sorted({row["seq_len"] for row in rows})
    measured = {(row["contender"], row["seq_len"]): row for row in rows}
    figure, _ = paper(480, 620)
    words = []
    for place, (what, scale, title, unit) in enumerate(
        (("seconds", 1e3, "milliseconds", "ms"), ("megabytes", 1, "megabytes added at the peak", "MB"))
    ):
        axes = plot(figure, 56, 34 + 310 * place, 408, 226)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        for way, (colour, style, marker) in _WAYS.items():
            values = [max(measured[f"{way} {kind}", seq_len][what] * scale, 0.1) for seq_len in lengths]
            axes.plot(lengths, values, color=colour, linestyle=style, marker=marker, markersize=7)
            words.append(f"{_NAMES.get(way, way)} {values[-1]:,.0f} {unit}")
        axes.set(xlim=(lengths[0] * 0.9, lengths[-1] * 1.1))
        axes.xaxis.set_ticks(lengths[::2], [f"{length:,}" for length in lengths[::2]])
        axes.xaxis.set_ticks([], minor=True)
        low, high = axes.get_ylim()
        ticks(axes, y=[10.0**power for power in range(-1, 5) if low <= 10.0**power <= high])
        axes.set_xlabel("seq_len")
        axes.text(0, 1.06, title, transform=axes.transAxes, va="center")
        for index, (way, (colour, _, _)) in enumerate(_WAYS.items() if place == 0 else ()):
            axes.text(
                0.03, 0.93 - 0.1 * index, _NAMES.get(way, way), transform=axes.transAxes, color=colour, va="center",
                **BOLD,
            )  # fmt: skip
    return Picture(
        figure,
        f"Time and memory of {kind} attention against seq_len",
        f"Measured with as many heads as GPT-2 small has. At seq_len {lengths[-1]:,}: {'; '.join(words)}.",
    )
