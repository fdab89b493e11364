"""Step 01 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 1)

WRONG_FILES = (
    wrong("`vocab_size` in", ("size <= 0", "size < 0")),
    wrong("Not right yet: the error that", ("size <= 0", "size <= 1")),
    wrong("`vocab_size` in", ("if size is not None and size <= 0:", "if size is not None and not size:")),
    wrong(
        "must be divisible by n_head",
        ("if self.n_embd % self.n_head:", "if self.n_head % self.n_embd:"),
    ),
    wrong("Compare", ("if self.n_embd % self.n_head:", "if self.n_embd < self.n_head:")),
    wrong("Divide with", ("return self.n_embd // self.n_head", "return self.n_embd / self.n_head")),
    wrong("`head_dim` is a property: n_embd // n_head.", ("return self.n_embd // self.n_head", "return self.n_head")),
    wrong(
        "Not right yet", ("return 4 * self.n_embd if self.n_inner is None else self.n_inner", "return 4 * self.n_embd")
    ),
    wrong("If", ("return 4 * self.n_embd if self.n_inner is None else self.n_inner", "return self.n_inner")),
    wrong("Raise a", ("must be divisible by n_head ({self.n_head})", "must be divisible by n_head {self.n_head}")),
    wrong("`n_inner` in", ('"n_layer", "n_head", "n_inner"):', '"n_layer", "n_head"):')),
    wrong(
        "Raise a",
        (
            'raise ValueError(f"{name} ({size}) must be greater than 0")',
            'raise AssertionError(f"{name} ({size}) must be greater than 0")',
        ),
    ),
    wrong("Leave", ("n_inner: int | None = None", "n_inner: int | None = 3072")),
    wrong(
        "Raise a",
        (
            'raise ValueError(f"{name} ({size}) must be greater than 0")',
            'raise ValueError("sizes must be greater than 0")',
        ),
    ),
)
