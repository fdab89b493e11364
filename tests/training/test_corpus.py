"""A text becomes the same tokens, however it is cut into pieces."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import REPOSITORY
from tutor.training import corpus

TOKENIZER = open_checkpoint(REPOSITORY / "checkpoints" / "shakespeare").tokenizer


@settings(max_examples=60)
@given(st.text(alphabet="ab \n\té.", max_size=60), st.integers(1, 9))
def test_pieces_do_not_change_the_tokens(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "_PIECE", size)
        pieces = list(corpus.pieces_of(text))
        assert "".join(pieces) == text and all(pieces)
        tokens = corpus.encode(text, TOKENIZER, 0)
    assert tokens.tolist() == [*TOKENIZER.encode(text).ids, 0] and tokens.dtype == np.uint16


def test_the_end_of_a_text_is_held_out(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("0123456789" * 10)
    text = corpus.read_text(file, 0.1)
    assert (len(text.training), text.held_out, text.name) == (90, "0123456789", "text.txt")
    assert text.fingerprint != corpus.read_text(file, 0.2).fingerprint


def test_a_tokenizer_learns_from_the_training_part_alone() -> None:
    learned = corpus.train_tokenizer("abab " * 200, 300)
    assert learned.decode(learned.encode("abab naïve\n").ids) == "abab naïve\n"
    assert len(learned.encode("abab").ids) < 4 and learned.token_to_id(corpus.END_OF_TEXT) == 0


def test_stored_tokens_are_a_map_of_their_file(tmp_path: Path) -> None:
    tokens = corpus.stored(tmp_path / "tokens.npy", np.arange(7, dtype=np.uint16))
    assert isinstance(tokens, np.memmap) and tokens.tolist() == list(range(7))
