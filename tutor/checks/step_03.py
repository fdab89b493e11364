"""The check of step 03: layer normalisation."""

from typing import Any

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.subjects import SHIPPED
from tutor.graphs.tensor_spec import TensorSpec


def _norm(dim: int) -> Subject:
    tokens = TensorSpec("float32", ("batch", "seq_len", dim))
    return Subject(
        name=f"dim={dim}",
        build=lambda code: code[3].LayerNorm(dim),
        inputs={"x": tokens},
        outputs={"y": tokens},
        parameters=sizes.layer_norm(dim),
    )


EVERY_TOKEN = _norm(36)
LARGE_EPSILON = Subject(
    name="dim=20, eps=0.1",
    build=lambda code: code[3].LayerNorm(20, eps=0.1),
    inputs={"x": TensorSpec("float32", ("rows", 20))},
    outputs={"y": TensorSpec("float32", ("rows", 20))},
    parameters=sizes.layer_norm(20),
    settings={"eps": 0.1},
)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 03 in NumPy."""
    return {"y": numpy_gpt2.layer_norm(inputs["x"], **parameters, **{**subject.settings, **mistake})}


CHECK = Check(
    names=("LayerNorm",),
    subjects=(EVERY_TOKEN, LARGE_EPSILON),
    cases=(
        Case(EVERY_TOKEN.name, {"batch": 2, "seq_len": 5}, seed=1),
        Case(EVERY_TOKEN.name, {"batch": 1, "seq_len": 1}, seed=2),
        # A variance of about epsilon: here epsilon is not a small correction.
        Case(EVERY_TOKEN.name, {"batch": 3, "seq_len": 4}, seed=3, scale=0.004, note="small numbers"),
        Case(EVERY_TOKEN.name, {"batch": 2, "seq_len": 3}, seed=4, shift=10.0, note="far from zero", tolerance=1e-4),
        # A variance of 0. Zeros, because the mean of other equal numbers may be off by a rounding error.
        Case(EVERY_TOKEN.name, {"batch": 1, "seq_len": 2}, seed=5, scale=0.0, note="all zero"),
        Case(LARGE_EPSILON.name, {"rows": 6}, seed=6),
    ),
    on_text=_norm(SHIPPED["n_embd"]),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "layer norm with the sample variance",
            "Divide the sum of squares by `dim`, not by `dim - 1`: take the plain mean of the squares.",
            {"ddof": 1},
        ),
        Mistake(
            "layer norm with epsilon outside the square root",
            "Add `eps` to the variance first, then take the root: `rsqrt(variance + eps)`.",
            {"epsilon": "outside"},
        ),
        Mistake(
            "layer norm with the sample deviation plus epsilon",
            "Two things are wrong: divide by `dim`, not by `dim - 1`, and add `eps` to the variance before the root.",
            {"ddof": 1, "epsilon": "outside"},
        ),
        Mistake(
            "layer norm without epsilon",
            "Add `eps` to the variance before you take the root. Otherwise a vector of equal numbers is divided by 0.",
            {"epsilon": "none"},
        ),
        Mistake(
            "layer norm that ignores its argument `eps`",
            "Keep `eps` in `__init__` and use it in `forward`; do not write 1e-5 there.",
            {"eps": 1e-5},
        ),
        Mistake(
            "layer norm that divides by the variance",
            "Divide by the square root of the variance (plus `eps`): use `rsqrt`.",
            {"divisor": "variance"},
        ),
        Mistake(
            "layer norm that multiplies by the standard deviation",
            "Multiply by the reciprocal root, `rsqrt`, or divide by `sqrt`. Now large vectors become even larger.",
            {"divisor": "1/std"},
        ),
        Mistake(
            "layer norm that subtracts the mean in the variance, but not in the result",
            "Subtract the mean from x, and use the difference in the result as well.",
            {"centred": "variance"},
        ),
        Mistake(
            "RMS norm, which does not subtract the mean at all",
            "Subtract the mean from x first, and use the difference in the variance and in the result.",
            {"centred": "neither"},
        ),
        Mistake(
            "layer norm with the mean of the squares of x instead of the variance",
            "Subtract the mean before you square: the variance is the mean of the squares of what is left.",
            {"centred": "result"},
        ),
        *(
            Mistake(
                f"layer norm over {what}",
                "Take mean and variance over the last axis, `axis=-1`: each token's vector is normalised by itself.",
                {"axis": axis},
            )
            for axis, what in ((-2, "the wrong axis"), (0, "the first axis"), (1, "axis 1"))
        ),
        Mistake(
            "layer norm without its bias",
            "Add `self.bias` at the end.",
            {"affine": "weight"},
        ),
        Mistake(
            "layer norm without its weight",
            "Multiply by `self.weight` before you add the bias.",
            {"affine": "bias"},
        ),
        Mistake(
            "layer norm without weight and bias",
            "Multiply the normalised vector by `self.weight` and add `self.bias`.",
            {"affine": "none"},
        ),
        Mistake(
            "layer norm with weight and bias exchanged",
            "Multiply by `self.weight`, which begins as ones, and add `self.bias`, which begins as zeros.",
            {"affine": "exchanged"},
        ),
        Mistake(
            "layer norm with the bias added before the weight is applied",
            "First multiply by `self.weight`, then add `self.bias`.",
            {"affine": "bias, weight"},
        ),
    ),
)
