"""Shows that something takes time."""

import time
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text


class Waiting:
    """One line that says what is going on, and for how long already; it goes away at the end.

    Only a terminal shows it. Without one, what takes long is told once, in a plain line that stays.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status(self, console=console) if console.is_terminal else None
        self._doing = ""
        self._note = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._status is not None:
            self._status.stop()

    def begin(self, doing: str, *, note: str = "", brief: bool = False) -> None:
        """Begins to count the seconds of something.

        Args:
            doing: what is going on: "compiling the model with MAX".
            note: how long it may take, or how often it happens.
            brief: it takes a moment only: nothing is told of it without a terminal.
        """
        self._doing, self._note, self._began = doing, note, time.monotonic()
        if self._status is not None:
            self._status.start()
        elif not brief:
            self._console.print(Text(doing + (f" ({note})" if note else "")), soft_wrap=True)

    def begin_model(self, count: int) -> None:
        """Begins to count the seconds of compiling a model; `count` is the number of its graphs."""
        self.begin("compiling the model with MAX", note="about a minute, once")

    def update(self, doing: str) -> None:
        """Changes the words, to say how far it has come. The seconds count on."""
        self._doing = doing

    def __rich__(self) -> Text:
        """The line as it is now."""
        seconds = int(time.monotonic() - self._began)
        note = (f" ({self._note})", "dim") if self._note else ""
        return Text.assemble(self._doing, f", {duration(seconds)}" if seconds else "", note)


def duration(seconds: int) -> str:
    """A time as people say it: "59 s", "1 min 05 s"."""
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
