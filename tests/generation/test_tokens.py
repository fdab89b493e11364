"""Tokens as they are shown: every one can be seen."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from tests.support.attention_maps import WORKSPACE
from tutor.generation.checkpoint import open_checkpoint
from tutor.generation.tokens import TokenDecoder, token_text, visible_token


def test_every_token_of_the_checkpoint_can_be_seen():
    tokenizer = open_checkpoint(WORKSPACE.checkpoint).tokenizer
    for id_ in range(tokenizer.get_vocab_size()):
        shown = visible_token(token_text(tokenizer, id_))
        assert shown and shown.isprintable() and " " not in shown and "\ufffd" not in shown


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("Ġbe", "␣be"), ("Ċ", "⏎"), ("ĊĊ", "⏎⏎"), ("ĉ", "⇥"), ("Ã©", "é"), ("âĢ", "<0xE280>"), ("Ā", "<0x00>"),
     ("âĢĭ", "<U+200B>"), ("ÂŃ", "<U+00AD>")],
)  # fmt: skip
def test_tokens_of_bytes_are_shown_as_what_they_are(stored: str, shown: str):
    from tokenizers.decoders import ByteLevel

    tokenizer = Tokenizer(models.WordLevel({stored: 0}, unk_token=stored))
    tokenizer.decoder = ByteLevel()
    assert visible_token(token_text(tokenizer, 0)) == shown


@pytest.mark.parametrize("most", [262, 1024], ids=["mostly single bytes", "all tokens"])
def test_text_in_pieces_is_what_the_whole_decodes_to(most: int):
    """Bytes that are no character too, at the end or not."""
    tokenizer, rng = open_checkpoint(WORKSPACE.checkpoint).tokenizer, np.random.default_rng(0)
    for length in (0, 1, 2, 3, 11) * 60:
        ids = rng.integers(0, most, length).tolist()
        decoder = TokenDecoder(tokenizer)
        pieces = [decoder.add(id_) for id_ in ids]
        assert "".join(pieces) + decoder.rest() == tokenizer.decode(ids), ids
        assert decoder.rest() == ""


def test_half_a_character_at_the_end_is_shown():
    tokenizer = open_checkpoint(WORKSPACE.checkpoint).tokenizer
    half = tokenizer.encode("é").ids[:1]
    assert "\ufffd" in tokenizer.decode(half)
    decoder = TokenDecoder(tokenizer)
    assert decoder.add(half[0]) == "" and decoder.rest() == "\ufffd"
