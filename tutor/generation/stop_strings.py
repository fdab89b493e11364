"""Ends a stream of text at given words."""

from collections.abc import Sequence


class StopStrings:
    """Lets text through up to the first of some words, and nothing after.

    What could be the beginning of such a word is held back until more text decides.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """Takes the strings that end the text; they do not belong to it."""
        self.stopped = False
        self._stops = stops
        self._held = ""

    def add(self, piece: str) -> str:
        """Takes the next piece of text, and gives what is certain."""
        if self.stopped:
            return ""
        self._held += piece
        found = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            certain, self._held = self._held[: min(found)], ""
            return certain
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        certain, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return certain

    def rest(self) -> str:
        """What is held back when the text has ended: it belongs to the text."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are the beginning of `stop`."""
    return next((length for length in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:length])), 0)
