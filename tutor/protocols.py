"""What the learner writes, as types: of each class, what the tool uses.

The tool imports the code of the steps while it runs, from files that it chooses, where no type checker can follow it.
These protocols say what is to be found there.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor


class GPT2Config(Protocol):
    """Step 01: the sizes of a model."""

    @property
    def vocab_size(self) -> int: ...
    @property
    def n_positions(self) -> int: ...
    @property
    def n_embd(self) -> int: ...
    @property
    def n_layer(self) -> int: ...
    @property
    def n_head(self) -> int: ...
    @property
    def n_inner(self) -> int | None: ...
    @property
    def layer_norm_epsilon(self) -> float: ...
    @property
    def head_dim(self) -> int: ...


class Attention(Protocol):
    """Step 09: multi-head attention."""

    head_dim: int
    c_attn: "Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]"
    c_proj: "Callable[[Tensor], Tensor]"

    def _split_heads(self, x: "Tensor") -> "Tensor": ...
    def _merge_heads(self, x: "Tensor") -> "Tensor": ...


class Block(Protocol):
    """Step 11: a layer of the transformer."""

    ln_1: "Callable[[Tensor], Tensor]"
    attn: Attention
    ln_2: "Callable[[Tensor], Tensor]"
    mlp: "Callable[[Tensor], Tensor]"

    def __call__(self, x: "Tensor", /) -> "Tensor": ...


class Transformer(Protocol):
    """Step 12: the model without its head."""

    wte: "Callable[[Tensor], Tensor]"
    wpe: "Callable[[Tensor], Tensor]"
    h: Iterable[Block]
    ln_f: "Callable[[Tensor], Tensor]"


class LanguageModel(Protocol):
    """Step 13: the complete model."""

    transformer: Transformer
    lm_head: "Callable[[Tensor], Tensor]"


class TrainingConfig(Protocol):
    """Step 25: how a model is trained."""

    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def seq_len(self) -> int: ...
    @property
    def accumulate(self) -> int: ...
