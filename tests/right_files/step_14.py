"""Step 14 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 14)

RIGHT_FILES = (
    right(
        "Gumbel noise",
        (
            "return int(rng.choice(logits.size, p=probabilities))",
            (
                'with np.errstate(divide="ignore"):\n'
                "        return int(np.argmax(np.log(probabilities) + rng.gumbel(size=logits.size)))"
            ),
        ),
    ),
    right(
        "the inverse of the distribution",
        (
            "return int(rng.choice(logits.size, p=probabilities))",
            ('return int(np.searchsorted(np.cumsum(probabilities), rng.random() * probabilities.sum(), side="right"))'),
        ),
    ),
    right(
        "sorting for top-k",
        ("kth_largest = np.partition(logits, -top_k)[-top_k]", "kth_largest = sorted(logits)[-top_k]"),
    ),
    right(
        "a loop with while",
        (
            ("    for _ in range(max_new_tokens):\n        token"),
            ("    while len(ids) < len(input_ids) + max_new_tokens:\n        token"),
        ),
    ),
)
