"""The loss of step 20 and its gradient in NumPy, in float64, with the mistakes that learners make."""

import numpy as np

IGNORE_INDEX = -100


def next_token_targets(input_ids: np.ndarray, *, shift: str = "one to the left") -> np.ndarray:
    """The targets of a text. `shift` says what becomes of the tokens."""
    targets = np.full_like(input_ids, IGNORE_INDEX)
    match shift:
        case "one to the left":
            targets[:, :-1] = input_ids[:, 1:]
        case "none":
            targets = input_ids.copy()
        case "one to the right":
            targets[:, 1:] = input_ids[:, :-1]
        case "two to the left":
            targets[:, :-2] = input_ids[:, 2:]
        case "in a circle":
            targets = np.roll(input_ids, -1, axis=1)
        case "ends with the last token":
            targets = np.concatenate([input_ids[:, 1:], input_ids[:, -1:]], axis=1)
        case "ends with token 0":
            targets = np.concatenate([input_ids[:, 1:], 0 * input_ids[:, -1:]], axis=1)
        case "between texts":
            targets[:-1] = input_ids[1:]
        case "none, without the last":
            targets[:, :-1] = input_ids[:, :-1]
    return targets


def _weights(targets: np.ndarray, over: str) -> np.ndarray:
    """How much each position counts in the mean: (batch, seq_len)."""
    counted = (targets != IGNORE_INDEX).astype(np.float64)
    match over:
        case "targets that count":
            return counted / counted.sum()
        case "all positions":
            return counted / counted.size
        case "nothing":
            return counted
        case "texts":
            each = counted.sum(axis=1, keepdims=True)
            return counted / np.maximum(each, 1) / len(targets)
        case "texts alone":
            return counted / len(targets)
        case "ignored ones too":
            return np.full(counted.shape, 1 / counted.size)
        case "ignored ones too, by those that count":
            return np.ones(counted.shape) / counted.sum()
    raise ValueError(over)


def _one_hot(targets: np.ndarray, vocab_size: int, ignored: str = "nothing") -> np.ndarray:
    if ignored == "token 0":
        targets = np.where(targets == IGNORE_INDEX, 0, targets)
    elif ignored == "from the end":
        targets = np.where(targets == IGNORE_INDEX, targets % vocab_size, targets)
    return (targets[..., None] == np.arange(vocab_size)).astype(np.float64)


def log_softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithms of the probabilities."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def cross_entropy(
    logits: np.ndarray,
    targets: np.ndarray,
    *,
    over: str = "targets that count",
    factor: float = 1.0,
    of: str = "log probability",
    stable: bool = True,
    ignored: str = "nothing",
    axis: int = -1,
) -> np.ndarray:
    """The loss. `over` says what the mean is taken of, `of` what is averaged, `factor` what it is multiplied by."""
    logits = logits.astype(np.float64)
    log_probabilities = log_softmax(logits, axis)
    if not stable:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            # In float32, as the graph would.
            exponentials = np.exp(logits.astype(np.float32))
            log_probabilities = np.log(exponentials / exponentials.sum(axis=axis, keepdims=True)).astype(np.float64)
    if of == "probability":
        log_probabilities = np.exp(log_probabilities)
    elif of == "logit":
        log_probabilities = logits
    one_hot = _one_hot(targets, logits.shape[-1], ignored)
    with np.errstate(invalid="ignore"):
        picked = (log_probabilities * one_hot).sum(axis=-1)
        return np.array(-factor * (picked * _weights(targets, over)).sum())


def cross_entropy_backward(
    logits: np.ndarray,
    targets: np.ndarray,
    *,
    over: str = "targets that count",
    factor: float = 1.0,
    of: str = "softmax - one-hot",
    ignored: str = "nothing",
    axis: int = -1,
) -> np.ndarray:
    """The gradient of the loss, with the same mistakes; `of` says what it is made of."""
    logits = logits.astype(np.float64)
    probabilities = np.exp(log_softmax(logits, axis))
    one_hot = _one_hot(targets, logits.shape[-1], ignored)
    error = {
        "softmax - one-hot": probabilities - one_hot,
        "softmax": probabilities,
        "one-hot": -one_hot,
        "logits - one-hot": logits - one_hot,
        "log softmax - one-hot": log_softmax(logits, axis) - one_hot,
        "at the targets": (probabilities - 1) * one_hot,
    }[of]
    return factor * error * _weights(targets, over)[..., None]
