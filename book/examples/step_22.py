"""Chapter 22: the softmax backwards by hand, and what the scale does for training."""

# ANCHOR: example
import numpy as np

weights = np.array([0.2, 0.3, 0.5])  # what the softmax gave for one query
grad_weights = np.array([1.0, 0.0, 2.0])  # what came back

common = (grad_weights * weights).sum()
grad_scores = weights * (grad_weights - common)
print("common     ", np.round(common, 3))
print("grad_scores", np.round(grad_scores, 3), "sum", np.round(grad_scores.sum(), 3))

certain = np.array([0.001, 0.001, 0.998])  # a softmax that has made up its mind
print("certain    ", np.round(certain * (grad_weights - (grad_weights * certain).sum()), 4))
# ANCHOR_END: example

from book.captures import Capture
from tutor.checks.numpy import attention_gradients, gpt2

# How much gradient gets through the softmax to the queries, with the scale and without it: 1,000 queries of 16 keys.
rng = np.random.default_rng(22)
head_dim, keys = 64, 16
query, key = rng.standard_normal((1000, 1, head_dim)), rng.standard_normal((1000, keys, head_dim))
back = rng.standard_normal((1000, 1, keys))


def size(scale: float) -> float:
    """The typical size of the gradient of the softmax's input."""
    weights = gpt2.softmax(query @ np.swapaxes(key, -1, -2) * scale)
    return float(np.linalg.norm(attention_gradients.softmax_backward(back, weights), axis=-1).mean())


def certain_queries(scale: float) -> float:
    """The part of the queries that give nearly nothing back."""
    weights = gpt2.softmax(query @ np.swapaxes(key, -1, -2) * scale)
    sizes = np.linalg.norm(attention_gradients.softmax_backward(back, weights), axis=-1)
    return float((sizes < 0.01).mean())


NUMBERS = {
    "common": f"{common:.1f}",
    "raw": f"{size(1.0):.2f}",
    "scaled": f"{size(head_dim**-0.5):.2f}",
    "dead_raw": f"{100 * certain_queries(1.0):.0f} %",
    "dead_scaled": f"{100 * certain_queries(head_dim**-0.5):.0f} %",
    "weights_megabytes": f"{12 * 1024 * 1024 * 4 / 2**20:.0f}",
    "kept_megabytes": f"{12 * 1024 * 4 / 2**10:.0f}",
}

WEIGHTS = "weights = F.softmax(query @ key.transpose(-1, -2) * scale + mask)"
CAPTURES = {
    "diagonal": Capture(
        replace=(
            (
                "return weights * (grad_weights - F.sum(grad_weights * weights, axis=-1))",
                "return weights * (1 - weights) * grad_weights",
            ),
        )
    ),
    "no_mask": Capture(replace=((WEIGHTS, WEIGHTS.replace(" + mask", "")),)),
    "no_scale": Capture(
        replace=(
            (
                "grad_scores = softmax_backward(grad_weights, weights) * scale",
                "grad_scores = softmax_backward(grad_weights, weights)",
            ),
        )
    ),
    "names": Capture(
        replace=(
            (
                'return grad_x, named("c_attn", c_attn) | named("c_proj", c_proj)',
                "return grad_x, c_attn | c_proj",
            ),
        )
    ),
}
