"""Step 13: the language-model head.

The vector at each position must become a score for every token that could come
next. For that, GPT-2 uses the table of step 05 a second time: a token's score is
the dot product of the vector with the token's own row. One matrix, two jobs.

Tasks:
    1. Make `transformer` (step 12) and `lm_head`, a `Linear` from `n_embd` to
       `vocab_size` without a bias.
    2. Tie them: make the head's `weight` the same tensor as `transformer.wte.weight`.
    3. `forward`: apply the transformer, then the head.

Run: `pixi run s13` or `make s13`
"""

from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor

from solutions.solution_01 import GPT2Config
from solutions.solution_12 import MaxGPT2Model


class MaxGPT2LMHeadModel(Module):
    """GPT-2 with its head: maps token ids to logits for the next token.

    logits = transformer(ids) @ wte.weight.T

    Args:
        config: the model's sizes.

    Source: Hugging Face `GPT2LMHeadModel`.
    """

    def __init__(self, config: GPT2Config) -> None:
        """Makes `transformer` and `lm_head`, which share the embedding table."""
        # Tasks 1 and 2: make `transformer` and `lm_head`, and tie their weights.
        self.transformer = MaxGPT2Model(config)
        self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, input_ids: Tensor) -> Tensor:
        """Maps int64 ids of shape (batch, seq_len) to logits (batch, seq_len, vocab_size)."""
        # Task 3: apply the transformer, then the head.
        return self.lm_head(self.transformer(input_ids))
