"""Step 09 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 9)

RIGHT_FILES = (
    right(
        "permute",
        ("return x.transpose(1, 2)  # (batch, n_head, seq_len, head_dim)", "return F.permute(x, [0, 2, 1, 3])"),
        ("from max.experimental.nn", ("from max.experimental import functional as F\nfrom max.experimental.nn")),
    ),
    right(
        "a loop in place of a generator",
        (
            "query, key, value = (self._split_heads(projected) for projected in self.c_attn(x))",
            (
                "query, key, value = self.c_attn(x)\n"
                "        query, key, value = map(self._split_heads, [query, key, value])"
            ),
        ),
    ),
    right(
        "sizes by their index",
        (
            (
                "        batch, _, seq_len, _ = x.shape\n"
                "        x = x.transpose(1, 2)  # (batch, seq_len, n_head, head_dim)\n"
                "        return x.reshape([batch, seq_len, self.n_head * self.head_dim])"
            ),
            (
                "        joined = self.n_head * self.head_dim\n"
                "        return x.transpose(1, 2).reshape([x.shape[0], x.shape[2], joined])"
            ),
        ),
    ),
)
