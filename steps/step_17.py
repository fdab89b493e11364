"""Step 17: batches of prompts of different lengths.

A decoding step spends most of its time reading the weights, and one reading can serve
many texts. But all rows of a tensor have the same length, while prompts differ. So short
prompts are padded on the left. No token may see the padding, and it does not count as a
position: each row must compute exactly what it would compute alone.

Tasks:
    1. `pad_left`: pad the prompts to the length of the longest, and record where each
       one starts.
    2. `forward`, positions: the first real token of each row has position 0. Padding
       has no position; any valid one will do.
    3. `forward`, mask: a token sees the keys from its row's first token up to its own.
       Give the keys of padding the column `NEVER`, and compare as in step 16. Padding
       itself sees nothing, and the softmax of a row of nothing but -inf is NaN. So hide
       keys with -1e30, which has the same effect in every other row.
    4. `generate_batch`: write the loop of step 16 for all rows at once. A row that has
       ended yields nothing more, and the others go on.

Run: `pixi run s17` or `make s17`
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import TensorValue

from steps.step_14 import choose_token
from steps.step_16 import CachedGPT2LMHeadModel, mask_of, tokens_after

NEVER = 2**62  # a column beyond all others: no token sees a key that has this column


def pad_left(prompts: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Pads prompts of different lengths on the left, so that they fit into one array.

    Args:
        prompts: the tokens of each row.

    Returns:
        The ids, int64 of shape (batch, seq_len), with any id for padding; and the column in which
        each row starts, int64 of shape (batch,).

    Source: Hugging Face tokenizers with `padding_side="left"`.
    """
    raise NotImplementedError(
        "step 17, task 1: pad_left: pad the prompts on the left"
    )


class BatchedGPT2LMHeadModel(CachedGPT2LMHeadModel):
    """GPT-2 with caches, for a batch whose rows start in different columns.

    Source: Hugging Face `GPT2LMHeadModel` with `attention_mask` and `position_ids`.
    """

    def forward(self, input_ids: Tensor, num_tokens: Tensor, starts: Tensor, *caches: Tensor) -> Tensor:
        """Runs the model on the new tokens of all rows.

        Args:
            input_ids: the new tokens, int64 of shape (batch, seq_len).
            num_tokens: how many columns are in the caches, an int64 scalar on the CPU.
            starts: the column of each row's first token, int64 of shape (batch,).
            caches: keys and values of each layer, as in step 16.

        Returns:
            The logits that follow the last column, of shape (batch, vocab_size).
        """
        raise NotImplementedError(
            "step 17, tasks 2 and 3: BatchedGPT2LMHeadModel.forward: compute the positions and the mask of each row"
        )


def choose_greedily(row: int, logits: np.ndarray) -> int:
    """Takes the likeliest token, whatever the row is. (Given.)"""
    return choose_token(logits)


def generate_batch(
    model: Callable[..., Tensor],
    caches: Sequence[Tensor],
    prompts: Sequence[list[int]],
    *,
    n_positions: int,
    max_new_tokens: int,
    eos_token_id: int | None = None,
    choose: Callable[[int, np.ndarray], int] = choose_greedily,
) -> Iterator[tuple[int, int]]:
    """Continues all prompts together.

    Args:
        model: maps ids (batch, seq_len), the number of columns in the caches (an int64 scalar), the
            starts (batch,) and the caches to logits (batch, vocab_size).
        caches: as in step 16, with one row for each prompt.
        prompts: the tokens of each row, at least one per row.
        n_positions: how many columns the caches have room for; when full, half as many, rounded down, are read again.
        max_new_tokens: a row ends after this many new tokens.
        eos_token_id: a row ends after this token; None ends no row.
        choose: chooses a token for a row from its logits of shape (vocab_size,).

    Yields:
        (row, token) for each new token, as soon as it is chosen.

    Raises:
        ValueError: a prompt is empty.

    Source: Hugging Face `GenerationMixin.generate` with a batch.
    """
    raise NotImplementedError(
        "step 17, task 4: generate_batch: read all prompts, then one token per row at a time"
    )
