"""The attention of the checkpoint, on the sentence of `book.export`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from book.export import load
from book.plots.colours import FIRST, SECOND
from book.plots.grid import Grid
from book.plots.parts import BOLD, paper, say
from book.plots.svg import Picture
from book.plots.words import signed
from tutor.attention_maps.head_patterns import looked_at
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.generation.tokens import visible_token


@dataclass(frozen=True)
class _Sentence:
    """The sentence of the data, and what each head computes for it."""

    tokens: list[str]
    # (n_layer, n_head, seq_len, seq_len)
    raw: np.ndarray
    masked: np.ndarray
    weights: np.ndarray
    head_dim: int

    @classmethod
    def load(cls) -> "_Sentence":
        data = load("attention")
        query, key = (np.array([layer[name] for layer in data["layers"]]) for name in ("query", "key"))
        raw = query @ key.swapaxes(-1, -2)
        masked = raw / np.sqrt(data["head_dim"]) + numpy_gpt2.causal_mask(len(data["tokens"]))
        return cls(data["tokens"], raw, masked, numpy_gpt2.softmax(masked), data["head_dim"])


@dataclass(frozen=True)
class _Claim:
    """What a head is said to do: give weight to these pairs of a query and a key, more than any other head."""

    words: str
    pairs: list[tuple[int, int]]

    def head(self, weights: np.ndarray) -> tuple[int, int, float]:
        """The layer and the index of the head that does it most, and the mean weight that it gives to the pairs."""
        scores = np.mean([weights[:, :, query, key] for query, key in self.pairs], axis=0)
        layer, head = np.unravel_index(scores.argmax(), scores.shape)
        return int(layer), int(head), float(scores[layer, head])

    @property
    def even(self) -> float:
        """The mean weight of the pairs if each query gave the same weight to all keys that it may see."""
        return float(np.mean([1 / (query + 1) for query, _ in self.pairs]))


def _claims(tokens: Sequence[str]) -> list[_Claim]:
    """Four patterns that show in the sentence, most of them about the speaker's name at its start."""
    marks = [index for index, token in enumerate(tokens) if token in ":,."]
    words = [index for index, token in enumerate(tokens) if token.strip().isalpha() and index]
    pieces = [index for index in words if index - 1 in words and not tokens[index].startswith(" ")]
    lines = [index for index, token in enumerate(tokens) if token == "\n"]
    return [
        _Claim("a piece looks at the one before", [(query, query - 1) for query in pieces]),
        _Claim(
            "all look at the last punctuation", [(i, max(m for m in marks if m <= i)) for i in range(1, len(tokens))]
        ),
        _Claim("line breaks look at the speaker", [(query, 0) for query in lines]),
        _Claim("words look at the speaker", [(query, 0) for query in words]),
    ]


def draw_attention_maps() -> Picture:
    """The weights of the four heads that fit the claims best."""
    sentence = _Sentence.load()
    tokens = [visible_token(token) for token in sentence.tokens]
    figure, axes = paper(480, 574)
    told = []
    for index, claim in enumerate(_claims(sentence.tokens)):
        layer, head, score = claim.head(sentence.weights)
        even = claim.even
        right, below = index % 2, index // 2
        grid = Grid(axes, 64 + right * 212, 64 + below * 270, 16.5, 16.5)
        say(axes, grid.x, grid.y - 50, f"h[{layer}], head {head}", **BOLD)
        say(axes, grid.x, grid.y - 32, claim.words, fontsize=12)
        say(axes, grid.x, grid.y - 14, f"weight {score:.2f} (if even: {even:.2f})", fontsize=12)
        for row in range(len(tokens)):
            for column in range(row + 1):
                grid.cell(row, column, colour=FIRST, opacity=float(sentence.weights[layer, head, row, column]))
        for row, column in claim.pairs:
            grid.frame(row, column, SECOND)
        for position, token in enumerate(tokens):
            if not right:
                say(axes, grid.x - 6, grid.middle(position, 0)[1], token, ha="right", fontsize=12)
            if below:
                x = grid.middle(0, position)[0]
                axes.text(
                    x, grid.y + len(tokens) * 16.5 + 6, token, rotation=90, rotation_mode="anchor",
                    ha="right", va="center", fontsize=12,
                )  # fmt: skip
        told.append(
            f"h[{layer}], head {head}: {claim.words}; these pairs get {score:.2f} of the weight on average, "
            f"and would get {even:.2f} if it were spread evenly"
        )
    return Picture(
        figure,
        "What four heads of the checkpoint look at",
        f"The attention weights of four heads for the tokens {' '.join(tokens)}: rows are queries, columns are keys, "
        f"a stronger colour means more weight, and the frames mark what each title says. {'. '.join(told)}.",
    )


