"""How the judge and the process with the learner's code talk: messages of plain data, and nothing else.

A message is a JSON object, with arrays as raw bytes behind it. Nothing that is read can run code, as a pickle
could: the process at the other end is not trusted.
"""

import json
import math
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

# What a message can hold. Tuples stay tuples, and ints stay ints: 64 is not 64.0.
Plain: TypeAlias = (
    "bool | int | float | str | bytes | np.ndarray | Foreign | Sequence[Plain] | Mapping[str, Plain] | None"
)

T = TypeVar("T")

_LENGTH = struct.Struct("<Q")
_DTYPES = frozenset(
    f"{kind}{bits}"
    for kind, widths in {"int": (8, 16, 32, 64), "uint": (8, 16, 32, 64), "float": (16, 32, 64)}.items()
    for bits in widths
) | {"bool"}
_MOST_BYTES = 4 << 30


class Message(dict[str, "Plain"]):
    """A message: what is asked for by name must be there, and of its type.

    Its methods raise a WireError if it is not.
    """

    def text(self, name: str) -> str:
        """A string."""
        return self._of(name, str)

    def number(self, name: str) -> int:
        """An int."""
        return self._of(name, int)

    def flag(self, name: str) -> bool:
        """True or False."""
        return self._of(name, bool)

    def data(self, name: str) -> bytes:
        """Bytes."""
        return self._of(name, bytes)

    def numbers(self, name: str) -> list[int]:
        """A list of ints."""
        return [number for number in self._of(name, list) if isinstance(number, int)]

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        return [text for text in self._of(name, list) if isinstance(text, str)]

    def arrays(self, name: str) -> list[np.ndarray]:
        """A list of arrays."""
        return [array for array in self._of(name, list) if isinstance(array, np.ndarray)]

    def arrays_by_name(self, name: str) -> dict[str, np.ndarray]:
        """Arrays by name."""
        return {key: array for key, array in self._of(name, dict).items() if isinstance(array, np.ndarray)}

    def message(self, name: str) -> "Message":
        """A message inside of this one."""
        return Message(self._of(name, dict))

    def _of(self, name: str, type_: type[T]) -> T:
        value = self.get(name)
        if not isinstance(value, type_):
            raise WireError(f"what came has no {name} of type {type_.__name__}")
        return value


class WireError(Exception):
    """What came is not a message: something else wrote into the connection, or it was closed."""


@dataclass(frozen=True)
class Foreign:
    """Stands for a value that cannot be sent: it equals nothing, and prints as the value did."""

    text: str

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text


class Connection:
    """One end of a connection between two processes."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: Mapping[str, object]) -> None:
        """Sends a message; what cannot be sent in it arrives as a `Foreign`.

        Raises:
            WireError: the other process has gone.
        """
        blobs: list[bytes] = []
        header = json.dumps([_encode(message, blobs), [len(blob) for blob in blobs]]).encode()
        try:
            self._end.sendall(_LENGTH.pack(len(header)) + header)
            for blob in blobs:
                self._end.sendall(blob)
        except OSError as error:
            raise WireError(f"the other process has gone ({error})") from None

    def receive(self) -> Message:
        """Waits for a message.

        Raises:
            WireError: what came is no message, or the other process has gone.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        try:
            content, lengths = json.loads(self._read(length))
            message = _decode(content, [self._read(int(size)) for size in lengths])
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise WireError(f"what came is no message ({error})") from None
        if not isinstance(message, dict):
            raise WireError("what came is no message")
        return Message(message)

    def close(self) -> None:
        """Hangs up."""
        self._end.close()

    def _read(self, size: int) -> bytes:
        if not 0 <= size <= _MOST_BYTES:
            raise WireError("what came is no message")
        parts, left = [], size
        while left:
            try:
                part = self._end.recv(min(left, 1 << 20))
            except OSError as error:
                raise WireError(f"the other process has gone ({error})") from None
            if not part:
                raise WireError("the other process has gone")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def _encode(value: object, blobs: list[bytes]) -> object:
    """A value as JSON: itself where JSON keeps its type, else a list of a tag and its content."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else ["float", repr(value)]
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return [type(value).__name__, *(_encode(part, blobs) for part in value)]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _encode(part, blobs) for key, part in value.items()}
    if type(value) is bytes:
        blobs.append(value)
        return ["bytes", len(blobs) - 1]
    if type(value) is np.ndarray and value.dtype.name in _DTYPES:
        blobs.append(np.ascontiguousarray(value).tobytes())
        return ["array", value.dtype.name, list(value.shape), len(blobs) - 1]
    return ["foreign", _described(value)]


def _described(value: object) -> str:
    try:
        return repr(value)[:500]
    except Exception as error:  # a learner's own __repr__ may raise anything
        return f"a {type(value).__name__} whose repr raises {type(error).__name__}"


def _decode(value: object, blobs: Sequence[bytes]) -> Plain:
    if isinstance(value, dict):
        return {str(key): _decode(part, blobs) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    match value:
        case ["float", text]:
            return float(text)
        case ["bytes", index]:
            return blobs[index]
        case ["array", name, shape, index] if name in _DTYPES:
            return np.frombuffer(blobs[index], name).reshape(shape).copy()
        case ["foreign", text]:
            return Foreign(str(text))
        case ["list", *parts]:
            return [_decode(part, blobs) for part in parts]
        case ["tuple", *parts]:
            return tuple(_decode(part, blobs) for part in parts)
    raise ValueError("an unknown kind of value")
