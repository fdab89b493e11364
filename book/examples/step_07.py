"""Chapter 07: one wide layer or three, and a missing transpose that causes no error."""

# ANCHOR: example
import numpy as np

x = np.array([[1, 2], [3, 1], [0, 1]])  # (seq_len, n_embd)

query_rows = np.array([[1, 0], [0, 1]])
key_rows = np.array([[0, 2], [1, 0]])
value_rows = np.array([[1, 1], [1, -1]])
weight = np.concatenate([query_rows, key_rows, value_rows])  # [out, in]

wide = x @ weight.T  # (seq_len, 3 * n_embd)
query, key, value = np.split(wide, 3, axis=-1)

print("x @ weight.T")
print(wide)
print("the same key as from a layer of its own:", np.array_equal(key, x @ key_rows.T))
print("scores, row: who asks, column: who is asked")
print(query @ key.T)
print("scores if the key were the query")
print(query @ query.T)
# ANCHOR_END: example

from pathlib import Path

from safetensors.numpy import load_file
from tokenizers import Tokenizer

from book.captures import Capture
from tutor.checks.numpy import gpt2 as numpy_gpt2

# "Romeo and Juliet", act 2, scene 2.
TEXT = """ROMEO:
But, soft! what light through yonder window breaks?
It is the east, and Juliet is the sun.
Arise, fair sun, and kill the envious moon,
Who is already sick and pale with grief,
That thou her maid art far more fair than she:
Be not her maid, since she is envious;
Her vestal livery is but sick and green
And none but fools do wear it; cast it off.
"""

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "shakespeare"
stored = load_file(CHECKPOINT / "model.safetensors")
ids = np.array([Tokenizer.from_file(str(CHECKPOINT / "tokenizer.json")).encode(TEXT).ids])


def guessed(forgotten: str = "nothing") -> int:
    """How many tokens of the text are the model's first choice, if some kernels are not transposed."""
    kernels = {name for name in stored if name.startswith("transformer.h.") and stored[name].ndim == 2}
    transposed = {name for name in kernels if forgotten not in name}
    parameters = {name: array.T if name in transposed else array for name, array in stored.items()}
    logits = numpy_gpt2.language_model(ids, parameters, n_head=6, n_layer=4)
    return int((logits[0, :-1].argmax(axis=-1) == ids[0, 1:]).sum())


def shape(name: str) -> str:
    """The shape of a tensor in the file, as the text writes it."""
    return "[" + ", ".join(str(size) for size in stored[f"transformer.h.0.attn.{name}.weight"].shape) + "]"


NUMBERS = {
    "c_attn_shape": shape("c_attn"),
    "c_proj_shape": shape("c_proj"),
    "next_tokens": str(ids.size - 1),
    "guessed": str(guessed()),
    "guessed_forgotten": str(guessed("attn.c_proj")),
}

LAYER = "super().__init__(config.n_embd, 3 * config.n_embd)"
CAPTURES = {
    "no_axis": Capture(replace=(("F.chunk(qkv, 3, axis=-1)", "F.chunk(qkv, 3)"),)),
    "endless": Capture(replace=(("super().forward(x)", "self.forward(x)"),)),
    "narrow": Capture(replace=((LAYER, "super().__init__(config.n_embd, config.n_embd)"),)),
    "order": Capture(
        replace=(("query, key, value = F.chunk(qkv, 3, axis=-1)", "key, query, value = F.chunk(qkv, 3, axis=-1)"),)
    ),
}
