"""Chapter 19: weights by hand, with a row that sees nothing; what it costs to keep them; what heads look at."""

# ANCHOR: example
import numpy as np

query = np.array([[2, 0], [0, 2], [2, 2]])  # three tokens that look
key = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])  # four tokens of another text
value = np.array([[8, 0], [0, 8], [4, 4], [1, 1]])
mask = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]])

scores = query @ key.T / np.sqrt(2)  # (query_len, key_len)
scores = np.where(mask == 1, scores, -np.inf)
with np.errstate(invalid="ignore"):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
softmax = exponentials / exponentials.sum(axis=-1, keepdims=True)
weights = np.where(scores == -np.inf, 0, softmax)

print("scores", np.round(scores, 2), sep="\n")
print("softmax", np.round(softmax, 2), sep="\n")
print("weights", np.round(weights, 2), sep="\n")
print("output", np.round(weights @ value, 2), sep="\n")
# ANCHOR_END: example

from collections.abc import Callable, Sequence

from safetensors.numpy import load_file
from tokenizers import Tokenizer

from book.captures import Capture
from tutor.attention_maps.head_patterns import find_head_patterns
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.learner.workspace import REPOSITORY

# --- what it costs ----------------------------------------------------------------------------


def with_unit(count: float) -> str:
    """Formats a number of bytes to three digits: 50,331,648 is "50.3 MB"."""
    units = {6: "MB", 9: "GB", 12: "TB"}
    power = max(power for power in units if count >= 10**power or power == 6)
    number = count / 10**power
    decimals = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{decimals}f} {units[power]}"


def millions(count: float) -> str:
    """Formats a count in millions, to at least three digits."""
    return f"{count / 1e6:,.0f}" if count >= 1e8 else f"{count / 1e6:,.1f}"


def multiply_adds(seq_len: int, n_embd: int) -> dict[str, int]:
    """Multiplications, each with an addition, of one layer for a whole text."""
    return {
        "mlp": seq_len * 8 * n_embd**2,  # n_embd to 4 n_embd, and back
        "projections": seq_len * 4 * n_embd**2,  # query, key, value, output
        "tables": 2 * seq_len**2 * n_embd,  # scores, and blend
    }


def weights_bytes(seq_len: int, n_head: int, number: int) -> int:
    """The bytes of the weights of one layer's heads, if each number has `number` bytes. The scores take as many."""
    return n_head * seq_len**2 * number


def cache_bytes(seq_len: int, n_layer: int, key_heads: int, head_dim: int, number: int) -> int:
    """The bytes of the keys and values of all layers."""
    return 2 * n_layer * seq_len * key_heads * head_dim * number


N_EMBD, N_HEAD, HEAD_DIM = 768, 12, 64
NUMBERS = {
    "parameters": f"{4 * (N_EMBD**2 + N_EMBD):,}",
    "equal_work": f"{4 * N_EMBD:,}",
    "equal_memory": f"{4 * HEAD_DIM:,}",
}
for seq_len in (256, 1024, 8192, 100_000):
    for name, count in multiply_adds(seq_len, N_EMBD).items():
        NUMBERS[f"{name}_{seq_len}"] = millions(count)
    NUMBERS[f"mlp_bytes_{seq_len}"] = with_unit(seq_len * 4 * N_EMBD * 4)
    NUMBERS[f"weights_bytes_{seq_len}"] = with_unit(weights_bytes(seq_len, N_HEAD, 4))
assert multiply_adds(4 * N_EMBD, N_EMBD)["tables"] == multiply_adds(4 * N_EMBD, N_EMBD)["mlp"]
assert weights_bytes(4 * HEAD_DIM, N_HEAD, 4) == 4 * HEAD_DIM * 4 * N_EMBD * 4

