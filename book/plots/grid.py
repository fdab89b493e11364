"""A matrix drawn as cells."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from book.plots.colours import EDGE, HEAT, INK, PAGE
from book.plots.parts import say


@dataclass(frozen=True)
class Grid:
    """Where a matrix of cells is: its upper left corner, and the size of a cell."""

    axes: Axes
    x: float
    y: float
    width: float
    height: float

    def cell(
        self, row: int, column: int, words: str = "", *, colour: str = HEAT, opacity: float = 0.0, size: int = 13
    ) -> None:
        """Draws one cell, filled with the colour at this opacity, with words on it."""
        fill = (colour, round(opacity, 3)) if opacity > 0 else "none"
        corner = (self.x + column * self.width, self.y + row * self.height)
        self.axes.add_patch(Rectangle(corner, self.width, self.height, facecolor=fill, edgecolor=EDGE, linewidth=0.8))
        if words:
            say(self.axes, *self.middle(row, column), words, ha="center", color=INK, fontsize=size)

    def middle(self, row: float, column: float) -> tuple[float, float]:
        """The middle of a cell."""
        return self.x + (column + 0.5) * self.width, self.y + (row + 0.5) * self.height

    def frame(self, row: int, column: int, colour: str) -> None:
        """Draws a thick frame inside a cell; a thin one in the page's colour separates it from what it frames."""
        for inset, line, edge in ((1, 2, colour), (2.5, 1, PAGE)):
            corner = (self.x + column * self.width + inset, self.y + row * self.height + inset)
            size = (self.width - 2 * inset, self.height - 2 * inset)
            self.axes.add_patch(Rectangle(corner, *size, facecolor="none", edgecolor=edge, linewidth=line))
