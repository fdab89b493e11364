"""Step 08 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 8)

WRONG_FILES = (
    wrong("attention without the 1/sqrt(head_dim) scale", (" / math.sqrt(head_dim)", "")),
    wrong("attention scaled by 1/sqrt(n_embd)", ("math.sqrt(head_dim)", "math.sqrt(head_dim * int(query.shape[1]))")),
    wrong(
        "attention with the softmax over the queries",
        ("F.softmax(scores + mask)", "F.softmax(scores + mask, axis=2)"),
    ),
    # MAX 26.7.0 cannot compile this one; its numbers are known before.
    wrong("the softmax over the queries", ("F.softmax(scores + mask)", "F.softmax(scores + mask, axis=-2)")),
    wrong("attention without the causal mask", ("F.softmax(scores + mask)", "F.softmax(scores)")),
)
