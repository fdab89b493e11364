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
    wrong("attention scaled by 1/sqrt(n_head)", ("math.sqrt(head_dim)", "math.sqrt(int(query.shape[1]))")),
    wrong("attention scaled by 1/head_dim, without the square root", ("math.sqrt(head_dim)", "head_dim")),
    wrong(
        "attention whose scores are multiplied by sqrt(head_dim)", (" / math.sqrt(head_dim)", " * math.sqrt(head_dim)")
    ),
    wrong(
        "attention with query and key swapped",
        ("scores = query @ key.transpose(-1, -2)", "scores = key @ query.transpose(-1, -2)"),
    ),
    wrong(
        "attention that compares the query with the values",
        ("scores = query @ key.transpose(-1, -2)", "scores = query @ value.transpose(-1, -2)"),
    ),
    wrong("attention that blends the keys", ("return weights @ value", "return weights @ key")),
    wrong("attention with the mask added after the softmax", ("F.softmax(scores + mask)", "F.softmax(scores) + mask")),
    wrong("attention that subtracts the mask", ("F.softmax(scores + mask)", "F.softmax(scores - mask)")),
    wrong("attention that multiplies the scores by the mask", ("F.softmax(scores + mask)", "F.softmax(scores * mask)")),
    wrong("No known mistake gives these numbers", ("F.softmax(scores + mask)", "scores + mask")),
    wrong(
        "in scaled_dot_product_attention",
        ("scores = query @ key.transpose(-1, -2)", "scores = query @ key"),
    ),
    wrong(
        "in scaled_dot_product_attention",
        ("causal_mask(query.shape[-2], 0,", "causal_mask(query.shape[-2], 1,"),
    ),
)
