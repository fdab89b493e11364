"""Draws the attention weights of one head in the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

# From which weight on a cell has a shade, and how it is drawn. The colours are the terminal's own.
SHADES = ((0.75, "█", "black on yellow"), (0.5, "▓", "white on magenta"), (0.25, "▒", "white on blue"),
          (0.05, "░", "cyan"), (0.0, "·", "dim"))  # fmt: skip

# Columns of a cell that holds a percentage, and of one that holds a shade.
_NUMBER, _SHADE = 3, 1
_WIDEST_LABEL = 14


@dataclass(frozen=True)
class HeatMap:
    """The weights of one head on a text.

    Args:
        title: which head of which model.
        words: the tokens, as people read them.
        weights: (seq_len, seq_len): rows are the tokens that look, columns those that they look at.
    """

    title: str
    words: Sequence[str]
    weights: np.ndarray

    def strongest(self) -> tuple[int, int]:
        """The query and the key of the largest weight, of those that look at another token; else of all."""
        others = np.where(np.eye(len(self.words), dtype=bool), -1.0, self.weights)
        table = others if len(self.words) > 1 else self.weights
        query, key = np.unravel_index(int(table.argmax()), table.shape)
        return int(query), int(key)


def percent(weight: float) -> int:
    """A weight in percent, as the maps show it."""
    return round(100 * float(weight))


def fitting(words: Sequence[str], width: int) -> int:
    """How many of the first tokens a map in the terminal can show."""
    return max(1, min(len(words), (width - _label_width(words)) // _SHADE))


def lines(heat_map: HeatMap, width: int) -> list[Text]:
    """The map as lines of text of at most `width` columns. It shows numbers where they fit, else shades."""
    words = heat_map.words
    label_width = _label_width(words)
    in_numbers = label_width + _NUMBER * len(words) <= width
    drawn = [Text(heat_map.title, style="bold"), *_legend(in_numbers), Text()]
    drawn += [Text(" " * label_width + ruler, style="dim") for ruler in _rulers(len(words), in_numbers)]
    for query, word in enumerate(words):
        number = f"{query:>{len(str(len(words) - 1))}} "
        row = Text.assemble((number, "dim"), set_cell_size(_cut(word), label_width - len(number)))
        for weight in heat_map.weights[query, : query + 1]:
            glyph, style = next((glyph, style) for least, glyph, style in SHADES if weight >= least)
            shown = f"{percent(weight) or '·':>{_NUMBER}}" if in_numbers else glyph
            row.append(shown, style=style if in_numbers else style.rpartition(" on ")[2])
        drawn.append(row)
    return drawn


def _legend(in_numbers: bool) -> list[Text]:
    told = "Each row is a token, and how much it looks at the tokens with these numbers,"
    if in_numbers:
        return [Text(told), Text("in percent of the row; · is less than half a percent.")]
    shades = ", ".join(f"{glyph} from {percent(least)} %" for least, glyph, _ in SHADES[:-1])
    return [Text(told), Text(f"in shares of the row: {shades}.")]


def _rulers(count: int, in_numbers: bool) -> list[str]:
    """The numbers of the columns."""
    if in_numbers:
        return ["".join(f"{key:>{_NUMBER}}" for key in range(count))]
    tens = "".join(f"{key:<10}" for key in range(0, count, 10))
    return [tens.rstrip(), "".join(str(key % 10) for key in range(count))]


def _label_width(words: Sequence[str]) -> int:
    return len(str(len(words) - 1)) + 1 + max(cell_len(_cut(word)) for word in words) + 1


def _cut(word: str) -> str:
    """A word of at most the widest label."""
    return word if cell_len(word) <= _WIDEST_LABEL else set_cell_size(word, _WIDEST_LABEL - 1).rstrip() + "…"
