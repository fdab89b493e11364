"""Step 25 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 25)

RIGHT_FILES = (
    right(
        "windows by one index",
        (
            "windows = np.stack([tokens[start : start + seq_len + 1] for start in starts]).astype(np.int64)",
            "windows = np.asarray(tokens)[starts[:, None] + np.arange(seq_len + 1)].astype(np.int64)",
        ),
    ),
    right(
        "windows drawn by choice",
        (
            "starts = rng.integers(len(tokens) - seq_len, size=batch_size)",
            "starts = rng.choice(np.arange(len(tokens) - seq_len), size=batch_size)",
        ),
    ),
    right(
        "windows one at a time",
        (
            "pieces = [(start, min(start + batch_size, whole), seq_len) for start in range(0, whole, batch_size)]\n",
            "pieces = [(start, start + 1, seq_len) for start in range(whole)]\n",
        ),
    ),
    right(
        "a list of losses",
        (
            "rng, loss = np.random.default_rng([config.seed, step]), 0.0",
            "rng, losses = np.random.default_rng([config.seed, step]), []",
        ),
        (
            "loss += trainer.accumulate(input_ids, targets, 1 / config.accumulate) / config.accumulate",
            "losses.append(trainer.accumulate(input_ids, targets, config.accumulate**-1))",
        ),
        ("yield step, loss, trainer", "yield step, sum(losses) / len(losses), trainer"),
    ),
)
