"""Chapter 08: attention by hand, and why the scores are scaled."""

# ANCHOR: example
import numpy as np

query = np.array([[2, 0, 0, 0], [0, 2, 0, 0], [2, 2, 0, 0]])
key = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
value = np.array([[4, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]])

scores = query @ key.T / np.sqrt(4)
mask = np.where(np.tri(3) == 1, 0, -np.inf)
exponentials = np.exp(scores + mask)
weights = exponentials / exponentials.sum(axis=-1, keepdims=True)
output = weights @ value

print("scores / 2", scores, sep="\n")
print("+ mask", scores + mask, sep="\n")
print("weights", np.round(weights, 2), sep="\n")
print("output", np.round(output, 2), sep="\n")
# ANCHOR_END: example

from book.captures import Capture

rng = np.random.default_rng(0)
queries, keys = rng.standard_normal((2, 100_000, 64))
raw = (queries * keys).sum(axis=-1)


def largest_weight(scale: float) -> float:
    """The mean of the largest of 16 weights, over many random queries."""
    many = rng.standard_normal((10_000, 64)), rng.standard_normal((10_000, 16, 64))
    scores = np.einsum("nd,nkd->nk", *many) * scale
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return float((exponentials / exponentials.sum(axis=-1, keepdims=True)).max(axis=-1).mean())


NUMBERS = {
    "variance_raw": f"{raw.var():.1f}",
    "variance_scaled": f"{(raw / 8).var():.2f}",
    "largest_raw": f"{largest_weight(1):.2f}",
    "largest_scaled": f"{largest_weight(1 / 8):.2f}",
    "scores_megabytes": f"{12 * 1024 * 1024 * 4 / 1e6:.0f}",
    "infinity_bits": f"0x{np.float32('-inf').view(np.uint32):X}",
    # With 80 bits: the sign, 15 bits of exponent, and a fraction whose 1 before the point is written too.
    "infinity_printed": f"0x{int('1' + '1' * 15 + '1' + '0' * 63, 2):X}",
}

LINE = "scores = query @ key.transpose(-1, -2) / math.sqrt(head_dim)"
CAPTURES = {
    "graph": Capture("graph 08"),
    "evaluator": Capture(module="book.examples._evaluator"),
    "not_transposed": Capture(replace=((LINE, "scores = query @ key / math.sqrt(head_dim)"),)),
    "int_length": Capture(replace=(("query.shape[-2]", "int(query.shape[-2])"),)),
    "no_scale": Capture(replace=((" / math.sqrt(head_dim)", ""),)),
    "queries_axis": Capture(replace=(("F.softmax(scores + mask)", "F.softmax(scores + mask, axis=2)"),)),
}
