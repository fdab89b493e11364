"""Step 05: token embeddings.

A tokenizer turns text into integers, the ids of the tokens. An id means nothing
by itself, so the model keeps a table with one row of `n_embd` learned numbers for
each token of the vocabulary. It begins by looking up the row of each id.

Tasks:
    1. Make the parameter `weight`, a table of shape (vocab_size, n_embd).
       `random.normal` gives it starting values.
    2. `forward`: gather the row of each id.

Run: `pixi run s05` or `make s05`
"""

from max.experimental import functional as F
from max.experimental import random
from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config


class GPT2Embeddings(Module):
    """Looks up the vector of each token.

    y[b, t] = weight[input_ids[b, t]]

    Args:
        config: the model's sizes.

    Source: Hugging Face `GPT2Model.wte`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes the parameter `weight` of shape (vocab_size, n_embd)."""
        raise NotImplementedError(
            "step 05, task 1: GPT2Embeddings.__init__: make the table `weight`"
        )

    def forward(self, input_ids: Tensor) -> Tensor:
        """Maps int64 ids of shape (batch, seq_len) to vectors (batch, seq_len, n_embd)."""
        raise NotImplementedError(
            "step 05, task 2: GPT2Embeddings.forward: look up the row of each id"
        )