def draw_scores() -> Picture:
    """How scores become weights in one head, for the first tokens of the sentence."""
    sentence = _Sentence.load()
    shown = 6
    layer, head, _ = _claims(sentence.tokens)[1].head(sentence.weights)
    tokens = [visible_token(token) for token in sentence.tokens[:shown]]
    # Each row of the mask hides later keys, so the weights of the first tokens do not depend on the rest.
    raw, masked, weights = (
        array[layer, head, :shown, :shown] for array in (sentence.raw, sentence.masked, sentence.weights)
    )
    figure, axes = paper(430, 696)
    panels = [
        ("1. Scores: query · key", raw, 1),
        (f"2. Divided by √{sentence.head_dim}, mask added", masked, 2),
        ("3. Weights: after the softmax", weights, 2),
    ]
    for index, (title, matrix, decimals) in enumerate(panels):
        top = 14 + index * 234
        say(axes, 8, top, title, **BOLD)
        grid = Grid(axes, 68, top + 40, 58, 28)
        finite = matrix[np.isfinite(matrix)]
        low = 0.0 if index == 2 else float(finite.min())
        high = 1.0 if index == 2 else float(finite.max())
        for row, column in np.ndindex(matrix.shape):
            value = float(matrix[row, column])
            opacity = (value - low) / (high - low) if np.isfinite(value) else 0.0
            hidden = index == 2 and column > row
            grid.cell(row, column, "0" if hidden else signed(value, decimals), opacity=opacity)
        for position, token in enumerate(tokens):
            say(axes, grid.x - 8, grid.middle(position, 0)[1], token, ha="right")
            say(axes, grid.middle(0, position)[0], top + 26, token, ha="center")
    last = shown - 1
    best = int(weights[last].argmax())
    return Picture(
        figure,
        "From scores to weights in one head",
        f"Three tables for the first {shown} tokens of the sentence, {' '.join(tokens)}, in h[{layer}], head {head}. "
        f"Rows are queries, columns are keys. First the scores, from {signed(raw.min(), 1)} to "
        f"{signed(raw.max(), 1)}; then the scores divided by the square root of {sentence.head_dim} with the mask "
        "added, which is −∞ above the diagonal; then the weights, which are 0 above the diagonal and sum to 1 in each "
        f"row. The last row gives the most weight, {weights[last, best]:.2f}, to the key “{tokens[best]}”.",
    )


def draw_head_patterns() -> Picture:
    """Where heads with each pattern look, in a text that says something twice."""
    words = ["Oh", "the", "cat", "sat", "the", "cat", "sat"]
    figure, axes = paper(480, 466)
    told = []
    for index, (name, table) in enumerate(looked_at([words.index(word) for word in words])):
        right, below = index % 2, index // 2
        grid = Grid(axes, 44 + right * 236, 56 + below * 232, 26, 22)
        say(axes, grid.x - 34, grid.y - 44, name, **BOLD)
        for row in range(len(words)):
            for column in range(row + 1):
                grid.cell(row, column, opacity=0.8 if table[row, column] else 0.0)
            say(axes, grid.x - 6, grid.middle(row, 0)[1], words[row], ha="right", fontsize=12)
            say(axes, grid.middle(0, row)[0], grid.y - 14, words[row], ha="center", fontsize=12)
        pairs = [f"{words[query]} ({query}) at {words[key]} ({key})" for query, key in np.argwhere(table)]
        told.append(f"{name}: {', '.join(pairs)}")
    return Picture(
        figure,
        "Four patterns of attention heads",
        f"Four tables for the tokens {' '.join(words)}, numbered from 0: rows are queries, columns are keys, and the "
        f"filled cells are where a head with the pattern looks. {'; '.join(told)}.",
    )
