"""The check of step 10: residual connections and pre-norm."""

from collections.abc import Callable

import numpy as np

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Code, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.subjects import SHIPPED
from tutor.graphs.tensor_spec import TensorSpec


def _around_linear(code: Code) -> Callable[..., object]:
    from max.experimental.nn import Linear

    return code[10].PreNormResidual(36, Linear(36, 36))


def _mlp(n_embd: int, n_inner: int, eps: float) -> Subject:
    """A residual step around an MLP."""

    def build(code: Code) -> Callable[..., object]:
        mlp = code[4].GPT2MLP(n_inner, code[1].GPT2Config(n_embd=n_embd))
        return code[10].PreNormResidual(n_embd, mlp, eps=eps)

    tokens = TensorSpec("float32", ("batch", "seq_len", n_embd))
    settings = {"n_embd": n_embd, "n_inner": n_inner, "layer_norm_epsilon": eps}
    return Subject(
        name=f"an MLP, dim={n_embd}, eps={eps}",
        build=build,
        inputs={"x": tokens},
        outputs={"y": tokens},
        parameters=sizes.joined(ln=sizes.layer_norm(n_embd), sublayer=sizes.mlp(settings)),
        settings=settings,
    )


LINEAR = Subject(
    name="a linear layer, dim=36",
    build=_around_linear,
    inputs={"x": TensorSpec("float32", ("batch", "seq_len", 36))},
    outputs={"y": TensorSpec("float32", ("batch", "seq_len", 36))},
    parameters=sizes.joined(ln=sizes.layer_norm(36), sublayer=sizes.linear(36, 36)),
    settings={"n_embd": 36},
)
MLP = _mlp(24, 50, 0.05)


def numpy_model(
    subject: Subject, parameters: Arrays, inputs: Arrays, *, eps: float | None = None, **mistake: str
) -> Arrays:
    """Step 10 in NumPy; `eps` overrides the layer norm's."""
    eps_used = subject.settings.get("layer_norm_epsilon", 1e-5) if eps is None else eps
    norm = numpy_gpt2.norm_of(parameters, "ln", eps_used)
    sublayer = numpy_gpt2.part(parameters, "sublayer")

    def apply(x: np.ndarray) -> np.ndarray:
        return numpy_gpt2.linear(x, **sublayer) if "weight" in sublayer else numpy_gpt2.mlp(x, sublayer)

    return {"y": numpy_gpt2.residual(inputs["x"], norm, apply, **mistake)}


CHECK = Check(
    names=("PreNormResidual",),
    subjects=(LINEAR, MLP),
    cases=(
        Case(LINEAR.name, {"batch": 2, "seq_len": 5}, seed=1, scale=2.0),
        Case(LINEAR.name, {"batch": 1, "seq_len": 1}, seed=2, shift=1.0),
        Case(MLP.name, {"batch": 3, "seq_len": 4}, seed=3),
        # A small variance, so that epsilon matters.
        Case(LINEAR.name, {"batch": 1, "seq_len": 3}, seed=4, scale=0.01, note="small numbers"),
    ),
    on_text=_mlp(SHIPPED["n_embd"], sizes.intermediate_size(SHIPPED), 1e-5),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "a step without its residual connection",
            "Add the input: `x + self.sublayer(self.ln(x))`.",
            {"kind": "f(ln(x))"},
        ),
        Mistake(
            "post-norm instead of pre-norm",
            "Normalise what the sublayer reads, not the sum: `x + self.sublayer(self.ln(x))`.",
            {"kind": "ln(x + f(x))"},
        ),
        Mistake(
            "a step that adds to the normalised x",
            "Add the result to `x` itself. Do not overwrite `x` with its normalised form.",
            {"kind": "ln(x) + f(ln(x))"},
        ),
        Mistake(
            "a step that normalises the residual stream instead of the sublayer's input",
            "The sublayer reads `self.ln(x)`; `x` is added as it is.",
            {"kind": "ln(x) + f(x)"},
        ),
        Mistake(
            "a step that normalises the sublayer's result",
            "Normalise before the sublayer, not after it: `x + self.sublayer(self.ln(x))`.",
            {"kind": "x + ln(f(x))"},
        ),
        Mistake(
            "a step without its layer norm",
            "The sublayer reads `self.ln(x)`, not `x`.",
            {"kind": "x + f(x)"},
        ),
        Mistake(
            "a step without its sublayer",
            "Apply `self.sublayer` to the normalised `x`.",
            {"kind": "x + ln(x)"},
        ),
        Mistake(
            "a layer norm that does not get `eps`",
            "Pass the argument on: `LayerNorm(dim, eps=eps)`.",
            {"eps": 1e-5},
        ),
    ),
)
