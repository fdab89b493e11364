"""Step 09 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 9)

WRONG_FILES = (
    wrong(
        "attention with the heads merged without the transpose",
        ("        x = x.transpose(1, 2)  # (batch, seq_len, n_head, head_dim)\n", ""),
    ),
    wrong(
        "attention with the weight of c_proj not transposed",
        (
            "self.c_proj(self._merge_heads(attended))",
            "self._merge_heads(attended) @ self.c_proj.weight + self.c_proj.bias",
        ),
    ),
)
