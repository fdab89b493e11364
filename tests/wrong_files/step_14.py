"""Step 14 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 14)

WRONG_FILES = (
    wrong("the logits of the first position", ("logits[0, -1]", "logits[0, 0]")),
    wrong("The temperature is multiplied", ("logits.max()) / temperature", "logits.max()) * temperature")),
    wrong(
        "A new random generator for each token",
        (
            "ids[-n_positions:], temperature=temperature, top_k=top_k, top_p=top_p, rng=rng",
            "ids[-n_positions:], temperature=temperature, top_k=top_k, top_p=top_p, rng=np.random.default_rng(seed)",
        ),
    ),
)
