"""Step 02 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 2)

BAND = "F.band_part(mask, num_lower=None, num_upper=num_tokens, exclude=True)"
SHAPE = "(sequence_length, Dim(sequence_length) + num_tokens)"

WRONG_FILES = (
    wrong("a transposed mask", (BAND, "F.band_part(mask, num_lower=0, num_upper=None, exclude=True)")),
    wrong(
        "a mask that is off by one: each token sees the next one",
        ("num_upper=num_tokens", "num_upper=num_tokens + 1"),
    ),
    wrong("F.band_part takes -1 as no limit", ("num_upper=num_tokens", "num_upper=num_tokens - 1")),
    # The band of a square, with room for the cache beside it: a right idea, but for the diagonal.
    wrong(
        "a mask whose diagonal is masked too",
        (SHAPE, "(sequence_length, sequence_length)"),
        (
            BAND,
            "F.concat([F.broadcast_to(Tensor(0.0, dtype=dtype, device=device), (sequence_length, num_tokens)), "
            "F.band_part(mask, num_lower=0, num_upper=None)], axis=1)",
        ),
    ),
    wrong("a mask with a large finite number, -1e+09, instead of -inf", ('float("-inf")', "-1e9")),
    wrong(
        "a mask with a large finite number, -3.4028235e+38, instead of -inf",
        ('float("-inf")', "-3.4028234663852886e38"),
    ),
    wrong("a mask that is not shifted when there is a cache", ("num_upper=num_tokens", "num_upper=0")),
    wrong(
        "an inverted mask: it hides what a token should see",
        ("num_upper=num_tokens, exclude=True", "num_upper=num_tokens"),
    ),
    wrong(
        "a mask whose band ends to the left too, as `num_lower=num_tokens` makes it",
        (
            "num_lower=None, num_upper=num_tokens, exclude=True",
            "num_lower=num_tokens, num_upper=num_tokens, exclude=True",
        ),
    ),
    wrong(
        "a mask whose band ends to the left too, as `num_lower=num_tokens` makes it",
        ("num_lower=None, num_upper=num_tokens, exclude=True", "num_lower=num_tokens, num_upper=0, exclude=True"),
    ),
    wrong(
        "No known mistake gives these numbers",
        ("num_lower=None, num_upper=num_tokens, exclude=True", "num_lower=0, num_upper=num_tokens, exclude=True"),
    ),
    wrong("The result has the wrong shape", ("Dim(sequence_length) + num_tokens)", "sequence_length)")),
    wrong(
        "The result has the wrong shape",
        (
            "(sequence_length, Dim(sequence_length) + num_tokens)",
            "(Dim(sequence_length) + num_tokens, sequence_length)",
        ),
    ),
    wrong(
        "The result has the wrong dtype",
        (("dtype=dtype, device=device)\n    mask = F.b"), ("dtype=DType.float32, device=device)\n    mask = F.b")),
    ),
    wrong(
        "No known mistake gives these numbers",
        (
            "F.band_part(mask, num_lower=None, num_upper=num_tokens, exclude=True)",
            "mask * F.band_part(mask * 0 + 1, num_lower=None, num_upper=num_tokens, exclude=True)",
        ),
    ),
)
