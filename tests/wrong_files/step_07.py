"""Step 07 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 7)

SPLIT = "query, key, value = F.chunk(qkv, 3, axis=-1)"

WRONG_FILES = (
    wrong("order", (SPLIT, "key, query, value = F.chunk(qkv, 3, axis=-1)")),
    wrong("A bias is missing: bias", ("3 * config.n_embd)\n\n", "3 * config.n_embd, bias=False)\n\n")),
)
