"""Step 13 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 13)

WRONG_FILES = (wrong("lm_head.weight", ("        self.lm_head.weight = self.transformer.wte.weight\n", "")),)
