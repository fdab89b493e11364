"""Reads prompts from a file, one a line, and writes their continuations."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from tutor.errors import PromptError
from tutor.generation.model import TextChunk

# Stands between the texts of several prompts.
SEPARATOR = "---"


def read_prompts(name: str) -> list[tuple[str, str]]:
    """Reads prompts, one a line; empty lines are left out.

    Args:
        name: a file, or "-" for what comes on stdin.

    Returns:
        For each prompt, what to call it in a message, and the prompt.

    Raises:
        PromptError: there is no prompt, or a line is not UTF-8 text.
    """
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    called = "stdin" if name == "-" else name
    prompts = []
    for number, line in enumerate(content.splitlines(), start=1):
        where = f"line {number} of {called}"
        try:
            text = line.decode("utf-8").lstrip("\ufeff")
        except UnicodeDecodeError:
            raise PromptError(f"{where} is not UTF-8 text") from None
        if text.strip():
            prompts.append((where, text))
    if not prompts:
        raise PromptError(f"{called} has no prompts: write one on each line")
    return prompts


def write_text(pieces: Iterable[TextChunk], prompts: Sequence[str], *, echo: bool, out: TextIO) -> None:
    """Writes the texts in the order of the prompts, each as it comes, once those before it have ended."""
    texts = [prompt if echo else "" for prompt in prompts]
    ended: set[int] = set()
    shown = 0
    for piece in pieces:
        texts[piece.row] += piece.text
        if piece.last:
            ended.add(piece.row)
        while shown < len(prompts):
            out.write(texts[shown])
            texts[shown] = ""
            if shown not in ended:
                break
            shown += 1
            out.write("\n" if shown == len(prompts) else f"\n{SEPARATOR}\n")
        out.flush()


def write_json(pieces: Iterable[TextChunk], prompts: Sequence[str], *, out: TextIO) -> None:
    """Writes a line of JSON for each prompt as soon as its text has ended."""
    texts = [""] * len(prompts)
    for piece in pieces:
        texts[piece.row] += piece.text
        if piece.last:
            line = {"prompt": piece.row, "text": prompts[piece.row], "continuation": texts[piece.row]}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            out.flush()
