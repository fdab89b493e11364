"""Chapter 06: what attention knows about the order of its inputs, and what the shipped model has learned."""

# ANCHOR: example
import numpy as np


def attend(x, mask: float | np.ndarray = 0):
    """Attention in which each vector is its own query, key and value."""
    weights = np.exp(x @ x.T / np.sqrt(4) + mask)
    return weights / weights.sum(axis=-1, keepdims=True) @ x


dog, bites, man = [2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]
one, other = np.array([dog, bites, man]), np.array([man, bites, dog])
positions = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 2]])

print("dog bites man", np.round(attend(one), 2), sep="\n")
print("man bites dog", np.round(attend(other), 2), sep="\n")
print("dog bites man + positions", np.round(attend(one + positions), 2), sep="\n")
print("man bites dog + positions", np.round(attend(other + positions), 2), sep="\n")
# ANCHOR_END: example

# ANCHOR: masked
mask = np.where(np.tri(3) == 1, 0, -np.inf)
swapped = np.array([bites, dog, man])

first_layer = [attend(x, mask) for x in (one, swapped)]
second_layer = [attend(x, mask) for x in first_layer]
same_words = attend(np.array([dog, dog, dog]), mask)
# ANCHOR_END: masked

from pathlib import Path

from safetensors.numpy import load_file

from book.captures import Capture

assert np.allclose(attend(other), attend(one)[::-1])
one_layer, two_layers = ([y[-1] for y in layer] for layer in (first_layer, second_layer))
assert np.allclose(*one_layer)
assert not np.allclose(*two_layers)
assert np.allclose(same_words, dog)

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "shakespeare" / "model.safetensors"
table = load_file(CHECKPOINT)["transformer.wpe.weight"].astype(np.float64)
lengths = np.linalg.norm(table, axis=1)
directions = table / lengths[:, None]


def similarity(apart: int, *, start: int = 8, end: int = 255) -> float:
    """The mean cosine of rows that are `apart` positions apart, among the rows from start up to end."""
    cosines = directions[start:end] @ directions[start:end].T
    return float(np.diagonal(cosines, apart).mean())


def short(vector: np.ndarray) -> str:
    """A vector with two digits after the point."""
    return ", ".join(f"{x:.2f}" for x in vector)


NUMBERS = {
    "one_layer": short(one_layer[0]),
    "two_layers_one": short(two_layers[0]),
    "two_layers_other": short(two_layers[1]),
    "similarity_1": f"{similarity(1):.2f}",
    "similarity_32": f"{similarity(32):.2f}",
    "similarity_128": f"{similarity(128):.2f}",
    "length_first": f"{lengths[0]:.2f}",
    "length_mean": f"{lengths.mean():.2f}",
    "untrained": f"{np.abs(directions[255] @ directions[:255].T).max():.2f}",
    "table_size": f"{1024 * 768:,}",
}

ARANGE = "F.arange(0, seq_len, dtype=DType.int64, device=input_ids.device)"
CAPTURES = {
    "graph": Capture("graph 06"),
    "python_range": Capture(replace=((ARANGE, "Tensor(list(range(seq_len)))"),)),
    "floats": Capture(replace=(("dtype=DType.int64, ", ""),)),
    "by_id": Capture(
        replace=(("F.gather(self.weight, positions, axis=0)", "F.gather(self.weight, input_ids, axis=0)"),)
    ),
    "from_1": Capture(replace=(("F.arange(0, seq_len, ", "1 + F.arange(0, seq_len, "),)),
}