# Of a model: tokens, layers, heads of queries, heads of keys and values, head_dim, bytes of a number.
MODELS = {
    "gpt2": (1024, 12, 12, 12, 64, 4),
    "gpt3": (2048, 96, 96, 96, 128, 2),
    "gpt3_long": (100_000, 96, 96, 96, 128, 2),
    "llama_long": (100_000, 32, 32, 8, 128, 2),
}
for name, (seq_len, n_layer, n_head, key_heads, head_dim, number) in MODELS.items():
    one = weights_bytes(seq_len, n_head, number)
    NUMBERS[f"{name}_layer"] = with_unit(one)
    NUMBERS[f"{name}_all"] = with_unit(n_layer * one)
    NUMBERS[f"{name}_cache"] = with_unit(cache_bytes(seq_len, n_layer, key_heads, head_dim, number))
    NUMBERS[f"{name}_row"] = with_unit(n_layer * n_head * seq_len * number)
NUMBERS |= {
    "gpt2_layer_bytes": f"{weights_bytes(1024, 12, 4):,}",
    "gpt2_cache_bytes": f"{cache_bytes(1024, 12, 12, 64, 4):,}",
    "output_bytes": with_unit(1024 * N_EMBD * 4),
    "longer": f"{100_000 / 2048:.1f}",
    "longer_squared": f"{(100_000 / 2048) ** 2:,.0f}",
}
del NUMBERS["gpt2_row"], NUMBERS["gpt3_row"], NUMBERS["llama_long_row"]

# --- what a map shows, and what it does not ---------------------------------------------------

CHECKPOINT = REPOSITORY / "checkpoints/shakespeare"
TOKENIZER = Tokenizer.from_file(str(CHECKPOINT / "tokenizer.json"))
STORED = {
    key: array.T if key.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) else array
    for key, array in load_file(CHECKPOINT / "model.safetensors").items()
}
N_LAYERS, N_HEADS, VOCAB_SIZE = 4, 6, 1024

# Takes the number of a layer and the weights of its heads, and returns the weights to blend with.
Change = Callable[[int, np.ndarray], np.ndarray]


def read(ids: Sequence[int], change: Change = lambda _, weights: weights) -> tuple[np.ndarray, np.ndarray]:
    """The weights of all heads of the shipped model, and its logits; `change` may change the weights on the way."""
    model = numpy_gpt2.part(STORED, "transformer")
    kept: list[np.ndarray] = []

    def attention(x: np.ndarray, attn: numpy_gpt2.Parameters) -> np.ndarray:
        """The attention of the next layer, with its weights as `change` makes them."""
        projected = numpy_gpt2.query_key_value(x, attn["c_attn.weight"], attn["c_attn.bias"])
        query, key, value = (numpy_gpt2.split_heads(part, N_HEADS) for part in projected)
        attended = numpy_gpt2.attend(query, key, value, numpy_gpt2.visible_keys(len(ids)))
        kept.append(change(len(kept), attended.weights[0]))  # (n_head, seq_len, seq_len)
        return numpy_gpt2.output_projection(numpy_gpt2.merge_heads(kept[-1] @ value), numpy_gpt2.part(attn, "c_proj"))

    x = numpy_gpt2.embeddings(np.array([ids]), model)
    for layer in range(N_LAYERS):
        x = numpy_gpt2.block(x, numpy_gpt2.part(model, f"h.{layer}"), n_head=N_HEADS, attention=attention)
    x = numpy_gpt2.norm_of(model, "ln_f", 1e-5)(x)
    return np.stack(kept), numpy_gpt2.linear(x, model["wte.weight"])[0]


def loss(ids: Sequence[int], logits: np.ndarray) -> np.ndarray:
    """The cross-entropy at each token but the last."""
    return -np.log(numpy_gpt2.softmax(logits)[np.arange(len(ids) - 1), ids[1:]])


SCENE = "JULIET:\nGood morrow, my lord.\n\nROMEO:\nGood morrow, my lady. Is it the nurse?\n"
IDS = TOKENIZER.encode(SCENE).ids
WORDS = [TOKENIZER.decode([id_]) for id_ in IDS]
LAYER, HEAD = 1, 2  # of the map in the chapter
ROMEO = WORDS.index("ROMEO")
WEIGHTS, LOGITS = read(IDS)
np.testing.assert_allclose(
    LOGITS, numpy_gpt2.language_model(np.array([IDS]), STORED, n_head=N_HEADS, n_layer=N_LAYERS)[0]
)

