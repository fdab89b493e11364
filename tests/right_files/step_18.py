"""Step 18 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 18)

RIGHT_FILES = (
    right(
        "a product for the scale",
        (
            (
                "    scores = query @ key.transpose(-1, -2) / math.sqrt(head_dim)  # (batch, "
                "num_heads, seq_len, seq_len)\n"
            ),
            "    scores = head_dim**-0.5 * (query @ key.transpose(-1, -2))\n",
        ),
    ),
    right(
        "sizes by their index",
        (
            ("x = x.transpose(-3, -2)  # (..., seq_len, num_heads, head_dim)\n    return"),
            ("x = x.transpose(-2, -3)\n    return"),
        ),
    ),
)
