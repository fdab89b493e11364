"""Chapter 10: one residual step by hand, and what is left of the input after many sublayers."""

# ANCHOR: example
import numpy as np


def layer_norm(x):
    return (x - x.mean()) / x.std()


def sublayer(v):  # reads the first entry, writes to the last
    return np.array([0, 0, 0, 2 * v[0]])


x = np.array([5, 5, 1, 1])

for name, y in (
    ("layer_norm(x)", layer_norm(x)),
    ("replace", sublayer(layer_norm(x))),
    ("pre-norm", x + sublayer(layer_norm(x))),
    ("post-norm", layer_norm(x + sublayer(x))),
):
    print(f"{name:14}", *(f"{entry:6.2f}" for entry in y))
# ANCHOR_END: example

import json

from book.paths import DATA

# ANCHOR: stack
rng = np.random.default_rng(0)
n_embd, sublayers = 192, 24
matrices = rng.standard_normal((sublayers, n_embd, n_embd)) / np.sqrt(n_embd)
inputs = rng.standard_normal((100, n_embd))


def normalised(x):
    centered = x - x.mean(axis=-1, keepdims=True)
    return centered / centered.std(axis=-1, keepdims=True)


def cosine(a, b):
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return ((a * b).sum(axis=-1) / lengths).mean()


def survives(keep, scale=1.0):
    x = inputs  # keep is 1 to add to the input, 0 to replace it
    for matrix in matrices:
        x = keep * x + scale * normalised(x) @ matrix
    return cosine(inputs, x)
    # ANCHOR_END: stack


def gradient_survives(keep: int, scale: float = 1.0) -> float:
    """The same for the backward pass: how much of the gradient at the output is still in the gradient at the input."""
    stream = [inputs]
    for matrix in matrices:
        stream.append(keep * stream[-1] + scale * normalised(stream[-1]) @ matrix)
    at_output = rng.standard_normal(inputs.shape)
    gradient = at_output
    for x, matrix in zip(reversed(stream[:-1]), reversed(matrices), strict=True):
        # The norm's derivative removes the mean and the component along the vector, and divides by the vector's size.
        y, at_norm = normalised(x), scale * gradient @ matrix.T
        along = (at_norm * y).mean(axis=-1, keepdims=True)
        at_norm = at_norm - at_norm.mean(axis=-1, keepdims=True) - along * y
        gradient = keep * gradient + at_norm / x.std(axis=-1, keepdims=True)
    return cosine(at_output, gradient)


from book.captures import Capture

_, _, data = (DATA / "attention.js").read_text(encoding="utf-8").partition("courseData.attention = ")
stream = json.loads(data.strip().removesuffix(";"))["stream"]
lengths = np.mean(stream["norm"], axis=1)
added = dict(zip(stream["sublayers"], np.mean(stream["added"], axis=1), strict=True))

NUMBERS = {
    "replaced": f"{abs(survives(0)):.2f}",
    "added": f"{survives(1):.2f}",
    "added_scaled": f"{survives(1, 1 / np.sqrt(sublayers)):.2f}",
    "gradient_replaced": f"{abs(gradient_survives(0)):.2f}",
    "gradient_added": f"{gradient_survives(1):.2f}",
    "stream_first": f"{lengths[0]:.2f}",
    "stream_last": f"{lengths[-1]:.1f}",
    "stream_growth": f"{lengths[-1] / lengths[0]:.0f}",
    "stream_before_last": f"{lengths[-2]:.1f}",
    "first_mlp": f"{added['h[0].mlp']:.1f}",
    "last_mlp": f"{added['h[3].mlp']:.1f}",
    "unit_length": f"{np.sqrt(192):.1f}",
}

FORWARD = "return x + self.sublayer(self.ln(x))"
CAPTURES = {
    "no_residual": Capture(replace=((FORWARD, "return self.sublayer(self.ln(x))"),)),
    "post_norm": Capture(replace=((FORWARD, "return self.ln(x + self.sublayer(x))"),)),
    "eps_position": Capture(replace=(("LayerNorm(dim, eps=eps)", "LayerNorm(dim, eps)"),)),
    "other_name": Capture(replace=(("self.ln = ", "self.norm = "), ("self.ln(x)", "self.norm(x)"))),
}
