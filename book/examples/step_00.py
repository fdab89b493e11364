"""Chapter 00: attention over a growing cache by hand, and why softmax subtracts the largest score."""

# ANCHOR: example
import numpy as np

# Query, key and value of three tokens, made up by hand. The head_dim is 4.
text = {
    "cat": ([0, 2, 0, 0], [2, 0, 0, 0], [10, 0, 0, 0]),
    "sleeps": ([2, 0, 0, 0], [0, 2, 0, 0], [0, 10, 0, 0]),
    "it": ([2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 10, 0]),
}

keys, values = [], []  # the cache
for token, (query, key, value) in text.items():
    keys.append(key)
    values.append(value)
    # One dot product for each key so far, divided by the root of head_dim.
    scores = np.array(keys) @ query / np.sqrt(4)
    exponentials = np.exp(scores)
    weights = exponentials / exponentials.sum()
    # The sum of the values, each multiplied by its weight.
    output = weights @ values
    print(token)
    print("  scores ", np.round(scores, 2))
    print("  weights", np.round(weights, 2))
    print("  output ", np.round(output, 2))
# ANCHOR_END: example

import math
import sys

from book.captures import Capture

# The keys and values of one token in all layers of GPT-2 small, as 4-byte numbers.
BYTES_PER_TOKEN = 2 * 12 * 768 * 4

NUMBERS = {
    "largest_float": f"{sys.float_info.max:.1e}".replace("e+", "e"),
    "exp_709": f"{math.exp(709):.1e}".replace("e+", "e"),
    "cache_bytes": f"{BYTES_PER_TOKEN:,}",
    "cache_megabytes": f"{1024 * BYTES_PER_TOKEN / 1e6:.0f}",
    "scores_1024": f"{sum(range(1, 1025)):,}",
}

APPENDS = """            keys[head].append(key[piece])
            values[head].append(value[piece])
"""
FILL_FIRST = """    for x in xs:
        for head, piece in enumerate(pieces):
            keys[head].append(multiply(wk, x)[piece])
            values[head].append(multiply(wv, x)[piece])
    outputs = []
"""
# The end of the first function, as it comes and with task 1 done.
UNFILLED = """    raise NotImplementedError(
        "step 00, task 1: softmax: turn scores into positive weights that sum to 1"
    )
"""
TASK_1 = """    largest = max(scores)
    exponentials = [math.exp(score - largest) for score in scores]
    total = sum(exponentials)
    return [exponential / total for exponential in exponentials]
"""
CAPTURES = {
    "task_1": Capture(skeleton=True, replace=((UNFILLED, TASK_1),)),
    "overflow": Capture(replace=(("[math.exp(score - largest) for score in scores]", "list(map(math.exp, scores))"),)),
    "one_list": Capture(
        replace=(
            ("keys: list[list[Vector]] = [[] for _ in pieces]", "keys: list[list[Vector]] = [[]] * n_head"),
            ("values: list[list[Vector]] = [[] for _ in pieces]", "values: list[list[Vector]] = [[]] * n_head"),
        )
    ),
    "all_first": Capture(replace=(("    outputs = []\n", FILL_FIRST), (APPENDS, ""))),
    "nested": Capture(
        replace=(
            (
                "output += attend(query[piece], keys[head], values[head])",
                "output.append(attend(query[piece], keys[head], values[head]))",
            ),
        )
    ),
}
