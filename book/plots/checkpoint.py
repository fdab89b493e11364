"""The checkpoint apart from its attention: position embeddings, residual stream, and next tokens."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from safetensors.numpy import load_file

from book.export import load
from book.plots.colours import FIRST, SECOND, THIRD
from book.plots.parts import BOLD, MONO, paper, plot, say, ticks
from book.plots.svg import Picture
from book.plots.words import signed
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.generation.tokens import visible_token
from tutor.learner.workspace import REPOSITORY, Workspace


def draw_positions() -> Picture:
    """The similarity of three rows of wpe to all the others."""
    file = Workspace(REPOSITORY).checkpoint / "model.safetensors"
    wpe = load_file(file)["transformer.wpe.weight"].astype(np.float64)  # (n_positions, n_embd)
    rows = wpe / np.linalg.norm(wpe, axis=-1, keepdims=True)
    n_positions = len(wpe)
    figure, _ = paper(480, 350)
    axes = plot(figure, 44, 40, 420, 254)
    chosen = ((16, FIRST, "-", 76, 0.87), (128, SECOND, (0, (4, 2)), 128, 0.7), (240, THIRD, (0, (1, 1)), 174, 0.94))
    told = []
    for position, colour, style, x, y in chosen:
        similarity = rows @ rows[position]
        others = np.delete(np.arange(n_positions), position)
        # Every vector has similarity 1 with itself: it says nothing, and would be a spike in the curve.
        axes.plot(others, similarity[others], color=colour, linestyle=style, linewidth=1.8)
        axes.text(x, y, f"position {position}", color=colour, ha="center", va="center", **BOLD)
        near = [p for p in range(position - 8, position + 9) if p != position and 0 <= p < n_positions]
        lowest = int(similarity.argmin())
        told.append(
            f"Position {position}: on average {similarity[near].mean():.2f} with the 8 positions on each side, "
            f"lowest {signed(similarity[lowest], 2)} with position {lowest}"
        )
    axes.set(xlim=(0, n_positions - 1), ylim=(-1, 1))
    ticks(axes, [0, 64, 128, 192, 255], [-1, -0.5, 0, 0.5, 1])
    axes.set_xlabel("position")
    axes.text(0, 1.14, "cosine similarity of rows of wpe", va="center")
    return Picture(
        figure,
        "How similar the position embeddings of the checkpoint are",
        "Three curves: the cosine similarity of one position's row of wpe with the rows of all others. "
        "The similarity falls with the distance; between distant positions it is low or negative. "
        f"{'. '.join(told)}. The curves jump at the end: training cut the last token off its windows of "
        f"{n_positions} tokens, so position {n_positions - 1} was never used.",
    )


def _bar(axes: Axes, x: float, y: float, length: float, *, added: bool) -> None:
    """A filled bar for the stream, or a hollow one for what is added to it."""
    fill, edge = ((SECOND, 0.2), SECOND) if added else (FIRST, FIRST)
    axes.add_patch(Rectangle((x, y), length, 14, facecolor=fill, edgecolor=edge, linewidth=1.2))


def draw_residual() -> Picture:
    """The length of the residual stream, and of what each sublayer adds to it."""
    stream = load("attention")["stream"]
    norms = [float(np.mean(lengths)) for lengths in stream["norm"]]
    added = [float(np.mean(lengths)) for lengths in stream["added"]]
    pitch, left, top = 42, 108, 44
    figure, axes = paper(480, top + pitch * len(norms) + 4)
    scale = 310 / max(norms)
    for index, (words, style) in enumerate((("length of the stream", 0), ("length of what is added to it", 1))):
        _bar(axes, 8, 8 + 22 * index, 26, added=bool(style))
        say(axes, 42, 15 + 22 * index, words)
    for index, (place, norm) in enumerate(zip(stream["places"], norms, strict=True)):
        y = top + index * pitch
        say(axes, left - 8, y + (17 if index else 25), place, ha="right", fontsize=12, **({} if index == 0 else MONO))
        if index:
            _bar(axes, left, y, added[index - 1] * scale, added=True)
            say(axes, left + added[index - 1] * scale + 6, y + 7, f"{added[index - 1]:.1f}")
        _bar(axes, left, y + 18, norm * scale, added=False)
        say(axes, left + norm * scale + 6, y + 25, f"{norm:.1f}", **BOLD)
    largest = int(np.argmax(added))
    return Picture(
        figure,
        "The residual stream grows with every sublayer",
        "The mean length of the residual stream over the tokens of the sentence: "
        + ", ".join(f"{norm:.1f} after {place}" for place, norm in zip(stream["places"], norms, strict=True))
        + ". The length of what each sublayer adds: "
        + ", ".join(f"{length:.1f} by {place}" for place, length in zip(stream["sublayers"], added, strict=True))
        + f". {stream['sublayers'][largest]} adds the most.",
    )


def draw_temperature() -> Picture:
    """The probabilities of the likeliest next tokens at three temperatures."""
    data = load("sampling")
    prompt = data["prompts"][2]
    logits = np.array(prompt["logits"])
    top = np.argsort(-logits, kind="stable")[:10]
    tokens = [visible_token(data["tokens"][id_]) for id_ in top]
    temperatures = (0.5, 1, 2)
    probabilities = [numpy_gpt2.softmax(logits / temperature)[top] for temperature in temperatures]
    pitch, left, column, first = 26, 62, 140, 62
    figure, axes = paper(480, first + pitch * (len(top) + 1) + 6)
    say(axes, 8, 14, f"“{prompt['text']}” …", **BOLD)
    scale = 84 / max(float(row.max()) for row in probabilities)
    for row, token in enumerate(tokens):
        say(axes, left - 10, first + row * pitch + 9, token, ha="right")
    say(axes, left - 10, first + len(top) * pitch + 9, "others", ha="right")
    for index, (temperature, row) in enumerate(zip(temperatures, probabilities, strict=True)):
        x = left + index * column
        say(axes, x, 42, f"temperature {temperature}", **BOLD)
        for place, probability in enumerate([*row, 1 - row.sum()]):
            y, rest = first + place * pitch, place == len(row)
            if not rest:
                bar = Rectangle((x, y), probability * scale, 18, facecolor=FIRST, edgecolor="none")
                axes.add_patch(bar)
            # The others are many tokens, so their sum gets a number, and no bar beside those of single tokens.
            say(axes, x + (0 if rest else probability * scale + 5), y + 9, f"{100 * probability:.1f}%")
    return Picture(
        figure,
        "Next-token probabilities at three temperatures",
        f"The ten likeliest tokens after “{prompt['text']}”. "
        + ". ".join(
            f"At temperature {temperature} the first, “{tokens[0]}”, has {100 * row[0]:.1f}%, the second, "
            f"“{tokens[1]}”, {100 * row[1]:.1f}%, and all tokens except the ten together {100 * (1 - row.sum()):.1f}%"
            for temperature, row in zip(temperatures, probabilities, strict=True)
        )
        + ".",
    )
