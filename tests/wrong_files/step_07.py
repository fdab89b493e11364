"""Step 07 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 7)

SPLIT = "query, key, value = F.chunk(qkv, 3, axis=-1)"

WRONG_FILES = (
    wrong("order", (SPLIT, "key, query, value = F.chunk(qkv, 3, axis=-1)")),
    wrong("A bias is missing: bias", ("3 * config.n_embd)\n\n", "3 * config.n_embd, bias=False)\n\n")),
    wrong(
        "in forward",
        ("return query, key, value", "return query / (query.shape[-1] // 3) ** 0.5, key, value"),
    ),
    wrong(
        "a projection that scales the query by 1/sqrt(head_dim)",
        ("return query, key, value", "return query / 12**0.5, key, value"),
    ),
    wrong(
        "a split of q, k and v in the wrong order: key, query, value",
        ("return query, key, value", "return key, query, value"),
    ),
    wrong(
        "a split of q, k and v in the wrong order: query, value, key",
        ("return query, key, value", "return query, value, key"),
    ),
    wrong(
        "in forward",
        ("F.chunk(qkv, 3, axis=-1)", "F.chunk(qkv, 3, axis=1)"),
    ),
    wrong("a projection without its bias", ("qkv = super().forward(x)", "qkv = x @ self.weight.T")),
    wrong(
        "These parameters have the wrong shape: weight, bias",
        ("super().__init__(config.n_embd, 3 * config.n_embd)", "super().__init__(3 * config.n_embd, config.n_embd)"),
    ),
)
