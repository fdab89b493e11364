"""Step 04 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 4)

WRONG_FILES = (
    wrong("exact GELU", (', approximate="tanh"', "")),
    wrong(
        "A bias is missing: c_fc.bias",
        ("Linear(config.n_embd, intermediate_size)", "Linear(config.n_embd, intermediate_size, bias=False)"),
    ),
    wrong("keeps its weight as [out, in]", ("x = self.c_fc(x)", "x = x @ self.c_fc.weight + self.c_fc.bias")),
)
