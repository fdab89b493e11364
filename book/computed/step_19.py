"""Chapter 19: weights by hand, with a row that sees nothing; what it costs to keep them; what heads look at."""

# ANCHOR: example
import numpy as np

query = np.array([[2, 0], [0, 2], [2, 2]])  # three tokens that look
key = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])  # four that are looked at: another text
value = np.array([[8, 0], [0, 8], [4, 4], [1, 1]])
mask = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]])

scores = query @ key.T / np.sqrt(2)  # (query_len, key_len)
scores = np.where(mask == 1, scores, -np.inf)
with np.errstate(invalid="ignore"):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
softmax = exponentials / exponentials.sum(axis=-1, keepdims=True)
weights = np.where(scores == -np.inf, 0, softmax)

print("scores", np.round(scores, 2), sep="\n")
print("softmax", np.round(softmax, 2), sep="\n")
print("weights", np.round(weights, 2), sep="\n")
print("output", np.round(weights @ value, 2), sep="\n")
# ANCHOR_END: example

from book.captures import Capture  # noqa: E402

# GPT-2 small reads 1024 tokens: what it takes to keep the weights of all heads, in float32.
N_LAYER, N_HEAD, N_EMBD, SEQ_LEN = 12, 12, 768, 1024
one_layer = N_HEAD * SEQ_LEN**2 * 4

NUMBERS = {
    "parameters": f"{4 * (N_EMBD * N_EMBD + N_EMBD):,}",
    "layer_megabytes": f"{one_layer / 1e6:.0f}",
    "all_megabytes": f"{N_LAYER * one_layer / 1e6:.0f}",
    "output_megabytes": f"{SEQ_LEN * N_EMBD * 4 / 1e6:.1f}",
}

HIDE = 'F.where(visible_keys(mask, scores), scores, float("-inf"))'
ZEROS = 'F.where(scores == float("-inf"), 0.0, F.softmax(scores))'
SCENE = "JULIET:\nGood morrow, my lord.\n\nROMEO:\nGood morrow, my lady. Is it the nurse?\n"
CAPTURES = {
    "no_zeros": Capture(replace=((ZEROS, "F.softmax(scores)"),)),
    "large_number": Capture(replace=((HIDE, HIDE.replace('float("-inf")', "-1e9")),)),
    "no_check": Capture(replace=(("    check_shapes(query, key, value)\n", ""),)),
    "merge_not_turned": Capture(replace=(("attended.transpose(1, 2).reshape", "attended.reshape"),)),
    "map": Capture('attention "To be, or not to be, that is the question" --layer 2 --head 1'),
    "scene": Capture(f'attention "{SCENE}" --layer 1 --head 2'),
    "summary": Capture(f'attention "{SCENE}" --summary'),
}
