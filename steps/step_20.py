"""Step 20: the loss and its gradient.

Training needs one number that says how wrong the model is. GPT-2's is the
cross-entropy: the mean, over all tokens, of minus the logarithm of the probability
that the model gave to the token that came next. Then it needs to know how that
number changes with each logit, which is its gradient. Everything that follows in
this part carries that gradient backwards, layer by layer.

Tasks:
    1. `next_token_targets`: the target of each position is the token after it; the
       last position has none.
    2. `cross_entropy`: the mean of -log(probability of the target), over the
       targets that count. It must survive logits of 10,000.
    3. `cross_entropy_backward`: the gradient of the loss with respect to the logits,
       (softmax - one-hot) / count.

Run: `pixi run s20` or `make s20`
"""

from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor

# The target of a position that has none. PyTorch and Hugging Face use the same number.
IGNORE_INDEX = -100


@F.functional
def next_token_targets(input_ids: Tensor) -> Tensor:
    """Finds the token that each position has to predict: the one that comes next.

    targets[b, t] = input_ids[b, t + 1], and IGNORE_INDEX at the last position

    Args:
        input_ids: int64 of shape (batch, seq_len).

    Returns:
        The targets, int64 of shape (batch, seq_len).

    Source: Hugging Face `ForCausalLMLoss`, which shifts its labels.
    """
    raise NotImplementedError(
        "step 20, task 1: next_token_targets: move every token one place to the left, and end each row with IGNORE_INDEX"
    )


def counts(targets: Tensor) -> Tensor:
    """1.0 for each target that counts, and 0.0 for each IGNORE_INDEX: float32, in the shape of `targets`. (Given.)"""
    return F.not_equal(targets, IGNORE_INDEX).cast(DType.float32)


def one_hot(targets: Tensor, vocab_size: int) -> Tensor:
    """Marks the targets: float32 of shape (batch, seq_len, vocab_size), all zeros for IGNORE_INDEX. (Given.)"""
    tokens = F.arange(0, vocab_size, dtype=DType.int64, device=targets.device)  # (vocab_size,)
    return F.equal(F.unsqueeze(targets, -1), tokens).cast(DType.float32)


@F.functional
def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Says how wrong the logits are: the mean surprise, in nats, at the targets.

    loss = -sum(log(softmax(logits))[target]) / count

    Args:
        logits: float32 of shape (batch, seq_len, vocab_size).
        targets: int64 of shape (batch, seq_len); those that are IGNORE_INDEX do not count, and one at least does.

    Returns:
        The loss, a single number: float32 of shape ().

    Source: PyTorch `cross_entropy`; Hugging Face `ForCausalLMLoss`.
    """
    raise NotImplementedError(
        "step 20, task 2: cross_entropy: take the logarithms of the probabilities, pick the targets' ones, and average those that count"
    )


@F.functional
def cross_entropy_backward(logits: Tensor, targets: Tensor) -> Tensor:
    """Says how the loss changes with each logit.

    gradient = (softmax(logits) - one_hot(target)) / count, and 0 where the target does not count

    Args:
        logits: float32 of shape (batch, seq_len, vocab_size).
        targets: int64 of shape (batch, seq_len), as in `cross_entropy`.

    Returns:
        The gradient of `cross_entropy`, of the shape of `logits`.

    Source: "Deep Learning" (Goodfellow, Bengio, Courville 2016), section 6.2.2.3.
    """
    raise NotImplementedError(
        "step 20, task 3: cross_entropy_backward: subtract the one-hot targets from the probabilities, and share the mean out"
    )
