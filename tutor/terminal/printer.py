"""What all printed text has in common. On a terminal it has colour; without one, or with NO_COLOR set, it has the same
words without it.
"""

import os

from rich.console import Console
from rich.padding import Padding
from rich.text import Text


class _Console(Console):
    """A console whose reader may go: `make s08 | head -1` has its whole verdict, and its exit status, all the same."""

    def on_broken_pipe(self) -> None:
        # Nothing more can be written, not even at exit.
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def make_console(*, stderr: bool = False) -> Console:
    """A console that wraps at the terminal's width, and at 100 columns without a terminal."""
    console = _Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else _Console(stderr=stderr, highlight=False, width=100)


class Printer:
    """Prints lines."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @property
    def _has_unicode(self) -> bool:
        """Whether the terminal can show more than ASCII."""
        return self.console.encoding.startswith("utf")

    def say(self, message: str) -> None:
        """Prints one line of plain text."""
        self._line(Text(message))

    def aside(self, message: str) -> None:
        """Prints one faint line."""
        self._line(Text(message, style="dim"))

    def note(self, message: str) -> None:
        """Prints something that one should know, in one line."""
        self._whole(Text(message, style="yellow"))

    def error(self, message: str) -> None:
        """Prints an error."""
        self._whole(Text.assemble(("error: ", "bold red"), message))

    def _whole(self, line: Text) -> None:
        """Prints a line: on a terminal wrapped between words, else whole, so that programs can read it."""
        self.console.print(line, soft_wrap=not self.console.is_terminal)

    def _headline(self, colour: str, verdict: str, title: str) -> None:
        self.console.print(Text.assemble((verdict, f"bold {colour}"), ("  ", ""), (title, "dim")))

    def _note(self, message: str) -> None:
        self._line(Text(message, style="yellow"))

    def _line(self, content: str | Text) -> None:
        self.console.print(Padding(content, (0, 0, 0, 2), expand=False))
