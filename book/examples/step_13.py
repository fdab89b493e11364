"""Chapter 13: one table reads and writes, and what its scores are worth."""

# ANCHOR: example
import numpy as np

table = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]])  # vocab_size 4, n_embd 2
text = np.array([0, 2, 1])
inputs, targets = text[:-1], text[1:]

print("read: the rows of tokens", inputs)
print(table[inputs])

vectors = np.array([[2, 1], [0, 2]])  # what the transformer returns for them, made up here
logits = vectors @ table.T
print("write: the logits, a row for each position")
print(logits)

exponentials = np.exp(logits)
probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
print("probabilities")
print(np.round(probabilities, 3))

losses = -np.log(probabilities[[0, 1], targets])
print("losses of the tokens that came:", np.round(losses, 3))
print("cross-entropy:", np.round(losses.mean(), 3))
print("perplexity:", np.round(np.exp(losses.mean()), 2))
# ANCHOR_END: example

import json
import math

from safetensors.numpy import load_file
from tokenizers import Tokenizer

from book.captures import Capture
from book.examples._sizes import SMALL, VOCAB_SIZE, parameter_count
from tutor.learner.workspace import REPOSITORY, Workspace


def percent(part: float, whole: float) -> str:
    """A share in percent, such as 31 or 5.2."""
    share = 100 * part / whole
    return f"{share:.0f}" if share >= 10 else f"{share:.1f}"


def likest(row: np.ndarray, count: int) -> list[str]:
    """The tokens whose rows point in directions most similar to `row`: first its own token, then `count` others."""
    cosines = shipped @ row / np.linalg.norm(shipped, axis=-1)
    return [tokenizer.decode([id_]).strip() for id_ in np.argsort(-cosines)[: count + 1]]


small, small_table = parameter_count(*SMALL), VOCAB_SIZE * 768
folder = Workspace(REPOSITORY).checkpoint
training = json.loads((folder / "training.json").read_text())
weights = load_file(folder / "model.safetensors")
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
shipped = weights["transformer.wte.weight"].astype(np.float64)
fixed_scores = shipped @ weights["transformer.ln_f.bias"]
itself = (shipped @ shipped.T).argmax(axis=-1) == np.arange(len(shipped))
my, *like_my = likest(shipped[tokenizer.encode(" my").ids[0]], 3)
assert my == "my"
# The multiplications of one position: each weight of a matrix is used once.
matrices = 12 * 12 * 768**2

NUMBERS = {
    "table": f"{small_table:,}",
    "small": f"{small:,}",
    "small_share": percent(small_table, small),
    "small_untied": f"{(small + small_table) / 1e6:.1f}",
    "shipped_table": f"{shipped.size:,}",
    "shipped_parameters": f"{training['parameters']:,}",
    "shipped_share": percent(shipped.size, training["parameters"]),
    "xl_share": percent(50257 * 1600, parameter_count(48, 1600)),
    "like_my": ", ".join(like_my[:-1]) + " and " + like_my[-1],
    "itself_percent": percent(itself.sum(), len(itself)),
    "fixed_lowest": f"{fixed_scores.min():.1f}".replace("-", "−"),
    "fixed_highest": f"{fixed_scores.max():.1f}",
    "loss_of_nothing": f"{math.log(len(shipped)):.2f}",
    "loss_of_nothing_small": f"{math.log(50257):.2f}",
    "held_out_loss": f"{training['held_out_loss']:.2f}",
    "held_out_perplexity": f"{math.exp(training['held_out_loss']):.0f}",
    "logits_megabytes": f"{1024 * 50257 * 4 / 1e6:.0f}",
    "logits_last_megabytes": f"{50257 * 4 / 1e6:.1f}",
    "head_work_percent": percent(small_table, small_table + matrices),
}
assert [tokenizer.decode([id_]) for id_ in np.argsort(-fixed_scores)[:3]] == [",", ":", "\n"]  # the chapter names them

TRANSFORMER = "        self.transformer = MaxGPT2Model(config)\n"
HEAD = "        self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)\n"
TIE = "        self.lm_head.weight = self.transformer.wte.weight\n"
CAPTURES = {
    "not_tied": Capture(replace=((TIE, ""),)),
    "transposed": Capture(replace=((TIE, TIE.replace("wte.weight", "wte.weight.T")),)),
    "head_first": Capture(replace=((TRANSFORMER + HEAD, HEAD + TRANSFORMER),)),
    "last_only": Capture(
        replace=(("self.lm_head(self.transformer(input_ids))", "self.lm_head(self.transformer(input_ids)[:, -1])"),)
    ),
}
