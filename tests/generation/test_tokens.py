"""Tokens as they are shown: every one can be seen."""

import pytest
from tokenizers import Tokenizer, models

from tests.support.attention_maps import WORKSPACE
from tutor.generation.checkpoint import open_checkpoint
from tutor.generation.tokens import token_text, visible_token


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
