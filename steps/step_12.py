"""Step 12: the stack of blocks.

The whole body of the model: look up the token and position embeddings, add them,
send the sum through every block, and normalise once more at the end. The last norm
is easy to forget, because it is in no block. Without it, the residual stream would
never be normalised.

Tasks:
    1. Make `wte` (step 05), `wpe` (step 06), `h`, a `ModuleList` of `n_layer`
       blocks (step 11), and `ln_f`, a layer norm (step 03).
    2. `forward`: add the token and the position embeddings.
    3. `forward`: apply the blocks in order, then `ln_f`.

Run: `pixi run s12` or `make s12`
"""

from max.experimental.nn import Module, ModuleList
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config
from steps.step_03 import LayerNorm
from steps.step_05 import GPT2Embeddings
from steps.step_06 import GPT2PositionEmbeddings
from steps.step_11 import GPT2Block


class MaxGPT2Model(Module):
    """GPT-2 without its head: maps token ids to one vector per token.

    x = wte(ids) + wpe(ids);  x = block(x) for each block;  y = ln_f(x)

    Args:
        config: the model's sizes.

    Source: Hugging Face `GPT2Model`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes `wte`, `wpe`, `h` and `ln_f`."""
        raise NotImplementedError(
            "step 12, task 1: MaxGPT2Model.__init__: make `wte`, `wpe`, `h` and `ln_f`"
        )

    def forward(self, input_ids: Tensor) -> Tensor:
        """Maps int64 ids of shape (batch, seq_len) to vectors (batch, seq_len, n_embd)."""
        raise NotImplementedError(
            "step 12, tasks 2 and 3: MaxGPT2Model.forward: add the embeddings, apply the blocks and the last norm"
        )
