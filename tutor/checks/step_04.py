"""The check of step 04: the feed-forward network."""

from collections.abc import Callable

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Code, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.subjects import SHIPPED
from tutor.graphs.tensor_spec import TensorSpec


def _mlp(n_embd: int, n_inner: int) -> Subject:
    """An MLP whose width comes from its argument; the configuration would give a different one."""

    def build(code: Code) -> Callable[..., object]:
        return code[4].GPT2MLP(n_inner, code[1].GPT2Config(n_embd=n_embd))

    settings = {"n_embd": n_embd, "n_inner": n_inner}
    tokens = TensorSpec("float32", ("batch", "seq_len", n_embd))
    return Subject(
        name=f"n_embd={n_embd}, intermediate_size={n_inner}",
        build=build,
        inputs={"x": tokens},
        outputs={"y": tokens},
        parameters=sizes.mlp(settings),
        settings=settings,
    )


WIDE, NARROW = _mlp(36, 50), _mlp(24, 15)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: str) -> Arrays:
    """Step 04 in NumPy."""
    return {"y": numpy_gpt2.mlp(inputs["x"], parameters, **mistake)}


CHECK = Check(
    names=("GPT2MLP",),
    subjects=(WIDE, NARROW),
    cases=(
        Case(WIDE.name, {"batch": 2, "seq_len": 5}, seed=1),
        Case(WIDE.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(WIDE.name, {"batch": 3, "seq_len": 4}, seed=3, scale=5.0, note="large numbers"),
        Case(NARROW.name, {"batch": 1, "seq_len": 7}, seed=4),
    ),
    on_text=_mlp(SHIPPED["n_embd"], sizes.intermediate_size(SHIPPED)),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "an MLP with the exact GELU instead of its tanh form",
            'GPT-2 was trained with the approximation. Pass `approximate="tanh"` to `F.gelu`.',
            {"activation": "exact"},
        ),
        Mistake(
            "an MLP with the quick GELU, x * sigmoid(1.702 x)",
            'GPT-2 uses a different approximation. Pass `approximate="tanh"` to `F.gelu`.',
            {"activation": "quick"},
        ),
        *(
            Mistake(
                f"an MLP whose GELU is written out {how}",
                "The formula is 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))); `F.gelu` with "
                '`approximate="tanh"` computes it.',
                {"activation": activation},
            )
            for activation, how in {
                "square for cube": "with a square in place of the cube",
                "without the half": "without the factor 0.5",
                "without the root": "without the square root of 2 / pi",
                "without the cube": "without the term with the cube",
            }.items()
        ),
        Mistake(
            "an MLP with ReLU instead of GELU",
            'Use `F.gelu` with `approximate="tanh"`.',
            {"activation": "relu"},
        ),
        Mistake(
            "an MLP with SiLU instead of GELU",
            'Use `F.gelu` with `approximate="tanh"`.',
            {"activation": "silu"},
        ),
        Mistake(
            "an MLP with tanh instead of GELU",
            'The tanh is only part of the formula of GELU: use `F.gelu` with `approximate="tanh"`.',
            {"activation": "tanh alone"},
        ),
        Mistake(
            "an MLP without its activation",
            "Apply `F.gelu` between `c_fc` and `c_proj`. Without it, two linear layers do nothing that one could not.",
            {"activation": "none"},
        ),
        Mistake(
            "an MLP with its activation after c_proj",
            "Apply `F.gelu` to what `c_fc` returns; nothing comes after `c_proj`.",
            {"after": "c_proj"},
        ),
        Mistake(
            "an MLP without the bias of c_fc",
            "`c_fc` is a `Linear` layer with a bias: apply the whole layer.",
            {"biases": "c_proj"},
        ),
        Mistake(
            "an MLP without the bias of c_proj",
            "`c_proj` is a `Linear` layer with a bias: apply the whole layer.",
            {"biases": "c_fc"},
        ),
        Mistake(
            "an MLP without biases",
            "Both are `Linear` layers with a bias: apply the whole layers.",
            {"biases": "none"},
        ),
    ),
)
