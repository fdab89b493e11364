"""Chapter 25: where windows can begin, and what the record of the shipped model says."""

# ANCHOR: example
import numpy as np

tokens = np.array([10, 11, 12, 13, 14, 15, 16])
seq_len = 4

for start in range(len(tokens) - seq_len):  # every place where a window fits
    window = tokens[start : start + seq_len + 1]
    print(f"start {start}  ids {window[:-1]}  targets {window[1:]}")

for step in range(2):  # the same seed and step always give the same windows
    print(f"step {step}", [int(np.random.default_rng([7, step]).integers(3)) for _ in range(2)])
# ANCHOR_END: example

import json

from book.captures import Capture
from tutor.learner.workspace import REPOSITORY

record = json.loads((REPOSITORY / "checkpoints/shakespeare/training.json").read_text(encoding="utf-8"))
windows = record["steps_run"] * record["batch"] * 256 / record["train_tokens"]

NUMBERS = {
    "parameters": f"{record['parameters']:,}",
    "train_tokens": f"{record['train_tokens']:,}",
    "ratio": f"{record['parameters'] / record['train_tokens']:.1f}",
    "epochs": f"{windows:.0f}",
    "train_loss": f"{record['train_loss']:.2f}",
    "held_out_loss": f"{record['held_out_loss']:.2f}",
    "gap": f"{record['held_out_loss'] - record['train_loss']:.2f}",
    "half_way": f"{record['history'][len(record['history']) // 2]['held_out_loss']:.2f}",
}

STARTS = "starts = rng.integers(len(tokens) - seq_len, size=batch_size)"
CAPTURES = {
    "last_window": Capture(replace=((STARTS, STARTS.replace("- seq_len,", "- seq_len - 1,")),)),
    "not_cleared": Capture(replace=(("    for total in totals.values():\n        clear(total)\n", ""),)),
    "one_generator": Capture(
        replace=(
            (
                "rng, loss = np.random.default_rng([config.seed, step]), 0.0",
                "rng, loss = np.random.default_rng(config.seed), 0.0",
            ),
        )
    ),
    "mean_of_means": Capture(replace=(("* places.size", "* length"),)),
    "view": Capture(
        replace=(
            (
                "np.ascontiguousarray(array.T if name.endswith(CONV1D) else array)",
                "array.T if name.endswith(CONV1D) else array",
            ),
        )
    ),
}
