"""Step 15 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 15)

WRONG_FILES = (
    wrong(
        "transpose all four kinds in CONV1D",
        ("        if name.endswith(CONV1D):\n", "        if array.shape != shapes[name]:\n"),
    ),
    wrong("`attn.c_attn.bias` is a real bias", ('(".attn.bias", ".attn.masked_bias")', '("attn.bias", "c_attn.bias")')),
    wrong(
        "a parameter that two keys set raises an error",
        ("        if name in weights:\n", "        if name in shapes and False:\n"),
    ),
    wrong(
        "Do not copy: give both names the same array",
        ('= weights["transformer.wte.weight"]', '= weights["transformer.wte.weight"].copy()'),
    ),
)
