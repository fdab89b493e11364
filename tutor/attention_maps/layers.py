"""Runs the course's GPT-2 layer by layer, so that a graph can give what the model keeps to itself."""

from collections.abc import Callable

from max.experimental.tensor import Tensor

from tutor.checking.loader import StepModules
from tutor.course import LANGUAGE_MODEL
from tutor.protocols import Block, GPT2Config, LanguageModel

Forward = Callable[[LanguageModel, Tensor], tuple[Tensor, ...]]


def model_with_forward(
    view: StepModules, forward: Forward
) -> Callable[[GPT2Config], Callable[[Tensor], tuple[Tensor, ...]]]:
    """The class of step 13's model with another forward pass, from ids (batch, seq_len) to any tensors.

    A subclass, so that the parameters keep the names of the checkpoint.
    """

    class ModelWithForward(view[LANGUAGE_MODEL].MaxGPT2LMHeadModel):
        def __init__(self, config: GPT2Config) -> None:
            super().__init__(config)

        def forward(self, input_ids: Tensor) -> tuple[Tensor, ...]:
            return forward(self, input_ids)

    return ModelWithForward


def run_layers(model: LanguageModel, input_ids: Tensor, run_block: Callable[[Block, Tensor], Tensor]) -> Tensor:
    """Embeds the ids, and applies the blocks with `run_block`.

    Args:
        model: that of step 13.
        input_ids: int64 of shape (batch, seq_len).
        run_block: takes a block and its input, and gives its output; all of shape (batch, seq_len, n_embd).

    Returns:
        What the last block gives.
    """
    parts = model.transformer
    x = parts.wte(input_ids) + parts.wpe(input_ids)  # (batch, seq_len, n_embd)
    for block in parts.h:
        x = run_block(block, x)
    return x


def query_key_value(block: Block, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The heads of a block's attention for the block's input: each (batch, n_head, seq_len, head_dim)."""
    query, key, value = (block.attn._split_heads(projected) for projected in block.attn.c_attn(block.ln_1(x)))
    return query, key, value
