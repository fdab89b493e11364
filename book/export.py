"""Runs the course's model on the shipped checkpoint, and writes the data that the book's pictures show.

One MAX graph returns the logits and what leads to them: queries, keys and values, scores, weights,
and the residual stream. The data files are plain scripts that set a variable, because a page that is
opened from a file may not read other files in any other way.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from max.driver import CPU
from max.experimental import functional as F
from max.experimental.tensor import Tensor

from book.paths import DATA
from tutor.attention_maps.layers import model_with_forward, query_key_value, run_layers
from tutor.checking.loader import StepModules
from tutor.course import ATTENTION, CAUSAL_MASK, CONFIGURATION, PRETRAINED_WEIGHTS
from tutor.files import write_atomically
from tutor.generation.checkpoint import Checkpoint, open_checkpoint
from tutor.generation.engines import trace_model
from tutor.generation.model import shapes_of
from tutor.generation.tokens import token_text
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder
from tutor.protocols import Block, GPT2Config, LanguageModel

# A speaker, a new line, words in several pieces: what several heads do with these is easy to see.
SENTENCE = "JULIET:\nGood morrow, my lord.\n"

# From a next token that is almost certain to one that could be nearly anything.
PROMPTS = ("First Citizen", "KING RICHARD", "I pray", "I will not")

# What the graph with the insides returns, in this order. All but the first have the layers as their first axis.
INSIDES = ("logits", "stream", "added", "query", "key", "value", "scores", "weights", "attended", "attended_step_08")

_DIGITS = 6


def compute() -> dict[str, dict[str, object]]:
    """Runs MAX and gives the data of the pictures.

    Returns:
        "attention" and "sampling", which `write` writes, unrounded; and "max", what the graphs
        computed for the same sentence, for comparison: for each layer, head, query and key the masked
        "scores" and the "weights"; for each layer, head, query and dimension the result of attention,
        "attended", and the same from step 08's own function, "attended_step_08"; and the "logits" of
        the graph with the insides and those of the plain model, "logits_step_13".
    """
    checkpoint = open_checkpoint(Workspace(REPOSITORY).checkpoint)
    run_insides, run_model = _compile(checkpoint)
    ids = checkpoint.tokenizer.encode(SENTENCE).ids
    inside = run_insides(ids)
    return {
        "attention": _attention(ids, inside, checkpoint),
        "sampling": {
            "tokens": [token_text(checkpoint.tokenizer, id_) for id_ in range(checkpoint.sizes["vocab_size"])],
            "prompts": [
                {"text": prompt, "logits": run_model(checkpoint.tokenizer.encode(prompt).ids)[-1].tolist()}
                for prompt in PROMPTS
            ],
        },
        "max": {
            **{name: inside[name].tolist() for name in ("scores", "weights", "attended", "attended_step_08", "logits")},
            "logits_step_13": run_model(ids).tolist(),
        },
    }


def write() -> None:
    """Writes `attention.js` and `sampling.js`, with numbers of six significant digits."""
    computed = compute()
    DATA.mkdir(parents=True, exist_ok=True)
    for name in ("attention", "sampling"):
        content = json.dumps(_rounded(computed[name]), separators=(",", ":"))
        write_atomically(
            _file(name),
            "// Written by `python -m book refresh data`: outputs of the course's model, computed by MAX.\n"
            "window.courseData = window.courseData || {};\n"
            f"window.courseData.{name} = {content};\n",
        )


def load(name: str) -> dict[str, Any]:
    """Reads a data file back: "attention" or "sampling"."""
    _, _, content = _file(name).read_text(encoding="utf-8").partition(f"window.courseData.{name} = ")
    return json.loads(content.rstrip().removesuffix(";"))


def _file(name: str) -> Path:
    return DATA / f"{name}.js"


def _compile(
    checkpoint: Checkpoint,
) -> tuple[Callable[[Sequence[int]], dict[str, np.ndarray]], Callable[[Sequence[int]], np.ndarray]]:
    """Two functions of a prompt's ids: one returns the insides by name, the other the plain model's logits."""
    view = StepModules(Workspace(REPOSITORY), own=[])
    insides = trace(
        lambda: _model_with_insides(view)(view[CONFIGURATION].GPT2Config(**checkpoint.sizes)),
        [TensorSpec("int64", ("batch", "seq_len"))],
        CPU(),
    )
    model = trace_model(view, view[CONFIGURATION].GPT2Config(**checkpoint.sizes), CPU())
    parameters = view[PRETRAINED_WEIGHTS].read_weights(checkpoint.folder, shapes_of(model.parameters))
    run_insides, run_model = CompileCache(cache_folder()).load([insides, model])

    def batch(ids: Sequence[int]) -> np.ndarray:
        return np.array([ids], dtype=np.int64)

    def insides_of(ids: Sequence[int]) -> dict[str, np.ndarray]:
        logits, *stacked = run_insides(parameters, batch(ids))
        values = [logits[0], *(array[:, 0] for array in stacked)]
        return dict(zip(INSIDES, values, strict=True))

    def logits_of(ids: Sequence[int]) -> np.ndarray:
        (logits,) = run_model(parameters, batch(ids))
        return logits[0]

    return insides_of, logits_of


def _model_with_insides(view: StepModules) -> Callable[[GPT2Config], Callable[[Tensor], tuple[Tensor, ...]]]:
    """Step 13's model, changed to return the tensors named in `INSIDES`: the same modules in the same order."""
    causal_mask = view[CAUSAL_MASK].causal_mask
    scaled_dot_product_attention = view[ATTENTION].scaled_dot_product_attention

    def forward(model: LanguageModel, input_ids: Tensor) -> tuple[Tensor, ...]:
        stream: list[Tensor] = []
        added: list[Tensor] = []
        per_layer: list[tuple[Tensor, ...]] = []

        def run_block(block: Block, x: Tensor) -> Tensor:
            attn = block.attn
            query, key, value = query_key_value(block, x)
            mask = causal_mask(query.shape[-2], 0, dtype=query.dtype, device=query.device)
            scores = query @ key.transpose(-1, -2) / attn.head_dim**0.5 + mask  # (batch, n_head, seq_len, seq_len)
            weights = F.softmax(scores)
            attended = weights @ value  # (batch, n_head, seq_len, head_dim)
            per_layer.append(
                (query, key, value, scores, weights, attended, scaled_dot_product_attention(query, key, value))
            )
            stream.append(x)
            added.append(attn.c_proj(attn._merge_heads(attended)))  # (batch, seq_len, n_embd)
            x = x + added[-1]
            stream.append(x)
            added.append(block.mlp(block.ln_2(x)))
            return x + added[-1]

        stream.append(run_layers(model, input_ids, run_block))
        logits = model.lm_head(model.transformer.ln_f(stream[-1]))
        stacked = [F.stack(list(values), axis=0) for values in (stream, added, *zip(*per_layer, strict=True))]
        return logits, *stacked

    return model_with_forward(view, forward)


def _attention(ids: Sequence[int], inside: Mapping[str, np.ndarray], checkpoint: Checkpoint) -> dict[str, object]:
    n_layer, n_head, _, head_dim = inside["query"].shape
    sublayers = [f"h[{layer}].{name}" for layer in range(n_layer) for name in ("attn", "mlp")]
    return {
        "text": SENTENCE,
        "tokens": [token_text(checkpoint.tokenizer, id_) for id_ in ids],
        "ids": list(ids),
        "n_layer": n_layer,
        "n_head": n_head,
        "head_dim": head_dim,
        "layers": [
            {name: inside[name][layer].tolist() for name in ("query", "key", "value")} for layer in range(n_layer)
        ],
        # One length for each token: of the stream after each part, and of what each sublayer adds to it.
        "stream": {
            "places": ["embeddings", *sublayers],
            "norm": _lengths(inside["stream"]),
            "sublayers": sublayers,
            "added": _lengths(inside["added"]),
        },
    }


def _lengths(vectors: np.ndarray) -> list[list[float]]:
    """The length (L2 norm) of each vector on the last axis."""
    return np.linalg.norm(vectors.astype(np.float64), axis=-1).tolist()


def _rounded(value: object) -> object:
    """The same data, with floats rounded to six significant digits."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
