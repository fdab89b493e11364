"""A text, and weights of attention to draw: the model's and random ones."""

import numpy as np

from tutor.attention_maps.weights import Reader
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder

WORKSPACE = Workspace(REPOSITORY)
TEXT = "JULIET:\nGood morrow, my lord.\n\nROMEO:\nGood morrow, my lady. Is it the nurse?\n"
N_LAYER, N_HEAD = 4, 6


def weights_of(reader: Reader, text: str) -> tuple[list[int], np.ndarray]:
    """The tokens of a text, and their weights, (n_layer, n_head, seq_len, seq_len)."""
    ids = reader.encode(text)
    return ids, reader.weights(ids, device="auto", cache_folder=cache_folder(), on_compile=lambda count: None)


def some_weights(count: int, seed: int = 0) -> np.ndarray:
    """Random weights of one head: rows sum to 1, nothing above the diagonal."""
    table = np.tril(np.random.default_rng(seed).random((count, count)) ** 6 + 0.2 * np.eye(count))
    return (table / table.sum(axis=-1, keepdims=True)).astype(np.float32)
