"""What the tool prints, as something that a screen can show at any width."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.style import Style
from rich.text import Span, Text


@dataclass(frozen=True)
class Printed:
    """What a function prints on a console, printed again for each width."""

    write: Callable[[Console], None]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield self.at(options.max_width)

    def at(self, width: int) -> Text:
        """What it prints at a width, with the terminal's own colours."""
        out = io.StringIO()
        self.write(
            Console(
                file=out,
                width=width,
                force_terminal=True,
                no_color=False,  # the screen leaves colours out where there are to be none
                color_system="standard",
                highlight=False,
                legacy_windows=False,
            )
        )
        return Text.from_ansi(out.getvalue().rstrip("\n"), overflow="fold")


def in_terminal_colours(text: Text) -> Text:
    """The same text, in which "yellow" is the terminal's own yellow and not that of web pages."""
    own = text.copy()
    own.style = Style.parse(text.style) if isinstance(text.style, str) else text.style
    own.spans = [
        Span(start, end, Style.parse(style) if isinstance(style, str) else style) for start, end, style in text.spans
    ]
    return own
