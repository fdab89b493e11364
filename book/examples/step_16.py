"""Chapter 16: a text read at once and in pieces, what a cache saves, and how much memory it takes."""

# ANCHOR: example
import numpy as np

# Query, key and value of the three tokens of step 00. The head_dim is 4.
queries = np.array([[0, 2, 0, 0], [2, 0, 0, 0], [2, 0, 0, 0]])
keys = np.array([[2, 0, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0]])
values = np.array([[10, 0, 0, 0], [0, 10, 0, 0], [0, 0, 10, 0]])


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def read(new, num_tokens):
    """Reads the tokens `new`; `num_tokens` others are in the caches."""
    total = num_tokens + len(new)
    key_cache[num_tokens:total] = keys[new]  # in place
    value_cache[num_tokens:total] = values[new]
    query = num_tokens + np.arange(len(new))  # the positions of the new tokens
    key = np.arange(total)  # the positions of all tokens
    mask = np.where(key[None, :] <= query[:, None], 0, -np.inf)
    scores = queries[new] @ key_cache[:total].T / np.sqrt(4) + mask
    print(f"{num_tokens} in the caches, {len(new)} new: the mask and the output")
    print(mask)
    print(np.round(softmax(scores) @ value_cache[:total], 2))


for pieces in ([[0, 1, 2]], [[0, 1], [2]]):
    # Room for five tokens. What is in it does not matter.
    key_cache = np.full((5, 4), 9.0)
    value_cache = np.full((5, 4), 9.0)
    num_tokens = 0
    for new in pieces:
        read(new, num_tokens)
        num_tokens += len(new)

print("the keys in the cache at the end")
print(key_cache)
# ANCHOR_END: example

from safetensors.numpy import load_file
from tokenizers import Tokenizer

from book.captures import Capture
from book.examples._sizes import SMALL, VOCAB_SIZE, cache_bytes, read_bytes
from tutor.checks.numpy.cache import cached_language_model
from tutor.learner.workspace import REPOSITORY

# --- the keys of a text that grows ------------------------------------------------------------

CHECKPOINT = REPOSITORY / "checkpoints/shakespeare"
WEIGHTS = {
    key: np.ascontiguousarray(array.T) if key.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) else array
    for key, array in load_file(CHECKPOINT / "model.safetensors").items()
}
TEXT = "ROMEO:\nBut, soft! what light through yonder window breaks?"
IDS = np.array([Tokenizer.from_file(str(CHECKPOINT / "tokenizer.json")).encode(TEXT).ids])


def last_keys(ids: np.ndarray, sees: str) -> np.ndarray:
    """The keys of the last layer of the shipped model: (n_head, seq_len, head_dim)."""
    empty = [np.zeros((1, 6, ids.shape[1], 32)) for _ in range(8)]
    _, caches = cached_language_model(ids, 0, empty, WEIGHTS, n_head=6, n_layer=4, sees=sees)
    return caches[-2][0]


def change(sees: str) -> float:
    """How much the keys of all tokens but the last change when the last one is added."""
    before = last_keys(IDS[:, :-1], sees)
    return float(np.abs(last_keys(IDS, sees)[:, :-1] - before).max())


assert change("up to itself") < 1e-12  # everything is computed in float64 here
typical = float(np.abs(last_keys(IDS, "up to itself")).mean())

# --- what is computed, kept and read ----------------------------------------------------------

BLOCKS, HEAD = 12 * 12 * 768**2, VOCAB_SIZE * 768  # the weights of GPT-2 small's matrices
XL, MEDIUM = (48, 1600), (24, 1024)
GPT_3 = (96, 12288)  # table 2.1 of its paper


def multiplications(seq_len: int, total: int, logits: int) -> int:
    """Multiplications, each with an addition, of one run of GPT-2 small.

    Each weight of a matrix is used once for a token; a query meets `total` keys and blends as many values.
    """
    return seq_len * BLOCKS + logits * HEAD + 12 * 2 * seq_len * total * 768


LENGTH = 100
without = sum(multiplications(n, n, n) for n in range(1, LENGTH))
with_cache = sum(multiplications(1, n, 1) for n in range(1, LENGTH))

BANDWIDTH = 20e9  # bytes a second
CORE = 16 * 3e9  # multiplications with their additions a second
read_ms, core_ms = 1e3 * read_bytes(*SMALL) / BANDWIDTH, 1e3 * multiplications(1, 1, 1) / CORE
cached = 1000 * cache_bytes(*SMALL)

# After a restart: one run over the last half, then one token at a time until the cache is full again.
half = 1024 // 2
runs = [half] + [1] * (1024 - half)

NUMBERS = {
    "tokens_without": f"{sum(range(1, LENGTH)):,}",
    "tokens_with": f"{LENGTH - 1}",
    "billions_without": f"{without / 1e9:.0f}",
    "billions_with": f"{with_cache / 1e9:.0f}",
    "change_unmasked": f"{change('everything'):.1f}",
    "typical_key": f"{typical:.1f}",
    "small_megabytes": f"{1024 * cache_bytes(*SMALL) / 1e6:.1f}",
    "xl_bytes": f"{cache_bytes(*XL):,}",
    "xl_megabytes": f"{1024 * cache_bytes(*XL) / 1e6:.0f}",
    "gpt3_bytes": f"{cache_bytes(*GPT_3, 2):,}",
    "gpt3_gigabytes": f"{2048 * cache_bytes(*GPT_3, 2) / 1e9:.1f}",
    "read_megabytes": f"{read_bytes(*SMALL) / 1e6:.0f}",
    "read_ms": f"{read_ms:.0f}",
    "tokens_per_second": f"{1e3 / read_ms:.0f}",
    "millions": f"{multiplications(1, 1, 1) / 1e6:.0f}",
    "core_ms": f"{core_ms:.1f}",
    "core_ms_100": f"{1e3 * multiplications(100, 100, 1) / CORE:.0f}",
    "cached_megabytes": f"{cached / 1e6:.0f}",
    "cached_percent": f"{100 * cached / read_bytes(*SMALL):.0f}",
    "tokens_a_cycle": f"{len(runs)}",
    "medium_bytes": f"{cache_bytes(*MEDIUM):,}",
}
assert sum(runs) == 1024 and round(sum(runs) / len(runs), 2) == 2

POSITIONS = "F.gather(transformer.wpe.weight, positions, axis=0)"
MASK = """        keys = F.arange(0, total, out_dim="total_len", dtype=DType.int64, device=input_ids.device)
        visible = F.unsqueeze(keys, 0) <= F.unsqueeze(positions, 1)  # (seq_len, total_len)
        return self.predict(input_ids, num_tokens, positions, mask_of(visible), caches)
"""
MASK_02 = """        from steps.step_02 import causal_mask

        mask = causal_mask(seq_len, num_tokens, dtype=DType.float32, device=input_ids.device)
        return self.predict(input_ids, num_tokens, positions, mask, caches)
"""
CAPTURES = {
    "step_02": Capture(
        replace=((MASK, MASK_02),),
    ),
    "not_shifted": Capture(replace=(("<= F.unsqueeze(positions, 1)", "<= F.unsqueeze(positions - num_tokens, 1)"),)),
    "step_06": Capture(replace=((POSITIONS, "transformer.wpe(input_ids)"),)),
    "no_length": Capture(replace=(("(slice(num_tokens, end), seq_len)", "slice(num_tokens, end)"),)),
    "whole_text": Capture(replace=(("        new = [token]\n", "        new, num_tokens = list(ids), 0\n"),)),
}
