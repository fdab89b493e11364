"""Reads from a checkpoint how much each token looks at each other one, in every head, with the course's own model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from max.driver import Device
from max.experimental.tensor import Tensor

from tutor.attention_maps.layers import model_with_forward, query_key_value, run_layers
from tutor.checking.guard import Guard
from tutor.checking.loader import StepModules
from tutor.course import ATTENTION_WEIGHTS, CAUSAL_MASK
from tutor.errors import PictureError
from tutor.generation.borrowing import OnBorrowed, run_or_borrow
from tutor.generation.checkpoint import Checkpoint
from tutor.generation.model import compile_model, open_steps, read_weights, shapes_of
from tutor.generation.tokens import token_text, visible_token
from tutor.graphs.devices import find_device
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import ReturnError, trace
from tutor.graphs.traced import TracedGraph
from tutor.learner.workspace import Workspace
from tutor.protocols import Block, GPT2Config, LanguageModel


@dataclass(frozen=True)
class Reader:
    """A checkpoint whose attention can be read. It is compiled when the first text is read."""

    checkpoint: Checkpoint
    guard: Guard
    config: GPT2Config

    def choose_head(self, layer: int | None, head: int | None) -> tuple[int, int]:
        """The layer and the head to show; None is the first.

        Raises:
            PictureError: the model has no such layer or head; the message says which it has.
        """
        layer, head = layer or 0, head or 0
        for name, number, count in (("layer", layer, self.config.n_layer), ("head", head, self.config.n_head)):
            if number >= count:
                allowed = f"this model has {name}s 0 to {count - 1}" if count > 1 else f"this model has only {name} 0"
                raise PictureError(f"there is no {name} {number}: {allowed}")
        return layer, head

    def other_heads(self) -> str:
        """How to ask for another head than the first."""
        last_layer, last_head = self.config.n_layer - 1, self.config.n_head - 1
        return f"--layer 0 to {last_layer} and --head 0 to {last_head} show others; --summary finds heads by pattern."

    def encode(self, text: str) -> list[int]:
        """Cuts a text into ids.

        Raises:
            PromptError: the text is empty, too long, or not UTF-8.
        """
        return self.checkpoint.encode(text, "the text")

    def words(self, ids: Sequence[int]) -> list[str]:
        """The tokens as pictures show them."""
        return [visible_token(token_text(self.checkpoint.tokenizer, id_)) for id_ in ids]

    def weights(
        self,
        ids: Sequence[int],
        *,
        device: str,
        cache_folder: Path,
        on_compile: Callable[[int], None],
        on_borrowed: OnBorrowed = lambda told: None,
    ) -> np.ndarray:
        """Computes the weights of all heads: (n_layer, n_head, seq_len, seq_len).

        Args:
            ids: the tokens.
            device: `auto`, `cpu` or `gpu`.
            cache_folder: where compiled graphs are kept.
            on_compile: called before a compile.
            on_borrowed: see `run_or_borrow`.

        Raises:
            CheckpointError: the checkpoint's weights do not fit the model.
            ProblemFound: the code of a step failed.
        """
        where = find_device(device)
        traced = run_or_borrow(
            self.guard,
            ATTENTION_WEIGHTS,
            "the weights of attention",
            lambda: trace_weights(self.guard.view, self.config, where),
            on_borrowed=on_borrowed,
            returns=ReturnError,
        )
        parameters = read_weights(self.guard, self.checkpoint, shapes_of(traced.parameters), on_borrowed)
        layers = compile_model(traced, cache_folder, on_compile)(parameters, np.array([ids], np.int64))
        return np.stack([layer[0] for layer in layers])


def open_reader(checkpoint: Checkpoint, workspace: Workspace, *, own_steps: bool) -> Reader:
    """Takes the course's model for a checkpoint, of the learner's steps or of the solutions.

    Raises:
        CheckpointError: the model refuses the checkpoint's sizes.
        ProblemFound: the code of a step failed.
    """
    return Reader(checkpoint, *open_steps(checkpoint, workspace, own_steps=own_steps, step=ATTENTION_WEIGHTS))


def trace_weights(view: StepModules, config: GPT2Config, device: Device) -> TracedGraph:
    """Traces a graph from ids (batch, seq_len) to n_layer tensors of weights (batch, n_head, seq_len, seq_len).

    Raises:
        ReturnError: step 19 does not give weights of this shape.
        Exception: whatever the code of the steps raises.
    """
    traced = trace(lambda: model_with_weights(view)(config), [TensorSpec("int64", ("batch", "seq_len"))], device)
    expected = TensorSpec("float32", ("batch", config.n_head, "seq_len", "seq_len"))
    for output in traced.outputs:
        if output != expected:
            raise ReturnError(f"the weights have the shape {output.dims} where {expected.dims} is expected")
    return traced


def model_with_weights(view: StepModules) -> Callable[[GPT2Config], Callable[[Tensor], tuple[Tensor, ...]]]:
    """The class of step 13's model, made to return the weights that step 19 computes in each of its layers."""
    causal_mask, attention = view[CAUSAL_MASK].causal_mask, view[ATTENTION_WEIGHTS].scaled_dot_product_attention

    def forward(model: LanguageModel, input_ids: Tensor) -> tuple[Tensor, ...]:
        weights: list[Tensor] = []

        def run_block(block: Block, x: Tensor) -> Tensor:
            query, key, value = query_key_value(block, x)
            visible = causal_mask(query.shape[-2], 0, dtype=query.dtype, device=query.device) == 0
            result = attention(query, key, value, visible)
            if not isinstance(result, tuple) or len(result) != 2:
                raise ReturnError("step 19's attention must return its output and its weights")
            weights.append(result[1])  # (batch, n_head, seq_len, seq_len)
            return block(x)

        run_layers(model, input_ids, run_block)
        return tuple(weights)

    return model_with_forward(view, forward)
