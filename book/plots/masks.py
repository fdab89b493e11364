"""The causal mask without a cache, with one, and with a mistake that is easy to make."""

import numpy as np
from matplotlib.patches import Polygon

from book.plots.colours import SECOND, TEXT
from book.plots.grid import Grid
from book.plots.parts import BOLD, paper, say
from book.plots.svg import Picture
from tutor.checks.numpy import gpt2 as numpy_gpt2


def _band_part(matrix: np.ndarray, num_lower: int | None, num_upper: int | None, *, exclude: bool) -> np.ndarray:
    """`F.band_part` in NumPy: keeps the band around the diagonal, or everything else if `exclude` is True."""
    rows, columns = np.indices(matrix.shape)
    inside = np.ones(matrix.shape, dtype=bool)
    if num_lower is not None:
        inside &= rows - columns <= num_lower
    if num_upper is not None:
        inside &= columns - rows <= num_upper
    return np.where(inside != exclude, matrix, 0.0)


def _mark(grid: Grid, row: int, column: int) -> None:
    """Marks a wrong cell: a frame with a filled corner."""
    grid.frame(row, column, SECOND)
    right, bottom = grid.x + (column + 1) * grid.width - 1, grid.y + (row + 1) * grid.height - 1
    corner = [(right, bottom), (right - 11, bottom), (right, bottom - 11)]
    grid.axes.add_patch(Polygon(corner, facecolor=SECOND, edgecolor="none"))


def draw_mask() -> Picture:
    """Three masks for four queries: without a cache, with one, and with one that the mask ignores."""
    length, cached = 4, 3
    panels = [
        ("No cache: num_upper=0", 0, 0),
        ("A cache of 3: num_upper=3", cached, cached),
        ("The trap, a cache of 3: num_upper=0", cached, 0),
    ]
    figure, axes = paper(420, 644)
    wrong = 0
    for index, (title, num_tokens, num_upper) in enumerate(panels):
        hidden = np.full((length, length + num_tokens), -np.inf)
        mask = _band_part(hidden, None, num_upper, exclude=True)
        right = numpy_gpt2.causal_mask(length, num_tokens)
        assert np.array_equal(mask, numpy_gpt2.causal_mask(length, num_tokens, shifted=num_upper == num_tokens))
        top = (12, 206, 416)[index]
        say(axes, 8, top, title, **BOLD)
        grid = Grid(axes, 96, top + (54 if num_tokens else 38), 44, 30)
        if num_tokens:
            say(axes, grid.middle(0, 1)[0], top + 21, "in the cache", ha="center", fontsize=12)
            axes.plot([grid.x + 6, grid.x + 3 * 44 - 6], [top + 30, top + 30], color=TEXT, linewidth=1.5)
        say(axes, grid.x - 10, grid.y - 13, "key", ha="right")
        for row, column in np.ndindex(mask.shape):
            visible = mask[row, column] == 0
            grid.cell(row, column, "0" if visible else "−∞", opacity=0.45 if visible else 0)
            if mask[row, column] != right[row, column]:
                wrong += 1
                _mark(grid, row, column)
        for row in range(length):
            say(axes, grid.x - 10, grid.middle(row, 0)[1], f"query {num_tokens + row}", ha="right")
        for column in range(length + num_tokens):
            say(axes, grid.middle(0, column)[0], grid.y - 13, str(column), ha="center")
    legend = Grid(axes, 96, 606, 44, 30)
    legend.cell(0, 0, "−∞")
    _mark(legend, 0, 0)
    say(axes, 152, 621, "hidden, but should be visible")
    return Picture(
        figure,
        "Three masks for four queries",
        "Rows are queries, columns are keys, both numbered by position; 0 means visible and −∞ means hidden. "
        "Without a cache, 4 by 4: each query sees the keys up to its own. With a cache of 3 and num_upper=3, 4 by 7: "
        "queries 3 to 6 see all three cached keys and the new ones up to their own. With num_upper left at 0, "
        f"each query misses three keys that it should see; these {wrong} cells are framed, with a filled corner.",
    )
