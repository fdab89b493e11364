"""Stand-ins for a compiled model, for the checks of the loops around it: steps 14, 16 and 17.

What a stand-in says depends on the last token alone: a table has one row of logits for each token. The table is
drawn for each check, so that what a loop must give is known to nobody before.
"""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from tutor.checking.spec import MisuseError

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

VOCAB_SIZE = 11


@dataclass(frozen=True)
class Table:
    """The logits that follow each token: (VOCAB_SIZE, VOCAB_SIZE)."""

    logits: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Table":
        """Draws a table."""
        return cls((1.5 * rng.normal(size=(VOCAB_SIZE, VOCAB_SIZE))).astype(np.float32))

    def exchanged(self, one: int, other: int) -> "Table":
        """The same table with two tokens' names exchanged."""
        order = np.arange(VOCAB_SIZE)
        order[[one, other]] = other, one
        return Table(self.logits[order][:, order])

    def best(self, token: int) -> int:
        """The token that most likely follows."""
        return int(self.logits[token].argmax())

    def chain(self, token: int, length: int) -> list[int]:
        """What follows a token, when the most likely token is always taken."""
        tokens: list[int] = []
        while len(tokens) < length:
            token = self.best(token)
            tokens.append(token)
        return tokens


def exchanged(tokens: list[int], one: int, other: int) -> list[int]:
    """Tokens with two names exchanged, as `Table.exchanged` does it."""
    return [other if token == one else one if token == other else token for token in tokens]


def until(tokens: list[int], end: int) -> list[int]:
    """Tokens up to the first `end`, and all of them if there is none."""
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens


class StandIn:
    """Takes the place of a compiled model, and keeps what it was called with.

    Args:
        table: what it says.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self.seen: list[np.ndarray] = []

    def __getattr__(self, name: str) -> NoReturn:
        raise _has_no(self, name)

    def __call__(self, *arguments: object) -> "Tensor":
        """Ids (1, seq_len) to logits (1, seq_len, vocab_size).

        Raises:
            MisuseError: what came is something else; the message says what should have come.
        """
        from max.experimental.tensor import Tensor

        if len(arguments) != 1:
            raise MisuseError(f"the model got {_counted(arguments)}", "give it the ids and nothing else")
        ids = read_ids(arguments[0])
        self.seen.append(ids)
        return Tensor.from_dlpack(self._table.logits[ids])


# What stands for the caches: a stand-in has no use for them.
CACHES = ("the keys", "the values")


class CachedStandIn:
    """Takes the place of a compiled model with caches, and keeps what it was called with.

    Args:
        table: what it says.
        batched: it also gets the column in which each row starts, as in step 17.
    """

    def __init__(self, table: Table, *, batched: bool = False) -> None:
        self._table, self._batched = table, batched
        self.seen: list[np.ndarray] = []
        self.num_tokens: list[int] = []
        self.starts: list[list[int]] = []
        self.caches: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> NoReturn:
        raise _has_no(self, name)

    def __call__(self, *arguments: object) -> "Tensor":
        """Ids (batch, seq_len) and what is beside them to logits (batch, vocab_size).

        Raises:
            MisuseError: what came is something else; the message says what should have come.
        """
        from max.experimental.tensor import Tensor

        wanted = ["the ids", "num_tokens", *(["the starts"] if self._batched else [])]
        if len(arguments) != len(wanted) + len(CACHES):
            told = f"{', '.join(wanted)} and then the {len(CACHES)} caches, one by one: `*caches`"
            raise MisuseError(f"the model got {_counted(arguments)}", f"give it {told}")
        ids, num_tokens, *rest = arguments
        ids = read_ids(ids)
        self.seen.append(ids)
        self.num_tokens.append(int(_read("num_tokens", num_tokens, (), "np.array(num_tokens)")))
        if self._batched:
            starts, *rest = rest
            self.starts.append(_read("the starts", starts, (len(ids),), "starts").tolist())
        self.caches.append(tuple(rest))
        return Tensor.from_dlpack(self._table.logits[ids[:, -1]])


def _counted(arguments: Sequence[object]) -> str:
    return "1 argument" if len(arguments) == 1 else f"{len(arguments)} arguments"


def _has_no(model: object, name: str) -> AttributeError:
    """What is raised for an attribute of a model: all that the step uses of it is that it can be called."""
    return AttributeError(f"the model has no `{name}`: call the model itself, `model(…)`", name=name, obj=model)


@contextmanager
def watched(module: ModuleType) -> Iterator[None]:
    """Lets `choose_token` of a step be called, from inside the step, with nothing but what it should get.

    Raises:
        MisuseError: it got something else; the message says what should have come.
    """
    choose_token = module.choose_token

    @functools.wraps(choose_token)
    def checked(*logits: object, **settings: object) -> object:
        return (
            choose_token(row_of_logits(logits[0], "`choose_token`"), *logits[1:], **settings)
            if logits
            else choose_token(**settings)
        )

    module.choose_token = checked  # type: ignore[attr-defined]
    try:
        yield
    finally:
        module.choose_token = choose_token  # type: ignore[attr-defined]


def as_token(token: object) -> object:
    """A token as a plain int, if it is any kind of integer."""
    return int(token) if isinstance(token, int | np.integer) and not isinstance(token, bool) else token


def row_of_logits(logits: object, chooser: str = "`choose`") -> np.ndarray:
    """What `choose` is given, if it is what it should be.

    Raises:
        MisuseError: it is something else; the message says what should have come.
    """
    told = f"give it the logits of one row, an array of shape ({VOCAB_SIZE},)"
    if isinstance(logits, np.generic):
        raise MisuseError(f"{chooser} got a single logit", told)
    if not isinstance(logits, np.ndarray):
        raise MisuseError(f"{chooser} got {_a(type(logits).__name__)}", f"{told}: `.to_numpy()`")
    if logits.shape != (VOCAB_SIZE,):
        raise MisuseError(f"{chooser} got logits of shape {logits.shape}", told)
    return logits


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' or name == 'ndarray' else 'a'} {name}"


def read_ids(value: object) -> np.ndarray:
    """The ids that a stand-in was given, int64 (batch, seq_len).

    Raises:
        MisuseError: it was given something else.
    """
    ids = _read("ids", value, (None, None), "np.array([input_ids], dtype=np.int64)")
    if not ids.size:
        raise MisuseError("the model got no tokens at all", "it needs at least one")
    if ids.min() < 0 or ids.max() >= VOCAB_SIZE:
        raise MisuseError(
            f"the model got a token that is not in its vocabulary: {ids.tolist()}",
            f"a token is a number from 0 to {VOCAB_SIZE - 1}",
        )
    return ids


def _read(what: str, value: object, shape: tuple[int | None, ...], example: str) -> np.ndarray:
    """The array of an argument, if it is an int64 tensor of this shape; None stands for any size."""
    from max.experimental.tensor import Tensor

    told = f"give it `Tensor.from_dlpack({example})`"
    if not isinstance(value, Tensor):
        raise MisuseError(f"the model got {_a(type(value).__name__)} for {what}", told)
    array = np.array(value.to_numpy())  # a copy: the code may go on writing into its own
    if array.dtype != np.int64:
        raise MisuseError(f"the model got {what} of dtype {array.dtype}, not int64", told)
    if array.ndim != len(shape) or any(size not in (None, got) for size, got in zip(shape, array.shape, strict=True)):
        raise MisuseError(f"the model got {what} of shape {array.shape}", told)
    return array