# The name of the speaker, for each token from the third on.
rows = np.arange(2, len(IDS))
speaker = np.where(rows < ROMEO, 0, ROMEO)
MAP = WEIGHTS[LAYER, HEAD]
induction = find_head_patterns(IDS, WEIGHTS)[3]
assert induction.ranked[0][:2] == (LAYER, HEAD) and induction.verdict(induction.ranked[0][2]) == "a little"

# Where the same token occurred before, what followed it there, as the induction score counts it.
followed = {
    query: [before + 1 for before in range(query - 2) if IDS[before] == IDS[query]] for query in range(2, len(IDS))
}
shares = {query: float(MAP[query, keys].sum()) for query, keys in followed.items() if keys}
assert len(shares) == induction.tokens and np.isclose(np.mean(list(shares.values())), induction.scores[LAYER, HEAD])
to_romeo = [query for query in shares if ROMEO in followed[query]]
assert len(to_romeo) == 2 and all(WORDS[query] == "\n" for query in to_romeo)
# "Good morrow, my", the second time.
again = [query for query in shares if ROMEO + 3 <= query < ROMEO + 9]
assert "".join(WORDS[query] for query in again) == "Good morrow, my"


def spread_evenly(layer: int, weights: np.ndarray) -> np.ndarray:
    """Makes the head of the map look at all tokens equally."""
    if layer == LAYER:
        visible = np.tri(len(IDS))
        weights = weights.copy()
        weights[HEAD] = visible / visible.sum(axis=-1, keepdims=True)
    return weights


_, changed = read(IDS, spread_evenly)
same_choice = int((changed.argmax(axis=-1) == LOGITS.argmax(axis=-1)).sum())

# Random tokens, repeated once: only a model that looks back can do better the second time.
rng = np.random.default_rng(0)
HALF, TRIALS = 40, 20
found, even, losses = [], [], []
for _ in range(TRIALS):
    half = rng.choice(VOCAB_SIZE, HALF, replace=False).tolist()
    repeated, logits = read(2 * half)
    pattern = find_head_patterns(2 * half, repeated)[3]
    found.append(pattern.scores)
    even.append(pattern.even)
    losses.append(loss(2 * half, logits))
best = np.mean(found, axis=0).max()
first_time, second_time = (np.mean(losses, axis=0)[part].mean() for part in (slice(HALF - 1), slice(HALF, None)))
assert best < 1.2 * np.mean(even) and second_time >= first_time

NUMBERS |= {
    "speaker": f"{MAP[rows, speaker].mean():.2f}",
    "speaker_other": f"{WEIGHTS[3, 4][rows, speaker].mean():.2f}",
    "speaker_even": f"{(1 / (rows + 1)).mean():.2f}",
    "scored": f"{len(shares)}",
    "induction": f"{induction.scores[LAYER, HEAD]:.2f}",
    "breaks": " and ".join(f"{shares[query]:.2f}" for query in to_romeo),
    "again": f"{max(shares[query] for query in again):.2f}",
    "loss": f"{loss(IDS, LOGITS).mean():.3f}",
    "loss_even": f"{loss(IDS, changed).mean():.3f}",
    "same_choice": f"{same_choice}",
    "scene_tokens": f"{len(IDS)}",
    "chance_best": f"{best:.3f}",
    "chance_even": f"{np.mean(even):.3f}",
    "chance_first": f"{first_time:.1f}",
    "chance_second": f"{second_time:.1f}",
}

# --- what the tool prints ---------------------------------------------------------------------

HIDE = 'F.where(visible_keys(mask, scores), scores, float("-inf"))'
ZEROS = 'F.where(scores == float("-inf"), 0.0, F.softmax(scores))'
CAPTURES = {
    "no_zeros": Capture(replace=((ZEROS, "F.softmax(scores)"),)),
    "large_number": Capture(replace=((HIDE, HIDE.replace('float("-inf")', "-1e9")),)),
    "no_check": Capture(replace=(("    check_shapes(query, key, value)\n", ""),)),
    "merge_not_transposed": Capture(replace=(("attended.transpose(1, 2).reshape", "attended.reshape"),)),
    "map": Capture('attention "To be, or not to be, that is the question" --layer 2 --head 1'),
    "scene": Capture(f'attention "{SCENE}" --layer 1 --head 2'),
    "summary": Capture(f'attention "{SCENE}" --summary'),
}
