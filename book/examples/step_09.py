"""Chapter 09: how vectors are cut into heads, what heads cost, and what those of the shipped model look at."""

# ANCHOR: example
import numpy as np

# Two tokens, three heads, so head_dim is 2.
x = np.array([[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]])  # (seq_len, n_embd)

heads = x.reshape(2, 3, 2).transpose(1, 0, 2)  # (n_head, seq_len, head_dim)
wrong_heads = x.reshape(3, 2, 2)  # the same shape

merged = heads.transpose(1, 0, 2).reshape(2, 6)  # (seq_len, n_embd)
wrong_merged = heads.reshape(2, 6)  # the same shape

for name, rows in (
    ("heads: reshape, then transpose", heads),
    ("heads: reshape alone", wrong_heads),
    ("merged: transpose, then reshape", merged),
    ("merged: reshape alone", wrong_merged),
):
    print(name)
    for number, row in enumerate(rows):
        print(f"  {number}: {row.tolist()}")
# ANCHOR_END: example

from book.captures import Capture
from book.export import load

# One layer of GPT-2 small at its full length. n_head is in none of these counts.
SEQ_LEN, N_EMBD, N_HEAD = 1024, 768, 12
parameters = N_EMBD * 3 * N_EMBD + 3 * N_EMBD + N_EMBD * N_EMBD + N_EMBD
projections = SEQ_LEN * N_EMBD * 3 * N_EMBD + SEQ_LEN * N_EMBD * N_EMBD
scores_and_blend = 2 * SEQ_LEN * SEQ_LEN * N_EMBD


def weights_of(layer: int, head: int) -> np.ndarray:
    """The attention weights of a head on the sentence of the pictures: (seq_len, seq_len)."""
    query, key = (np.array(data["layers"][layer][name][head]) for name in ("query", "key"))
    scores = np.where(np.tri(len(query)) == 1, query @ key.T / np.sqrt(data["head_dim"]), -np.inf)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


data = load("attention")
LAST_LAYER = 3
favourites = {}
for head in (0, 3, 5):
    last_row = weights_of(LAST_LAYER, head)[-1]
    favourites[head] = data["tokens"][last_row.argmax()], f"{last_row.max():.2f}"
# The chapter names these tokens.
assert data["tokens"][-2:] == [".", "\n"]
assert [token for token, _ in favourites.values()] == ["JULIET", "\n", "G"]


def parts_of_the_projection() -> tuple[np.ndarray, np.ndarray]:
    """c_proj of the merged heads, and the sum of what each head contributes through its own columns of the weight."""
    rng = np.random.default_rng(0)
    answers, weight = rng.standard_normal((3, 5, 2)), rng.standard_normal((6, 6))  # [out, in]
    whole = answers.transpose(1, 0, 2).reshape(5, 6) @ weight.T
    parts = [answer @ weight[:, 2 * head : 2 * head + 2].T for head, answer in enumerate(answers)]
    return whole, np.sum(parts, axis=0)


assert np.allclose(*parts_of_the_projection())

NUMBERS = {
    "parameters": f"{parameters:,}",
    "projections": f"{projections:,}",
    "scores_and_blend": f"{scores_and_blend:,}",
    "exponentials_12": f"{N_HEAD * SEQ_LEN * SEQ_LEN:,}",
    "exponentials_1": f"{SEQ_LEN * SEQ_LEN:,}",
    "exponentials_share": f"{100 * N_HEAD * SEQ_LEN * SEQ_LEN / (projections + scores_and_blend):.1f}",
    **{f"head_{head}": weight for head, (_, weight) in favourites.items()},
}

SPLIT_ALL = "(self._split_heads(projected) for projected in self.c_attn(x))"
TRANSPOSE = "return x.transpose(1, 2)  # (batch, n_head, seq_len, head_dim)"
TRANSPOSE_BACK = "        x = x.transpose(1, 2)  # (batch, seq_len, n_head, head_dim)\n"
PROJECT = "self.c_proj(self._merge_heads(attended))"
CAPTURES = {
    "not_unpacked": Capture(replace=((SPLIT_ALL, "self._split_heads(self.c_attn(x))"),)),
    "split_not_transposed": Capture(replace=((TRANSPOSE, "return x"),)),
    "merge_not_transposed": Capture(replace=((TRANSPOSE_BACK, ""),)),
    "projection_not_transposed": Capture(
        replace=((PROJECT, "self._merge_heads(attended) @ self.c_proj.weight + self.c_proj.bias"),)
    ),
}
