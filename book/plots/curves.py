"""Curves that do not need the checkpoint: they come from formulas and random numbers."""

import numpy as np

from book.plots.colours import AXIS, FIRST, FOURTH, SECOND, THIRD
from book.plots.parts import BOLD, paper, plot, ticks
from book.plots.svg import Picture
from book.plots.words import signed
from tutor.checks.numpy import gpt2 as numpy_gpt2


def draw_gelu() -> Picture:
    """GELU, its tanh form and ReLU, and how much the first two differ."""
    x = np.linspace(-4, 4, 161)
    exact, tanh, relu = (numpy_gpt2.gelu(x, kind=kind) for kind in ("exact", "tanh", "relu"))
    figure, _ = paper(480, 470)
    axes = plot(figure, 40, 16, 424, 240)
    axes.plot(x, relu, color=THIRD, linestyle=(0, (1, 1.5)))
    axes.plot(x, exact, color=FIRST, linewidth=3)
    axes.plot(x, tanh, color=SECOND, linestyle=(0, (4, 4)), linewidth=3)
    axes.set(xlim=(-4, 4), ylim=(-0.5, 4))
    ticks(axes, [-4, -2, 0, 2, 4], [0, 1, 2, 3, 4])
    dotted, dashed = (0, (1, 1.5)), (0, (2.5, 1.5))
    key = [("GELU, exact", FIRST, "-", 3), ("GELU, tanh form", SECOND, dashed, 3), ("ReLU", THIRD, dotted, 2)]
    for index, (words, colour, style, line) in enumerate(key):
        y = 3.6 - 0.42 * index
        axes.plot([-3.7, -3.1], [y, y], color=colour, linestyle=style, linewidth=line, solid_capstyle="butt")
        axes.text(-2.95, y, words, va="center_baseline")
    difference = (exact - tanh) * 1e4
    wide = np.linspace(-6, 6, 12001)
    apart = numpy_gpt2.gelu(wide, kind="exact") - numpy_gpt2.gelu(wide, kind="tanh")
    largest = int(np.abs(apart).argmax())
    assert abs(wide[largest]) < x[-1], "the largest difference is in the picture"
    below = plot(figure, 40, 316, 424, 110)
    below.plot(x, difference, color=FOURTH)
    below.set(xlim=(-4, 4), ylim=(-6, 6))
    ticks(below, [-4, -2, 0, 2, 4], [-5, 0, 5])
    below.set_xlabel("x")
    below.text(-4, 8, "exact − tanh form, in units of 0.0001", va="center")
    return Picture(
        figure,
        "GELU, its tanh form, and ReLU",
        "Above: the curves of the exact GELU and its tanh form coincide; both are slightly negative below 0 "
        f"(lowest {signed(exact.min(), 2)}) and approach x above it, while ReLU bends at 0. Below: the exact form "
        f"minus the tanh form, which is at most {abs(apart[largest]):.5f} in size, near x = ±{abs(wide[largest]):.1f}.",
    )


def draw_score_variance() -> Picture:
    """The variance of random scores, with and without the scale, against head_dim."""
    head_dims = [4, 8, 16, 32, 64, 128, 256]
    rng = np.random.default_rng(8)
    raw, scaled = [], []
    for head_dim in head_dims:
        query, key = rng.standard_normal((2, 20_000, head_dim))
        products = (query * key).sum(axis=-1)
        raw.append(float(products.var()))
        scaled.append(float((products / np.sqrt(head_dim)).var()))
    figure, _ = paper(480, 332)
    axes = plot(figure, 44, 34, 400, 256)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.plot(head_dims, head_dims, color=AXIS, linewidth=1.5, linestyle=(0, (4, 3)))
    axes.plot(head_dims, raw, "o", color=FIRST, markersize=9)
    axes.plot(head_dims, scaled, "s", color=SECOND, markersize=8)
    axes.set(xlim=(3.4, 300), ylim=(0.5, 300))
    ticks(axes, head_dims, [1, 4, 16, 64, 256])
    axes.set_xlabel("head_dim")
    axes.text(3.4, 430, "variance of the scores", va="center", ha="left")
    axes.text(28, 90, "query · key", color=FIRST, ha="right", va="center", **BOLD)
    axes.text(40, 26, "line: head_dim", ha="left", va="center")
    axes.text(28, 2, "query · key / √head_dim", color=SECOND, ha="center", va="center", **BOLD)
    return Picture(
        figure,
        "The variance of the scores grows with head_dim",
        "Measured on 20,000 random pairs of a query and a key whose entries have variance 1. Without the scale the "
        f"variance of the score follows head_dim: {raw[0]:.1f} at 4, {raw[4]:.1f} at 64, {raw[-1]:.0f} at 256. "
        f"Divided by the square root of head_dim it stays at 1: between {min(scaled):.2f} and {max(scaled):.2f}.",
    )


