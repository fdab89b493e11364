"""Step 12 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 12)

WRONG_FILES = (wrong("final layer norm", ("return self.ln_f(x)", "return x")),)
