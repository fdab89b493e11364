"""Chapter 12: a whole model by hand, where the parameters are, and what the last norm does."""

# ANCHOR: example
import numpy as np


def layer_norm(x):
    return (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)


def block(x, strength):  # a stand-in: equal attention to all tokens so far, then a simple MLP
    seen = np.array([layer_norm(x)[: t + 1].mean(axis=0) for t in range(len(x))])
    x = x + strength * seen
    return x + np.maximum(layer_norm(x), 0)


wte = np.array([[0, 2], [3, 0]])  # vocab_size 2, n_embd 2
wpe = np.array([[0, 1], [1, 0], [0, -1]])  # n_positions 3
h = [1, 5]  # two blocks, each with a strength of its own

input_ids = [1, 0, 1]
x = wte[input_ids] + wpe[[0, 1, 2]]
stages = {"wte + wpe": x}
for layer, strength in enumerate(h):
    x = block(x, strength)
    stages[f"h.{layer}"] = x
stages["ln_f"] = layer_norm(x)

for name, stage in stages.items():
    lengths = np.linalg.norm(stage, axis=-1)
    vectors = (f"({first:4.1f}, {second:4.1f})" for first, second in stage)
    print(f"{name:9}", *vectors, "  lengths", *(f"{length:4.1f}" for length in lengths))
# ANCHOR_END: example

from safetensors.numpy import load_file
from tokenizers import Tokenizer

from book.captures import Capture
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.learner.workspace import REPOSITORY

# The four published sizes: n_embd and n_layer. All have the same vocabulary and n_positions.
SIZES = {"small": (768, 12), "medium": (1024, 24), "large": (1280, 36), "xl": (1600, 48)}
VOCAB_SIZE, N_POSITIONS = 50257, 1024

# In the style of the checkpoint's training text, and longer than the sentence of the pictures.
HAMLET = """HAMLET:
To be, or not to be: that is the question:
Whether 'tis nobler in the mind to suffer
The slings and arrows of outrageous fortune,
Or to take arms against a sea of troubles,
And by opposing end them? To die: to sleep;
No more; and by a sleep to say we end
The heart-ache and the thousand natural shocks
That flesh is heir to, 'tis a consummation
Devoutly to be wish'd.
"""


def counted(n_embd: int, n_layer: int) -> dict[str, int]:
    """The parameters of each part."""
    return {
        "wte": VOCAB_SIZE * n_embd,
        "wpe": N_POSITIONS * n_embd,
        "h": n_layer * (12 * n_embd**2 + 13 * n_embd),
        "ln_f": 2 * n_embd,
    }


def of_size(name: str, n_embd: int, n_layer: int) -> dict[str, str]:
    """The row of the table for one of the sizes."""
    parts = counted(n_embd, n_layer)
    total = sum(parts.values())
    return {
        f"{name}_total": f"{total:,}",
        f"{name}_h_share": f"{100 * parts['h'] / total:.1f}",
        f"{name}_wte_share": f"{100 * parts['wte'] / total:.1f}",
    }


def on_hamlet() -> dict[str, tuple[float, float]]:
    """The shipped model's mean loss and mean largest probability on the text above, with ln_f and without it."""
    folder = REPOSITORY / "checkpoints" / "shakespeare"
    ids = np.array([Tokenizer.from_file(str(folder / "tokenizer.json")).encode(HAMLET).ids])
    # The file keeps the linear layers as [in, out].
    parameters = {
        name.removeprefix("transformer."): array.T if array.ndim == 2 and ".h." in name else array
        for name, array in load_file(folder / "model.safetensors").items()
    }
    stream = numpy_gpt2.model(ids, parameters, n_head=6, n_layer=4, final_norm="none")[0, :-1]
    found = {}
    for name, vectors in (("ln_f", numpy_gpt2.norm_of(parameters, "ln_f", 1e-5)(stream)), ("no ln_f", stream)):
        probabilities = numpy_gpt2.softmax(vectors @ parameters["wte.weight"].T)
        given = probabilities[np.arange(ids.size - 1), ids[0, 1:]]
        found[name] = float(-np.log(given).mean()), float(probabilities.max(axis=-1).mean())
    return found


small = counted(*SIZES["small"])
total = sum(small.values())
hamlet = on_hamlet()
(loss, largest), (loss_without, largest_without) = hamlet["ln_f"], hamlet["no ln_f"]

NUMBERS = {key: text for name, sizes in SIZES.items() for key, text in of_size(name, *sizes).items()} | {
    **{name: f"{count:,}" for name, count in small.items()},
    **{f"{name}_share": f"{100 * count / total:.1f}" for name, count in small.items()},
    "ln_f_share": f"{100 * small['ln_f'] / total:.3f}",
    "loss": f"{loss:.2f}",
    "loss_without": f"{loss_without:.2f}",
    "largest": f"{largest:.2f}",
    "largest_without": f"{largest_without:.2f}",
    "residual_std": f"{0.02 / np.sqrt(2 * 12):.4f}",
}

LOOP = "        for block in self.h:\n            x = block(x)\n"
CAPTURES = {
    "no_ln_f": Capture(replace=(("return self.ln_f(x)", "return x"),)),
    "list_called": Capture(replace=((LOOP, "        x = self.h(x)\n"),)),
    "wpe_of_vectors": Capture(
        replace=(("self.wte(input_ids) + self.wpe(input_ids)", "self.wte(input_ids)\n        x = x + self.wpe(x)"),)
    ),
}
