"""Step 06: position embeddings.

Attention by itself does not know the order of its inputs: shuffle the tokens and
it finds the same matches. So GPT-2 learns a second table, with one row for each
position, and adds the row of a token's position to the token's vector.

Tasks:
    1. Make the parameter `weight`, a table of shape (n_positions, n_embd).
    2. `forward`: number the positions 0, 1, ... up to seq_len - 1. The length is a
       symbolic dimension of `input_ids`, and `F.arange` takes it as its `stop`.
    3. `forward`: gather the row of each position.

Run: `pixi run s06` or `make s06`
"""

from max.dtype import DType
from max.experimental import functional as F
from max.experimental import random
from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config


class GPT2PositionEmbeddings(Module):
    """Looks up the vector of each position.

    y[t] = weight[t]

    Args:
        config: the model's sizes.

    Source: Hugging Face `GPT2Model.wpe`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes the parameter `weight` of shape (n_positions, n_embd)."""
        raise NotImplementedError(
            "step 06, task 1: GPT2PositionEmbeddings.__init__: make the table `weight`"
        )

    def forward(self, input_ids: Tensor) -> Tensor:
        """Maps ids of shape (batch, seq_len) to the vectors of their positions, (seq_len, n_embd)."""
        raise NotImplementedError(
            "step 06, tasks 2 and 3: GPT2PositionEmbeddings.forward: number the positions and look up their rows"
        )
