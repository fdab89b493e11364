"""Step 10 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 10)

WRONG_FILES = (
    wrong("residual", ("return x + self.sublayer", "return self.sublayer")),
    wrong("post-norm", ("x + self.sublayer(self.ln(x))", "self.ln(x + self.sublayer(x))")),
    wrong(
        "a step that adds to the normalised x",
        ("return x + self.sublayer(self.ln(x))", "return self.ln(x) + self.sublayer(self.ln(x))"),
    ),
    wrong(
        "a step that normalises the residual stream instead of the sublayer's input",
        ("return x + self.sublayer(self.ln(x))", "return self.ln(x) + self.sublayer(x)"),
    ),
    wrong(
        "a step that normalises the sublayer's result",
        ("return x + self.sublayer(self.ln(x))", "return x + self.ln(self.sublayer(x))"),
    ),
    wrong("a step without its layer norm", ("return x + self.sublayer(self.ln(x))", "return x + self.sublayer(x)")),
    wrong("a step without its sublayer", ("return x + self.sublayer(self.ln(x))", "return x + self.ln(x)")),
    wrong(
        "No known mistake gives these numbers",
        ("return x + self.sublayer(self.ln(x))", "return x * self.sublayer(self.ln(x))"),
    ),
    wrong("a layer norm that does not get `eps`", ("LayerNorm(dim, eps=eps)", "LayerNorm(dim)")),
)
