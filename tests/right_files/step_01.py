"""Step 01 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 1)

RIGHT_FILES = (
    right(
        "a walrus",
        (
            ("            size = getattr(self, name)\n            if size is not None and size <= 0:"),
            "            if (size := getattr(self, name)) is not None and size < 1:",
        ),
    ),
    right("divmod", ("if self.n_embd % self.n_head:", "if divmod(self.n_embd, self.n_head)[1] != 0:")),
    right(
        "an early return",
        (
            "        return 4 * self.n_embd if self.n_inner is None else self.n_inner",
            ("        if self.n_inner is not None:\n            return self.n_inner\n        return self.n_embd * 4"),
        ),
    ),
)
