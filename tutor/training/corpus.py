"""The text that a model learns from, as tokens: files that the loop maps into memory, so that a text may be larger."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tutor.errors import TrainingError

END_OF_TEXT = "<|endoftext|>"

# A text is cut into tokens piece by piece, so that it need not be in memory twice.
_PIECE = 1 << 20


@dataclass(frozen=True)
class Text:
    """A text in two parts: one to learn from, and one that shows what was learned.

    Args:
        name: of its file.
        training, held_out: the parts.
    """

    name: str
    training: str
    held_out: str

    @property
    def fingerprint(self) -> str:
        """Tells one text, and one way of splitting it, from others."""
        digest = hashlib.sha256(f"{len(self.training)}\n".encode())
        for part in (self.training, self.held_out):
            digest.update(part.encode())
        return digest.hexdigest()


def read_text(file: Path, held_out: float) -> Text:
    """Reads a text file; its end is held out.

    Args:
        file: UTF-8 text.
        held_out: the part of its characters that is held out, between 0 and 1.

    Raises:
        TrainingError: the file is not there, or is not UTF-8 text.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TrainingError(
            f"{file} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}"
        ) from None
    except OSError as error:
        raise TrainingError(f"{file}: {error.strerror or error}") from None
    split = int(len(text) * (1 - held_out))
    return Text(file.name, text[:split], text[split:])


def train_tokenizer(text: str, vocab_size: int) -> Tokenizer:
    """Learns a byte-level BPE, GPT-2's own kind of tokenizer.

    Raises:
        TrainingError: the text gives fewer tokens than that.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(pieces_of(text), trainer)
    return tokenizer


def pieces_of(text: str) -> Iterator[str]:
    """Cuts a text where no token crosses: after a line that is followed by something other than white space."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        while end < len(text) and not (text[end - 1] == "\n" and not text[end].isspace()):
            end = text.find("\n", end) + 1 or len(text)
        yield text[start:end]
        start = end


def encode(text: str, tokenizer: Tokenizer, end_of_text: int | None) -> np.ndarray:
    """The ids of a text's tokens, and of the token that ends it, in as few bytes as they need."""
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
    dtype = np.min_scalar_type(largest)
    pieces = [np.array(tokenizer.encode(piece, add_special_tokens=False).ids, dtype) for piece in pieces_of(text)]
    ended = [] if end_of_text is None else [np.array([end_of_text], dtype)]
    return np.concatenate([np.empty(0, dtype), *pieces, *ended])


def stored(file: Path, tokens: np.ndarray) -> np.ndarray:
    """Writes tokens to a file, and gives them back as a map of it."""
    np.save(file, tokens)
    return np.load(file, mmap_mode="r")
