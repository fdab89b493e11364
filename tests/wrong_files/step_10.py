"""Step 10 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 10)

WRONG_FILES = (
    wrong("residual", ("return x + self.sublayer", "return self.sublayer")),
    wrong("post-norm", ("x + self.sublayer(self.ln(x))", "self.ln(x + self.sublayer(x))")),
)
