"""Ends a stream of text at given words."""

from collections.abc import Iterable, Iterator, Sequence


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Yields the text up to the first of `stops`, and nothing after.

    What could be the beginning of a stop string is held back until more text decides.

    Args:
        pieces: the text, in pieces as they come.
        stops: strings that end it; they are not part of what is yielded.
    """
    held = ""
    for piece in pieces:
        held += piece
        found = [place for stop in stops if (place := held.find(stop)) >= 0]
        if found:
            yield held[: min(found)]
            return
        keep = max((_overlap(held, stop) for stop in stops), default=0)
        yield held[: len(held) - keep]
        held = held[len(held) - keep :]
    yield held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are the beginning of `stop`."""
    return next((length for length in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:length])), 0)
