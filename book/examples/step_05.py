"""Chapter 05: looking up rows of a table, the shipped tokenizer, and which tokens have similar rows."""

# ANCHOR: tokens
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from tutor.learner.workspace import REPOSITORY

folder = REPOSITORY / "checkpoints" / "shakespeare"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

sentence = "What light is yonder?"
sentence_ids = tokenizer.encode(sentence).ids
pieces = [tokenizer.decode([token]) for token in sentence_ids]
# ANCHOR_END: tokens

# ANCHOR: example
table = np.array([[0, 1, 2], [10, 11, 12], [20, 21, 22], [30, 31, 32], [40, 41, 42]])
ids = np.array([[3, 1, 3, 0], [4, 4, 2, 1]])  # (batch, seq_len)

looked_up = table[ids]  # (batch, seq_len, n_embd)
print("looked up", looked_up.shape)
print(looked_up)

one_hot = np.eye(5)[ids]  # (batch, seq_len, vocab_size)
print("token 3 as one-hot", one_hot[0, 0])
print("the product is the same:", np.array_equal(one_hot @ table, looked_up))
# ANCHOR_END: example

# ANCHOR: neighbours
parameters = load_file(folder / "model.safetensors")
wte = parameters["transformer.wte.weight"]  # (vocab_size, n_embd)
directions = wte / np.linalg.norm(wte, axis=-1, keepdims=True)


def neighbours(piece: str, count: int = 5) -> list[tuple[str, float]]:
    """The tokens whose rows point in the most similar directions, with their cosines."""
    (token,) = tokenizer.encode(piece).ids
    cosines = directions @ directions[token]
    best = np.argsort(-cosines)[1 : count + 1]  # the best one is the token itself
    return [(tokenizer.decode([other]), float(cosines[other])) for other in best]


relatives = neighbours(" father")
# ANCHOR_END: neighbours

import json

from book.captures import Capture


def shown(piece: str) -> str:
    """A token as code, with its space made visible."""
    return f"`{piece.replace(' ', '␣')}`"


def nearest(piece: str) -> str:
    """The neighbours of a token, as text."""
    return ", ".join(f"{shown(other)} {cosine:.2f}" for other, cosine in neighbours(piece))


pair_cosines = (directions @ directions.T)[np.triu_indices(len(wte), 1)]
# The bytes from 128 to 255 only occur in characters that English does not use. After <|endoftext|>, the vocabulary
# has all 256 bytes; those above 127 are not characters by themselves.
unseen = [token for token in range(1, 257) if tokenizer.decode([token]) == "\N{REPLACEMENT CHARACTER}"]
unseen_cosines = (directions[unseen] @ directions[unseen].T)[np.triu_indices(len(unseen), 1)]

merges = [tuple(merge) for merge in json.loads((folder / "tokenizer.json").read_text())["model"]["merges"]]

training = json.loads((folder / "training.json").read_text())
# Each of the two parts ends with one <|endoftext|>.
all_tokens = training["train_tokens"] + training["held_out_tokens"] - 2

# GPT-2 small: the table, the positions, 12 blocks of 7,087,872 (see chapter 04) and the last norm.
TABLE = 50_257 * 768
PARAMETERS = TABLE + 1024 * 768 + 12 * 7_087_872 + 2 * 768

NUMBERS = {
    "pieces": " | ".join(shown(piece) for piece in pieces),
    "ids": " | ".join(map(str, sentence_ids)),
    "merges": f"{len(merges)}",
    "first_merge": " and ".join(shown(part.replace("Ġ", " ")) for part in merges[0]),
    "second_merge": " and ".join(shown(part.replace("Ġ", " ")) for part in merges[1]),
    "the_merge": f"{1 + merges.index(('Ġt', 'he'))}",
    "characters": f"{len(sentence)}",
    "count": f"{len(sentence_ids)}",
    "characters_a_token": f"{training['characters'] / all_tokens:.1f}",
    "the": f"{tokenizer.encode('the').ids[0]}",
    "space_the": f"{tokenizer.encode(' the').ids[0]}",
    "table": f"{TABLE:,}",
    "table_share": f"{100 * TABLE / PARAMETERS:.0f}",
    "table_megabytes": f"{4 * TABLE / 1e6:.0f}",
    "shipped_table": f"{wte.size:,}",
    "shipped_share": f"{100 * wte.size / training['parameters']:.1f}",
    "multiplications": f"{TABLE / 1e6:.1f}",
    "typical_cosine": f"{np.median(pair_cosines):.2f}",
    "unseen": f"{len(unseen)}",
    "unseen_cosine": f"{unseen_cosines.mean():.2f}",
    **{f"nearest_{piece.strip()}": nearest(piece) for piece in (" father", " shall", " my", " good", " love", " day")},
}

LOOKUP = "F.gather(self.weight, input_ids, axis=0)"
CAPTURES = {
    "columns": Capture(replace=((LOOKUP, "F.gather(self.weight, input_ids, axis=1)"),)),
    "indexed": Capture(replace=((LOOKUP, "self.weight[input_ids]"),)),
    "swapped": Capture(replace=((LOOKUP, "F.gather(input_ids, self.weight, axis=0)"),)),
    "other_table": Capture(replace=(("[config.vocab_size, config.n_embd]", "[config.n_positions, config.n_embd]"),)),
}