def flops_per_token(seq_len: np.ndarray, n_embd: int) -> dict[str, np.ndarray]:
    """Floating-point operations of one layer for one token, two for each multiplication with its addition.

    The MLP has 8 n_embd² weights and the projections of the attention 4 n_embd². A token's query meets
    seq_len keys, and its weights meet seq_len values, of n_embd numbers each: the graph computes the full square.
    """
    ones = np.ones_like(seq_len, dtype=np.float64)
    mlp, projections = 16 * n_embd**2 * ones, 8 * n_embd**2 * ones
    products = 4.0 * seq_len * n_embd
    return {"mlp": mlp, "projections": projections, "products": products, "attention": projections + products}


def draw_cost() -> Picture:
    """The operations for one token against seq_len, and where attention overtakes the MLP."""
    n_embd, n_positions = 768, 1024
    lengths = np.arange(128, 16385)
    costs = flops_per_token(lengths, n_embd)
    attention_passes, products_pass = (
        int(lengths[np.argmax(costs[name] >= costs["mlp"])]) for name in ("attention", "products")
    )
    drawn = 2.0 ** np.arange(7, 14.01, 0.25)
    costs = {name: values / 1e6 for name, values in flops_per_token(drawn, n_embd).items()}
    mlp = float(costs["mlp"][0])
    figure, _ = paper(480, 400)
    axes = plot(figure, 44, 42, 420, 300)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    for name, colour, style, width in (
        ("mlp", FIRST, "-", 2.5),
        ("projections", THIRD, (0, (6, 2)), 2),
        ("products", SECOND, (0, (2, 1.5)), 2),
        ("attention", FOURTH, "-", 2.5),
    ):
        axes.plot(drawn, costs[name], color=colour, linestyle=style, linewidth=width)
    axes.plot([n_positions] * 2, [0.3, 80], color=AXIS, linewidth=1.5, linestyle=(0, (1, 2)))
    for place, colour in ((attention_passes, FOURTH), (products_pass, SECOND)):
        axes.plot([place], [mlp], "o", color=colour, markersize=9)
        axes.plot([place] * 2, [0.3, mlp], color=colour, linewidth=1, linestyle=(0, (2, 2)))
    axes.set(xlim=(128, 16384), ylim=(0.3, 80))
    axes.xaxis.set_ticks([128, 512, 2048, 8192], ["128", "512", "2,048", "8,192"])
    axes.xaxis.set_ticks([], minor=True)
    ticks(axes, y=[1, 3, 10, 30])
    axes.set_xlabel("seq_len")
    axes.text(128, 120, "million operations per token and layer, GPT-2 small", va="center")
    axes.text(140, 11.6, "MLP", color=FIRST, va="center", **BOLD)
    axes.text(140, 7.1, "all of attention", color=FOURTH, va="center", **BOLD)
    axes.text(16000, 3.75, "its projections", color=THIRD, va="center", ha="right", **BOLD)
    axes.text(340, 0.72, "its products", color=SECOND, va="center", **BOLD)
    axes.text(n_positions * 0.93, 60, f"n_positions {n_positions:,}", va="center", ha="right")
    axes.text(attention_passes * 1.07, 1.35, f"{attention_passes:,}", color=FOURTH, va="center", **BOLD)
    axes.text(products_pass * 1.07, 1.35, f"{products_pass:,}", color=SECOND, va="center", **BOLD)
    return Picture(
        figure,
        "What a token costs, against seq_len",
        f"Floating-point operations for one token in one layer with n_embd {n_embd}. The MLP takes {mlp:.2f} million "
        f"and the projections of the attention {mlp / 2:.2f} million at any length; the products with keys and values "
        f"grow with seq_len. All of attention overtakes the MLP at seq_len {attention_passes:,}, the products alone at "
        f"{products_pass:,}. A line marks n_positions, {n_positions:,}, which is below both.",
    )
