"""Writes what the tool hands out as JSON, to a file or to standard output."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tutor.errors import OutputError
from tutor.files import write_atomically

# Stands for standard output in place of a file.
STDOUT = Path("-")


def check_writable(file: Path, *, overwrite: bool) -> None:
    """Sees to it, before any work is done, that a file can be written.

    Raises:
        OutputError: it cannot; the message says what to change.
    """
    if file == STDOUT:
        return
    if file.is_dir():
        raise OutputError(f"{file} is a folder: give the name of a file")
    if not file.parent.is_dir():
        raise OutputError(f"there is no folder {file.parent}: make it first")
    if file.exists() and not overwrite:
        raise OutputError(f"{file} is there already: give another name, or --overwrite")
    if not os.access(file.parent, os.W_OK):
        raise OutputError(f"{file.parent} cannot be written: give a file in another folder")


def write_json(file: Path, content: Mapping[str, object], *, overwrite: bool) -> None:
    """Writes it as a whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if file == STDOUT:
        sys.stdout.write(text)
        return
    check_writable(file, overwrite=overwrite)  # once more: the work may have taken a while
    write_atomically(file, text)
