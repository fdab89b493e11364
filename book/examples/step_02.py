"""Chapter 02: the causal mask by hand, and what a finite number does instead of -inf."""

# ANCHOR: example
import numpy as np


def band_part(x, num_lower=None, num_upper=None, exclude=False):
    """F.band_part, spelled out in NumPy."""
    i, j = np.indices(x.shape)
    band = np.full(x.shape, True)
    if num_lower is not None:
        band &= i - j <= num_lower
    if num_upper is not None:
        band &= j - i <= num_upper
    return np.where(band == exclude, 0, x)


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


# The text of step 00: each row holds the scores of one query, for cat, sleeps and it.
scores = np.array([[0, 2, 0], [2, 0, 1], [2, 0, 1]])

mask = band_part(np.full((3, 3), -np.inf), num_upper=0, exclude=True)
print("scores + mask")
print(scores + mask)
print("weights")
print(np.round(softmax(scores + mask), 2))

print("in the cache: cat, sleeps; new: it")
for num_upper in (2, 0):
    mask = band_part(np.full((1, 3), -np.inf), num_upper=num_upper, exclude=True)
    weights = softmax(scores[2:] + mask)
    print(f"num_upper={num_upper}:", mask, "weights", np.round(weights, 2))
# ANCHOR_END: example

from book.captures import Capture
from tutor.checks.step_02 import to_bfloat16

# A row in which everything is masked, with a finite number and with -inf.
own_scores = np.array([2, 0, 1], np.float32)
with np.errstate(invalid="ignore", over="ignore"):
    all_finite = softmax(own_scores + np.float32(-1e9))
    all_infinite = softmax(own_scores + np.float32(-np.inf))
    half_minimum = np.finfo(np.float16).min
    half_sum = half_minimum + np.float16(-16)
    half_billion = np.float16(-1e9)
assert np.exp(np.float32(-104)) == 0 < np.exp(np.float32(-103))
assert np.float32(-1e9) + np.float32(31) == np.float32(-1e9)
assert np.isinf(half_sum) and np.isinf(half_billion) and np.isnan(all_infinite).all()

NUMBERS = {
    "largest_32": f"{np.finfo(np.float32).max:.1e}".replace("e+", "e"),
    "largest_16": f"{int(np.finfo(np.float16).max)}",
    "largest_b16": f"{float(to_bfloat16(np.array([3.3895e38], np.float32))[0]):.1e}".replace("e+", "e"),
    "billion_b16": f"{int(to_bfloat16(np.array([-1e9], np.float32))[0]):,}",
    "gap_32": f"{int(np.spacing(np.float32(1e9)))}",
    "all_finite": f"{all_finite[0]:.2f}, {all_finite[1]:.2f} and {all_finite[2]:.2f}",
    "looks_ahead": f"{softmax(scores[:1])[0, 1]:.2f}",
}

CAPTURES = {
    "not_shifted": Capture(replace=(("num_upper=num_tokens", "num_upper=0"),)),
    "inverted": Capture(replace=(("num_upper=num_tokens, exclude=True", "num_upper=num_tokens"),)),
    "finite": Capture(replace=(('float("-inf")', "-1e9"),)),
    "int_length": Capture(
        replace=(
            (
                "(sequence_length, Dim(sequence_length) + num_tokens)",
                "(int(sequence_length), int(sequence_length) + num_tokens)",
            ),
        )
    ),
}
