"""What flows forward and what flows back along the same way: one figure a step of the part on training."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from book.plots.colours import FIRST, SECOND, TEXT
from book.plots.parts import BOLD, MONO, arrow, box, paper, plot, say, ticks
from book.plots.svg import Picture
from tutor.checks.numpy.adamw import learning_rate
from tutor.learner.workspace import REPOSITORY


@dataclass(frozen=True)
class Station:
    """A layer on the way.

    Args:
        name: what is in its box.
        forward, backward: what arrives at it from above on the way forward, and leaves it on the way back.
        keeps: the gradients that stay here, because they belong to its parameters.
    """

    name: str
    forward: str
    backward: str
    keeps: str = ""


def _two_ways(stations: Sequence[Station], last: tuple[str, str], title: str, told: str) -> Picture:
    """Stations from top to bottom, with the way forward on the left and the way back on the right."""
    gap, height, wide, middle = 92, 34, 150, 240
    figure, axes = paper(480, 52 + gap * len(stations) + 30)
    left, right = middle - 34, middle + 34
    say(axes, left - 16, 16, "forward", ha="right", color=FIRST, **BOLD)
    say(axes, right + 16, 16, "backward", color=SECOND, **BOLD)

    def between(top: float, bottom: float, forward: str, backward: str) -> None:
        arrow(axes, (left, top), (left, bottom), colour=FIRST)
        arrow(axes, (right, bottom), (right, top), colour=SECOND)
        say(axes, left - 16, (top + bottom) / 2, forward, ha="right", color=FIRST, fontsize=12, **MONO)
        say(axes, right + 16, (top + bottom) / 2, backward, color=SECOND, fontsize=12, **MONO)

    for index, station in enumerate(stations):
        y = 34 + gap * index
        between(y, y + gap - height, station.forward, station.backward)
        box(axes, middle - wide / 2, y + gap - height, wide, height, station.name, **MONO)
        if station.keeps:
            say(axes, middle + wide / 2 + 10, y + gap - height / 2, station.keeps, color=SECOND, fontsize=12, **MONO)
    y = 34 + gap * len(stations)
    between(y, y + gap - height - 18, *last)
    return Picture(figure, title, told)


def draw_loss_backward() -> Picture:
    """From the logits to the loss, and back."""
    return _two_ways(
        (
            Station("log softmax", "logits", "(p − one-hot) / count"),
            Station("pick the target", "log p", "−one-hot / count"),
            Station("mean, minus", "log p[target]", "−1 / count"),
        ),
        ("loss", "1"),
        "From the logits to the loss, and back",
        "On the way forward, the logits become logarithms of probabilities, of which the target's is picked; the loss "
        "is "
        "minus their mean. On the way back, the gradient starts with 1, and becomes minus 1 divided by the count, then "
        "that at the target's place alone, and at the logits the probabilities minus one-hot, divided by the count.",
    )


def draw_layers_backward() -> Picture:
    """Through a layer norm, two linear layers and GELU, and back."""
    return _two_ways(
        (
            Station("layer norm", "x", "grad_x", "weight, bias"),
            Station("linear", "normalised", "grad", "weight, bias"),
            Station("GELU", "widened", "grad"),
            Station("linear", "gated", "grad", "weight, bias"),
        ),
        ("y", "grad_y"),
        "What flows forward and back through four layers",
        "Forward, x goes through a layer norm, a linear layer, GELU, and another linear layer, which gives y. "
        "Backward, "
        "grad_y goes through the same four in reverse: each turns the gradient of what it gave into the gradient of "
        "what "
        "it was given. The layer norm and the linear layers keep the gradients of their weights and biases.",
    )


def draw_attention_backward() -> Picture:
    """Attention line by line, and back."""
    return _two_ways(
        (
            Station("Q Kᵀ / √head_dim", "Q, K", "grad_Q, grad_K"),
            Station("+ mask", "scores", "grad_scores"),
            Station("softmax", "masked", "grad_scores"),
            Station("weights V", "weights", "grad_weights", "grad_V"),
        ),
        ("y", "grad_y"),
        "What flows forward and back through attention",
        "Forward: queries and keys give scores, the mask is added, the softmax makes weights, and the weights blend "
        "the "
        "values. Backward: grad_y gives the gradient of the values, which stays, and of the weights; the softmax turns "
        "that "
        "into the gradient of the scores; the mask lets it through; and the scores give it to queries and keys.",
    )


def draw_model_backward() -> Picture:
    """The whole model, and back."""
    return _two_ways(
        (
            Station("wte + wpe", "input_ids", "(none)", "wte, wpe"),
            Station("blocks 0 …", "x", "grad_x", "12 each"),
            Station("ln_f", "x", "grad_x", "weight, bias"),
            Station("lm_head", "normalised", "grad", "wte, again"),
            Station("cross-entropy", "logits", "grad_logits"),
        ),
        ("loss", "1"),
        "What flows forward and back through the whole model",
        "Forward: ids become vectors, which go through the blocks, the final norm and the head, and the logits become "
        "the "
        "loss. Backward: the gradient of the logits goes through the head, which keeps a gradient for the table wte, "
        "through the norm and the blocks in reverse, each of which keeps the gradients of its 12 parameters, to the "
        "tables, "
        "where wte gets its second gradient.",
    )


def draw_learning_rate() -> Picture:
    """The learning rate from the first step to the last."""
    steps, warmup = 2400, 100
    rates = [
        learning_rate(step, peak=2e-3, warmup_steps=warmup, total_steps=steps, final=1e-4) for step in range(steps)
    ]
    figure, _ = paper(480, 300)
    axes = plot(figure, 56, 20, 400, 220)
    axes.plot(np.arange(steps), rates, color=FIRST, linewidth=3)
    axes.set(xlim=(0, steps), ylim=(0, 2.2e-3))
    ticks(axes, [0, 100, 1200, 2400], [0, 0.001, 0.002])
    axes.set_xlabel("step")
    axes.text(160, 2.08e-3, "peak: step 100", va="center_baseline", color=TEXT)
    return Picture(
        figure,
        "The learning rate of each step",
        f"It grows in a line to {max(rates):.3f} at step {int(np.argmax(rates))}, and then falls along half a cosine "
        f"to "
        f"{rates[-1]:.4f} at step {steps - 1}.",
    )


def draw_loss_curve() -> Picture:
    """The losses of the shipped model, as it was trained."""
    history = json.loads((REPOSITORY / "checkpoints/shakespeare/training.json").read_text(encoding="utf-8"))["history"]
    steps = [row["step"] for row in history]
    figure, _ = paper(480, 320)
    axes: Axes = plot(figure, 48, 20, 408, 240)
    for key, colour, style, words in (
        ("train_loss", FIRST, "-", "training"),
        ("held_out_loss", SECOND, (0, (4, 2)), "held out"),
    ):
        losses = [row[key] for row in history]
        axes.plot(steps, losses, color=colour, linestyle=style, linewidth=3)
        axes.text(steps[-1] * 1.01, losses[-1], words, color=colour, va="center_baseline")
    axes.set(xlim=(0, steps[-1] * 1.22), ylim=(3, 5.4))
    ticks(axes, [0, steps[-1] // 2, steps[-1]], [3, 4, 5])
    axes.set_xlabel("step")
    first, last = history[0], history[-1]
    return Picture(
        figure,
        "The loss of the model that comes with the course, while it was trained",
        f"The training loss falls from {first['train_loss']:.2f} to {last['train_loss']:.2f} nats a token, the "
        f"held-out "
        f"loss from {first['held_out_loss']:.2f} to {last['held_out_loss']:.2f}. At first the held-out loss is the "
        f"lower "
        "one, because the training loss is a mean over the steps before; in the end it is the higher one.",
    )
