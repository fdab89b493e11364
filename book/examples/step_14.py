"""Chapter 14: temperature, top-k and top-p on five tokens, and what generation costs."""

# ANCHOR: example
import numpy as np

tokens = np.array(["him", "you", "the", "thee", "all"])
logits = np.array([1.0, 3.0, -1.0, 2.0, 0.0])


def softmax(scores):
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


def show(name, scores):
    print(f"{name:<16}", *(f"{probability:6.3f}" for probability in softmax(scores)))


print(f"{'':<16}", *(f"{token:>6}" for token in tokens))
show("temperature 1", logits)
show("temperature 0.5", logits / 0.5)
show("temperature 2", logits / 2)

top_3 = logits.copy()
top_3[logits < np.sort(logits)[-3]] = -np.inf  # below the third largest
show("top-k 3", top_3)

kept, total = [], 0.0
for index in np.argsort(-logits):  # the likeliest first
    if total < 0.8:
        kept.append(index)
        total += softmax(logits)[index]
top_p = np.full(5, -np.inf)
top_p[kept] = logits[kept]
show("top-p 0.8", top_p)
# ANCHOR_END: example

import json

from tokenizers import Tokenizer

from book.captures import Capture
from book.paths import DATA
from tutor.learner.workspace import REPOSITORY, Workspace

# What MAX computed for the playground: logits of the shipped model for a few prompts.
_, _, content = (DATA / "sampling.js").read_text(encoding="utf-8").partition("courseData.sampling = ")
SAMPLING = json.loads(content.rstrip().removesuffix(";"))
LOGITS = {prompt["text"]: np.array(prompt["logits"]) for prompt in SAMPLING["prompts"]}
SURE, UNSURE = "First Citizen", "I will not"


def falling(prompt: str, temperature: float = 1.0) -> np.ndarray:
    """The probabilities of the next token, the largest first."""
    return np.sort(softmax(LOGITS[prompt] / temperature))[::-1]


def nucleus(prompt: str, top_p: float, temperature: float = 1.0) -> int:
    """How many tokens top-p keeps."""
    probabilities = falling(prompt, temperature)
    return int((np.cumsum(probabilities) - probabilities < top_p).sum())


assert SAMPLING["tokens"][LOGITS[SURE].argmax()] == ":"  # the chapter names it

prompt_tokens = len(Tokenizer.from_file(str(Workspace(REPOSITORY).checkpoint / "tokenizer.json")).encode("ROMEO:").ids)
NEW = 200
single = np.full(50257, 1 / 50257, dtype=np.float32)

NUMBERS = {
    "sure_best_percent": f"{100 * falling(SURE)[0]:.1f}",
    "unsure_best_percent": f"{100 * falling(UNSURE)[0]:.1f}",
    "sure_top_10_percent": f"{100 * falling(SURE)[:10].sum():.1f}",
    "unsure_top_10_percent": f"{100 * falling(UNSURE)[:10].sum():.0f}",
    "sure_nucleus": f"{nucleus(SURE, 0.9)}",
    "unsure_nucleus": f"{nucleus(UNSURE, 0.9)}",
    "sure_nucleus_hot": f"{nucleus(SURE, 0.9, 2.0)}",
    "sum_float32": f"{np.cumsum(single)[-1]:.4f}",
    "sum_float64": f"{np.cumsum(single.astype(np.float64))[-1]:.4f}",
    "prompt_tokens": f"{prompt_tokens}",
    "recomputed": f"{sum(prompt_tokens + n for n in range(NEW)):,}",
    "with_cache": f"{prompt_tokens + NEW - 1:,}",
}

CAST = "logits.astype(np.float64) - logits.max()"
CAPTURES = {
    "greedy": Capture("generate ROMEO: --from steps --max-new-tokens 40 --temperature 0"),
    "drawn": Capture("generate ROMEO: --from steps --max-new-tokens 40 --temperature 0.8 --seed 1"),
    "first_position": Capture(replace=(("logits[0, -1]", "logits[0, 0]"),)),
    "multiplied": Capture(replace=(("logits.max()) / temperature", "logits.max()) * temperature"),)),
    "too_few": Capture(replace=(("np.cumsum(probabilities) - probabilities", "np.cumsum(probabilities)"),)),
    "float32": Capture(
        replace=((CAST, "logits - logits.max()"), ("p=probabilities)", "p=probabilities.astype(np.float64))"))
    ),
}
