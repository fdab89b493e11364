"""Step 16 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 16)

RIGHT_FILES = (
    right(
        "the scale on the query",
        (
            ("query @ keys.transpose(-1, -2) / math.sqrt(head_dim)  # (batch, n_head, seq_len, total_len)"),
            "(query / math.sqrt(head_dim)) @ keys.transpose(2, 3)",
        ),
    ),
    right(
        "a loop with while",
        (
            ("    for _ in range(max_new_tokens):\n        if num"),
            ("    left = max_new_tokens\n    while left > 0:\n        left -= 1\n        if num"),
        ),
    ),
    right(
        "greater or equal",
        (
            "visible = F.unsqueeze(keys, 0) <= F.unsqueeze(positions, 1)",
            "visible = F.unsqueeze(positions, 1) >= F.unsqueeze(keys, 0)",
        ),
    ),
    right(
        "the last row afterwards",
        ("return self.lm_head(transformer.ln_f(x[:, -1]))", "return self.lm_head(transformer.ln_f(x)[:, -1])"),
    ),
)
