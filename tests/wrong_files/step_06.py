"""Step 06 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 6)

WRONG_FILES = (wrong("positions that start at 1", ("F.arange(0, seq_len, ", "1 + F.arange(0, seq_len, ")),)
