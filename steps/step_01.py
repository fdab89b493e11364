"""Step 01: the model's configuration.

GPT-2 comes in several sizes, which are all the same program with different
numbers. The numbers live in one small class. Its names and defaults are Hugging
Face's, so a `config.json` from the hub can be used as it is.

Tasks:
    1. Read the fields. They are given, with the values of GPT-2 small (124M).
       The tasks below use their names, and what None means.
    2. Reject sizes that are not positive, naming the field and the value.
    3. Reject an `n_embd` that `n_head` does not divide, with this message:
       `n_embd (512) must be divisible by n_head (7)`.
    4. `head_dim`: the width of one head.
    5. `intermediate_size`: the width of the MLP, which is `n_inner`, or four times
       `n_embd` if `n_inner` is None.

Run: `pixi run s01` or `make s01`
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class GPT2Config:
    """The sizes of a GPT-2 model.

    Args:
        vocab_size: number of tokens in the vocabulary.
        n_positions: longest text, in tokens, that the model can read at once.
        n_embd: width of the vector that stands for one token.
        n_layer: number of transformer blocks.
        n_head: number of attention heads in each block.
        n_inner: width of the MLP; None means 4 * n_embd.
        layer_norm_epsilon: added to the variance in layer normalisation.

    Raises:
        ValueError: a size is not positive, or n_head does not divide n_embd.

    Source: Hugging Face `GPT2Config`.
    """

    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    layer_norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        """Checks the sizes once, when the configuration is created."""
        raise NotImplementedError(
            "step 01, tasks 2 and 3: GPT2Config.__post_init__: reject sizes that no model can have"
        )

    @property
    def head_dim(self) -> int:
        """The width of one attention head: n_embd / n_head."""
        raise NotImplementedError(
            "step 01, task 4: GPT2Config.head_dim: work out the width of one head"
        )

    @property
    def intermediate_size(self) -> int:
        """The width of the MLP: n_inner if it is set, else 4 * n_embd."""
        raise NotImplementedError(
            "step 01, task 5: GPT2Config.intermediate_size: work out the width of the MLP"
        )
