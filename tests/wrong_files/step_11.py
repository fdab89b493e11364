"""Step 11 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 11)

WRONG_FILES = (
    wrong("residual", ("x = x + self.attn(self.ln_1(x))", "x = self.attn(self.ln_1(x))")),
    wrong(
        "post-norm",
        ("x = x + self.attn(self.ln_1(x))", "x = self.ln_1(x + self.attn(x))"),
        ("x = x + self.mlp(self.ln_2(x))", "x = self.ln_2(x + self.mlp(x))"),
    ),
)
