"""Diagrams without data: the heads of attention, a block, the whole model, and a check."""

from collections.abc import Sequence

from matplotlib.patches import Circle, Polygon

from book.plots.colours import FIRST, SECOND, TEXT, THIRD
from book.plots.grid import Grid
from book.plots.parts import BOLD, MONO, FontStyle, arrow, box, paper, plus, say
from book.plots.svg import Picture


def draw_heads() -> Picture:
    """How vectors are cut into heads and joined again."""
    seq_len, n_head, head_dim, size = 4, 3, 2, 22
    colours = (FIRST, SECOND, THIRD)
    figure, axes = paper(400, 746)

    def cells(x: float, y: float, token: int, head: int, words: Sequence[str]) -> None:
        grid = Grid(axes, x, y, size, size)
        for dim in range(head_dim):
            grid.cell(token, dim, words[dim], colour=colours[head], opacity=0.25)

    stages = [
        ("", "(batch, seq_len, n_embd)", "1, 4, 6"),
        ("reshape", "(batch, seq_len, n_head, head_dim)", "1, 4, 3, 2"),
        ("transpose(1, 2)", "(batch, n_head, seq_len, head_dim)", "1, 3, 4, 2"),
        ("attention, each head on its own", "(batch, n_head, seq_len, head_dim)", "1, 3, 4, 2"),
        ("transpose(1, 2), reshape", "(batch, seq_len, n_embd)", "1, 4, 6"),
    ]
    top = 12.0
    for index, (operation, shape, sizes) in enumerate(stages):
        if operation:
            arrow(axes, (18, top - 14), (18, top + 8))
            say(axes, 32, top - 4, operation, **BOLD)
            top += 22
        say(axes, 8, top, shape, fontsize=12, **MONO)
        say(axes, 392, top, sizes, ha="right", fontsize=12, **MONO)
        top += 14
        for token in range(seq_len):
            for head in range(n_head):
                dims = [str(head * head_dim + dim) for dim in range(head_dim)]
                if index == 1:
                    cells(48 + head * 60, top + token * 6, token, head, dims)
                elif index in (2, 3):
                    cells(48 + head * 100, top, token, head, dims if index == 2 else ["", ""])
                else:
                    cells(48 + head * head_dim * size, top, token, head, dims if index == 0 else ["", ""])
        if index in (2, 3):
            for head in range(n_head):
                say(axes, 48 + head * 100 + size, top + seq_len * size + 11, f"head {head}", ha="center", fontsize=12)
        top += seq_len * size + {0: 20, 1: 38, 2: 38, 3: 38, 4: 0}[index]
    return Picture(
        figure,
        "Cutting vectors into heads and joining them again",
        "Four tokens with n_embd 6 become three heads with head_dim 2. A reshape cuts each row of six numbers into "
        "three pairs: numbers 0 and 1, 2 and 3, 4 and 5. A transpose moves the heads forward, so that each head has "
        "its own table of four tokens with two numbers each. Each head attends on its own. A transpose and a "
        "reshape join the three pairs of each token again.",
    )


def draw_block() -> Picture:
    """One block: the residual stream and its two branches."""
    figure, axes = paper(480, 420)
    stream, branch, width = 70, 190, 120
    for start, end in ((36, 171), (193, 331), (353, 372)):
        axes.plot([stream, stream], [start, end], color=FIRST, linewidth=5, solid_capstyle="butt")
    axes.add_patch(Polygon([(stream, 388), (stream - 10, 370), (stream + 10, 370)], facecolor=FIRST, edgecolor="none"))
    say(axes, stream, 16, "x", ha="center", **MONO)
    say(axes, stream, 404, "x", ha="center", **MONO)
    say(axes, stream + 22, 16, "(batch, seq_len, n_embd)", fontsize=12, **MONO)
    say(axes, stream + 22, 404, "(batch, seq_len, n_embd)", fontsize=12, **MONO)
    branches = [(54, "ln_1", "attn", "looks at tokens so far"), (214, "ln_2", "mlp", "works on each token")]
    for top, norm, sublayer, does in branches:
        middle = branch + width / 2
        arrow(axes, (stream, top), (middle, top), (middle, top + 22))
        box(axes, branch, top + 22, width, 30, norm, **MONO)
        arrow(axes, (middle, top + 52), (middle, top + 74))
        box(axes, branch, top + 74, width, 30, sublayer, **MONO)
        arrow(axes, (middle, top + 104), (middle, top + 128), (stream + 12, top + 128))
        plus(axes, stream, top + 128)
        say(axes, branch + width + 12, top + 37, "normalises a copy", fontsize=12)
        say(axes, branch + width + 12, top + 89, does, fontsize=12)
    return Picture(
        figure,
        "One block of GPT-2",
        "The residual stream x runs straight from top to bottom. A branch leaves it twice: first through ln_1 and "
        "attn, then through ln_2 and mlp. What a branch computes is added to the stream. The layer norms are on the "
        "branches; the stream itself is never normalised in a block.",
    )


