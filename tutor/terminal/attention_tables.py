"""What `attention` prints: the map of one head, and the heads that show a pattern."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tutor.terminal.printer import Printer

if TYPE_CHECKING:
    from tutor.attention_maps.head_patterns import HeadPattern

# Heads that are listed for one pattern.
_FEWEST_HEADS, _MOST_HEADS = 3, 8


class AttentionPrinter(Printer):
    """Prints attention."""

    def map(self, lines: Iterable[Text]) -> None:
        """Prints lines that were made for the console's width."""
        for line in lines:
            self.console.print(line, soft_wrap=True)

    def head_patterns(self, patterns: "Iterable[HeadPattern]") -> None:
        """Prints for each pattern the heads that come nearest to it."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("looks at", "tokens", "layer", "head", "score", "even", "shown?"):
            table.add_column(column, justify="left" if column in ("looks at", "shown?") else "right", no_wrap=True)
        for pattern in patterns:
            rows = [
                (str(layer), str(head), f"{score:.2f}", f"{pattern.even:.2f}", pattern.verdict(score))
                for layer, head, score in pattern.ranked
            ]
            having = sum(row[-1] == "yes" for row in rows)
            shown = min(max(having, _FEWEST_HEADS), _MOST_HEADS) if pattern.tokens else 0
            for index, row in enumerate(rows[:shown]):
                label = ("", "") if index else (pattern.name, str(pattern.tokens))
                table.add_row(*label, *row, style="" if row[-1] == "yes" else "dim")
            if having > shown and shown:
                table.add_row(*[""] * 6, f"yes: {having - shown} more")
            if not shown:
                table.add_row(pattern.name, "0", style="dim")
            table.add_row()
        self.console.print(table)
        self.aside(
            "tokens: how many have such a thing to look at. score: the share of their attention that goes there. "
            "even: the score of a head that looks at all tokens alike."
        )
