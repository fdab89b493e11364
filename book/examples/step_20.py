"""Chapter 20: the loss of one token by hand, its gradient, and the loss of a model that has learned nothing."""

# ANCHOR: example
import numpy as np

logits = np.array([0.0, 0.0, 2.0])  # three tokens; the last one is the target
target = np.array([0.0, 0.0, 1.0])  # one-hot


def loss_of(logits):
    probabilities = np.exp(logits) / np.exp(logits).sum()
    return -np.log(probabilities[2]), probabilities


loss, probabilities = loss_of(logits)
gradient = probabilities - target
print("probabilities", np.round(probabilities, 3))
print("loss         ", np.round(loss, 3))
print("gradient     ", np.round(gradient, 3))

for index in range(3):  # move each logit a little, and see how the loss changes
    moved = logits.copy()
    moved[index] += 0.001
    print(f"logit {index} + 0.001: the loss changes by {loss_of(moved)[0] - loss:+.6f}")
# ANCHOR_END: example

import json

from book.captures import Capture
from tutor.checks.numpy import gpt2
from tutor.checks.numpy import loss as numpy_loss
from tutor.learner.workspace import REPOSITORY
from tutor.training.fresh import initial_weights

# A model of the shipped size that has learned nothing, on random tokens.
settings = {"vocab_size": 1024, "n_positions": 256, "n_embd": 192, "n_layer": 4, "n_head": 6}
ids = np.random.default_rng(0).integers(1024, size=(2, 129))
weights = {name: array.astype(np.float64) for name, array in initial_weights(settings, seed=0).items()}
untrained = gpt2.language_model(ids[:, :-1], weights, n_head=6, n_layer=4, eps=1e-5)
at_start = float(numpy_loss.cross_entropy(untrained, ids[:, 1:]))
record = json.loads((REPOSITORY / "checkpoints/shakespeare/training.json").read_text(encoding="utf-8"))
held_out = record["held_out_loss"]

NUMBERS = {
    "loss": f"{loss:.3f}",
    "probability": f"{probabilities[2]:.3f}",
    "others": f"{probabilities[0]:.3f}",
    "at_start": f"{at_start:.2f}",
    "log_vocab": f"{np.log(1024):.2f}",
    "log_gpt2": f"{np.log(50257):.2f}",
    "held_out": f"{held_out:.2f}",
    "perplexity": f"{np.exp(held_out):.0f}",
    "held_out_bits": f"{held_out / np.log(2):.2f}",
    "per_character": f"{record['held_out_nats_per_character'] / np.log(2):.2f}",
    "half": f"{np.log(2):.2f}",
}

SHARE = "share = counted / F.sum(F.flatten(counted))"
CAPTURES = {
    "task_1": Capture(
        skeleton=True,
        replace=(
            (
                "    raise NotImplementedError(\n"
                '        "step 20, task 1: next_token_targets: move every token one place to the left, '
                'and end each row with IGNORE_INDEX"\n    )\n',
                "    batch, _ = input_ids.shape\n"
                "    nothing = F.full([batch, 1], IGNORE_INDEX, dtype=DType.int64, device=input_ids.device)\n"
                "    return F.concat([input_ids[:, 1:], nothing], axis=1)\n",
            ),
        ),
    ),
    "not_shifted": Capture(replace=(("return F.concat([input_ids[:, 1:], nothing], axis=1)", "return input_ids + 0"),)),
    "unstable": Capture(replace=(("F.logsoftmax(logits)", "F.log(F.exp(logits) / F.sum(F.exp(logits), axis=-1))"),)),
    "no_count": Capture(replace=((SHARE, "share = counted"),)),
    "all_positions": Capture(
        replace=(("count = F.sum(F.flatten(counts(targets)))", "count = F.sum(F.flatten(counts(targets) * 0 + 1))"),)
    ),
}
