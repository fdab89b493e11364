"""Step 08 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 8)

RIGHT_FILES = (
    right(
        "the scale on the query",
        (
            "scores = query @ key.transpose(-1, -2) / math.sqrt(head_dim)",
            "scores = (query * head_dim**-0.5) @ key.transpose(2, 3)",
        ),
    ),
    right(
        "one expression",
        (
            ("    weights = F.softmax(scores + mask)\n    return weights @ value"),
            "    return F.matmul(F.softmax(mask + scores, axis=-1), value)",
        ),
    ),
    right(
        "softmax by hand",
        (
            "weights = F.softmax(scores + mask)",
            (
                "masked = scores + mask\n"
                "    exponentials = F.exp(masked - F.max(masked, axis=-1))\n"
                "    weights = exponentials / F.sum(exponentials, axis=-1)"
            ),
        ),
    ),
)