def draw_model() -> Picture:
    """The whole model, from input_ids to logits."""
    figure, axes = paper(460, 578)
    middle, wide = 176, 150
    left = middle - wide / 2

    def shape(y: float, words: str) -> None:
        say(axes, middle + 14, y, words, fontsize=12, **MONO)

    say(axes, middle, 14, "input_ids", ha="center", **MONO)
    shape(40, "(batch, seq_len)")
    axes.plot([middle, middle], [26, 54], color=TEXT, linewidth=1.5)
    for x, name in ((left, "wte"), (middle + 13, "wpe")):
        arrow(axes, (middle, 54), (x + 31, 54), (x + 31, 72))
        box(axes, x, 72, 62, 32, name, **MONO)
        arrow(axes, (x + 31, 104), (x + 31, 129), (middle + (-12 if x < middle else 12), 129))
    plus(axes, middle, 129)
    say(axes, left + wide + 10, 81, "token +", fontsize=12)
    say(axes, left + wide + 10, 97, "position", fontsize=12)
    arrow(axes, (middle, 140), (middle, 176))
    shape(156, "(batch, seq_len, n_embd)")
    for index, name in enumerate(("h[0]", "h[1]", "", "h[n_layer − 1]")):
        y = 176 + index * 50
        if name:
            box(axes, left, y, wide, 32, name, **MONO)
        else:
            for dot in (8, 16, 24):
                axes.add_patch(Circle((middle, y + dot), 2, facecolor=TEXT, edgecolor="none"))
        if index < 3:
            arrow(axes, (middle, y + 32), (middle, y + 50))
    say(axes, left + wide + 10, 242, "n_layer blocks", fontsize=12)
    arrow(axes, (middle, 358), (middle, 392))
    shape(373, "(batch, seq_len, n_embd)")
    box(axes, left, 392, wide, 32, "ln_f", **MONO)
    arrow(axes, (middle, 424), (middle, 460))
    shape(440, "(batch, seq_len, n_embd)")
    box(axes, left, 460, wide, 32, "lm_head", **MONO)
    arrow(axes, (middle, 492), (middle, 546))
    shape(518, "(batch, seq_len, vocab_size)")
    say(axes, middle, 562, "logits", ha="center", **MONO)
    tie = {"color": SECOND, "linewidth": 2, "linestyle": (0, (4, 3))}
    axes.plot([left, 44, 44, left], [88, 88, 476, 476], **tie)
    axes.text(
        30, 282, "one table: (vocab_size, n_embd)", rotation=90, rotation_mode="anchor", ha="center", color=SECOND
    )
    return Picture(
        figure,
        "The whole of GPT-2",
        "From top to bottom: input_ids of shape (batch, seq_len) go through wte and wpe, whose results are added: "
        "(batch, seq_len, n_embd). Then the blocks h[0] to h[n_layer − 1], the layer norm ln_f, and lm_head, which "
        "gives logits of shape (batch, seq_len, vocab_size). A dashed line joins wte and lm_head: both use one "
        "table of shape (vocab_size, n_embd).",
    )


def draw_pipeline() -> Picture:
    """What a check does with the learner's file."""
    figure, axes = paper(480, 504)
    left, wide, middle, right = 8, 176, 96, 344
    rows = [
        ("your Python file", "", ""),
        ("graph", "trace", "milliseconds; finds wrong shapes"),
        ("numbers", "evaluate", "in NumPy, on all cases"),
        ("machine code", "if right: fuse, compile", "about half a minute, once"),
        ("step is right", "run, compare", "on the same cases"),
    ]
    for index, (words, verb, how) in enumerate(rows):
        y = 8 + index * 112
        box(axes, left, y, wide, 40, words)
        if index:
            arrow(axes, (middle, y - 72), (middle, y))
            say(axes, middle + 12, y - 46, verb, **BOLD)
            say(axes, middle + 12, y - 26, how, fontsize=12)
    box(axes, right, 204, 128, 96, "")
    for index, words in enumerate(("not right yet:", "a known mistake", "or the first", "wrong line")):
        say(axes, right + 64, 222 + 20 * index, words, ha="center", **(FontStyle() if index else BOLD))
    arrow(axes, (left + wide, 252), (right, 252))
    say(axes, 264, 240, "if wrong", ha="center", **BOLD)
    box(axes, right, 324, 128, 80, "")
    for index, words in enumerate(("cache of", "compiled", "graphs")):
        say(axes, right + 64, 344 + 20 * index, words, ha="center")
    arrow(axes, (left + wide, 356), (right, 356))
    say(axes, 264, 344, "new: keep it", ha="center", fontsize=12)
    arrow(axes, (right, 374), (left + wide, 374))
    say(axes, 264, 388, "known: load it", ha="center", fontsize=12)
    return Picture(
        figure,
        "What happens when you run a check",
        "From top to bottom: your Python file is traced to a graph, which takes milliseconds and finds wrong shapes. "
        "The graph is evaluated in NumPy on all cases, which gives numbers. If they are wrong, the way ends here: the "
        "verdict is that the step is not right yet, and names a known mistake or the first wrong line. If they are "
        "right, the graph is fused and compiled to machine code, which takes about half a minute, once. The machine "
        "code runs on the same cases, and its results are compared: only then is the step right. Beside the machine "
        "code stands a cache of compiled graphs: a new one is kept there, and a graph that was seen before is not "
        "compiled again but loaded, in milliseconds.",
    )
