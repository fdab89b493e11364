"""Writes files."""

import os
import secrets
import shutil
from pathlib import Path


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
