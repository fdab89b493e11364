"""Chapter 03: layer norm by hand, and what many layers do to a vector with and without it."""

# ANCHOR: example
import numpy as np

x = np.array([[3, 9, 11, 17], [30, 90, 110, 170], [2, 2, 2, 2]])
weight = np.array([1, 1, 1, 0.5])
bias = np.array([0, 0, 5, 0])

mean = x.mean(axis=-1, keepdims=True)
centred = x - mean
variance = (centred * centred).mean(axis=-1, keepdims=True)
normalised = centred / np.sqrt(variance + 1e-5)
output = normalised * weight + bias

results = {"mean": mean, "variance": variance, "normalised": normalised, "output": output}
for name, array in results.items():
    print(name, array.shape)
    print(np.round(array, 2))
# ANCHOR_END: example


# ANCHOR: layers
def size_after(layers: int, factor: float, *, normalise: bool) -> float:
    """The typical size of a vector's entries after many random layers."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=64)
    for _ in range(layers):
        if normalise:
            x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        matrix = rng.normal(scale=1 / np.sqrt(64), size=(64, 64))
        x = factor * (matrix @ x)
    return float(np.sqrt((x * x).mean()))


exploded = size_after(50, 1.25, normalise=False)
# ANCHOR_END: layers

from safetensors.numpy import load_file

from book.captures import Capture
from tutor.learner.workspace import REPOSITORY

trained = load_file(REPOSITORY / "checkpoints" / "shakespeare" / "model.safetensors")
first_weight, last_weight = (trained[f"transformer.{name}.weight"] for name in ("h.0.ln_1", "ln_f"))


def digits(size: float) -> str:
    """Two digits, and no powers of ten."""
    rounded = float(f"{size:.1e}")
    if rounded >= 10:
        return f"{rounded:,.0f}"
    return np.format_float_positional(rounded, precision=2, fractional=False, min_digits=2)


NUMBERS = {
    f"{name}_{layers}_{'norm' if normalise else 'bare'}": digits(size_after(layers, factor, normalise=normalise))
    for name, factor in (("smaller", 0.8), ("larger", 1.25))
    for layers in (1, 10, 50)
    for normalise in (False, True)
} | {
    "sample_percent": f"{100 * (np.sqrt(768 / 767) - 1):.3f}",
    "eps_percent": f"{100 * (1 - 1 / np.sqrt(1 + 1e-5)):.4f}",
    "first_lowest": f"{first_weight.min():.2f}",
    "first_highest": f"{first_weight.max():.2f}",
    "last_lowest": f"{last_weight.min():.2f}",
    "last_highest": f"{last_weight.max():.2f}",
}

VARIANCE = "F.mean(centered * centered, axis=-1)"
CAPTURES = {
    "other_name": Capture(
        replace=(("self.weight = Tensor.ones", "self.gamma = Tensor.ones"), ("* self.weight", "* self.gamma"))
    ),
    "no_var": Capture(replace=((VARIANCE, "F.var(x, axis=-1)"),)),
    "sample_variance": Capture(
        replace=((VARIANCE, "F.sum(centered * centered, axis=-1) / (int(x.shape[-1]) - 1)"),),
    ),
    "epsilon_outside": Capture(replace=(("* F.rsqrt(variance + self.eps)", "/ (F.sqrt(variance) + self.eps)"),)),
}
