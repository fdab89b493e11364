"""The parts of the figures: paper, axes, words, boxes and arrows."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

from book.plots.colours import FIRST, GRID, SOFT, TEXT


class FontStyle(TypedDict, total=False):
    """Keyword arguments of matplotlib's for text."""

    fontweight: str
    family: str


BOLD: FontStyle = {"fontweight": "bold"}
MONO: FontStyle = {"family": "monospace"}


def paper(width: int, height: int) -> tuple[Figure, Axes]:
    """A figure whose coordinates are pixels, with y pointing down."""
    figure = Figure((width / 72, height / 72))
    figure.patch.set_visible(False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0))
    return figure, axes


def plot(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes for curves; their position and size are in pixels."""
    total_width, total_height = figure.get_size_inches() * 72
    place = (left / total_width, 1 - (top + height) / total_height, width / total_width, height / total_height)
    axes = figure.add_axes(place)
    axes.patch.set_visible(False)
    axes.grid(color=GRID, linewidth=1)
    axes.set_axisbelow(True)
    return axes


def _plain(number: float) -> str:
    return f"{number:g}".replace("-", "−")


def ticks(axes: Axes, x: Sequence[float] | None = None, y: Sequence[float] | None = None) -> None:
    """Puts ticks only at these places, as plain numbers: matplotlib's own would be formulas."""
    for axis, places in ((axes.xaxis, x), (axes.yaxis, y)):
        if places is not None:
            axis.set_ticks(places, [_plain(place) for place in places])
            axis.set_ticks([], minor=True)


def say(axes: Axes, x: float, y: float, words: str, **style: object) -> None:
    """Writes text that is centred at height y and starts at x, unless `ha` says otherwise."""
    axes.text(x, y, words, **{"va": "center_baseline", **style})


def box(axes: Axes, x: float, y: float, width: float, height: float, words: str, **style: object) -> None:
    """Draws a box with words in the middle; `x` and `y` are its upper left corner."""
    axes.add_patch(Rectangle((x, y), width, height, facecolor=SOFT, edgecolor=FIRST, linewidth=1.5))
    say(axes, x + width / 2, y + height / 2, words, ha="center", **style)


def arrow(axes: Axes, *points: tuple[float, float], colour: str | tuple[str, float] = TEXT, **style: object) -> None:
    """Draws a line through the points, with an arrow head at the end."""
    (x0, y0), (x1, y1) = points[-2:]
    length = float(np.hypot(x1 - x0, y1 - y0))
    along = np.array([x1 - x0, y1 - y0]) / length
    across = np.array([-along[1], along[0]])
    tip, base = np.array([x1, y1]), np.array([x1, y1]) - 8 * along
    line = [*points[:-1], tuple(base)]
    axes.plot(*zip(*line, strict=True), color=colour, solid_capstyle="butt", **{"linewidth": 1.5, **style})
    axes.add_patch(Polygon([tip, base + 4 * across, base - 4 * across], facecolor=colour, edgecolor="none"))


def plus(axes: Axes, x: float, y: float) -> None:
    """Draws a plus sign in a circle."""
    axes.add_patch(Circle((x, y), 11, facecolor=SOFT, edgecolor=FIRST, linewidth=1.5))
    for dx, dy in ((6, 0), (0, 6)):
        axes.plot([x - dx, x + dx], [y - dy, y + dy], color=TEXT, linewidth=1.5)
