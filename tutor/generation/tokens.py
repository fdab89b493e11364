"""Tokens as people can read them."""

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


class TokenDecoder:
    """Makes text of tokens as they come: together, the pieces are what Hugging Face's `decode` gives.

    A character may be spread over several tokens: then the text waits for all of them.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, self._stream = tokenizer, DecodeStream(skip_special_tokens=True)
        self._ids: list[int] = []
        self._given = 0

    def add(self, id_: int) -> str:
        """Takes the next token, and gives the text that is certain."""
        text = self._stream.step(self._tokenizer, id_) or ""
        self._ids.append(id_)
        self._given += len(text)
        return text

    def rest(self) -> str:
        """What is left when no more tokens come: bytes that are no character are shown as \ufffd."""
        whole = self._tokenizer.decode(self._ids, skip_special_tokens=True)
        rest, self._given = whole[self._given :], len(whole)
        return rest


def token_text(tokenizer: Tokenizer, id_: int) -> str:
    """The text of one token; `<0xE2>` stands for bytes that are no character by themselves, or cannot be seen."""
    text = tokenizer.decode([id_], skip_special_tokens=False)
    if "\ufffd" not in text:
        return "".join(_readable(character) for character in text)
    stored = tokenizer.id_to_token(id_)
    if not all(character in _BYTES for character in stored):
        return text
    return f"<0x{''.join(f'{_BYTES[character]:02X}' for character in stored)}>"


def visible_token(text: str) -> str:
    """A token as pictures show it: its space, its new line and its tab visible."""
    return text.replace("\n", "⏎").replace(" ", "␣").replace("\t", "⇥")


def _readable(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    return f"<0x{ord(character):02X}>" if character.isascii() else f"<U+{ord(character):04X}>"


def _byte_characters() -> dict[str, int]:
    """The printable character that stands for each byte in a byte-level vocabulary, and the byte."""
    printable = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(others)}


_BYTES = _byte_characters()
