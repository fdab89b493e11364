"""Writes files."""

import os
import secrets
import shutil
from pathlib import Path

from tutor.errors import PictureError


def write_atomically(file: Path, content: str | bytes) -> None:
    """Writes a file as a whole or not at all.

    Whoever opens the file meanwhile finds the old content or the new one, and if writing fails, the old one stays.
    The file keeps its permissions; a new file gets the usual ones. A link stays, and what it points to is written.

    Args:
        file: its folder must exist.
        content: text is written as UTF-8, with its line ends as they are.

    Raises:
        OSError: the file cannot be written.
    """
    target = Path(os.path.realpath(file))
    # In the same folder, since a file can only be renamed within one file system.
    partial = target.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with partial.open("xb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, partial)
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def check_new_file(file: Path, *, overwrite: bool) -> None:
    """Sees to it, before any work is done, that a file can be written that a command was asked for.

    Raises:
        PictureError: it cannot; the message says what to change.
    """
    if file.is_dir():
        raise PictureError(f"{file} is a folder: give the name of a file")
    if not file.parent.is_dir():
        raise PictureError(f"there is no folder {file.parent}: make it first")
    if file.exists() and not overwrite:
        raise PictureError(f"{file} is there already: give another name, or --overwrite")
    if not os.access(file.parent, os.W_OK):
        raise PictureError(f"{file.parent} cannot be written: give a file in another folder")


def write_new_file(file: Path, content: str | bytes, *, overwrite: bool) -> None:
    """Writes a file that a command was asked for, as a whole or not at all.

    Raises:
        PictureError: it cannot be written; the message says why.
    """
    check_new_file(file, overwrite=overwrite)  # once more: making the content took a while
    try:
        write_atomically(file, content)
    except OSError as error:
        raise PictureError(f"{file} cannot be written: {error.strerror or error}") from None
