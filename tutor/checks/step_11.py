"""The check of step 11: the transformer block."""

from typing import Any

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.subjects import SHIPPED, built
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings


def _block(settings: Settings) -> Subject:
    tokens = TensorSpec("float32", ("batch", "seq_len", settings["n_embd"]))
    return Subject(
        name=", ".join(f"{name}={value}" for name, value in settings.items()),
        build=built(11, "GPT2Block", settings),
        inputs={"x": tokens},
        outputs={"y": tokens},
        parameters=sizes.block(settings),
        settings=settings,
    )


PLAIN = _block({"n_embd": 36, "n_head": 3})
OTHER = _block({"n_embd": 24, "n_head": 4, "n_inner": 50, "layer_norm_epsilon": 0.05})


def numpy_model(
    subject: Subject, parameters: Arrays, inputs: Arrays, *, eps: float | None = None, **mistake: Any
) -> Arrays:
    """Step 11 in NumPy; `eps` overrides the configuration's."""
    eps_used = subject.settings.get("layer_norm_epsilon", 1e-5) if eps is None else eps
    return {"y": numpy_gpt2.block(inputs["x"], parameters, n_head=subject.settings["n_head"], eps=eps_used, **mistake)}


CHECK = Check(
    names=("GPT2Block",),
    subjects=(PLAIN, OTHER),
    cases=(
        Case(PLAIN.name, {"batch": 2, "seq_len": 5}, seed=1, scale=2.0),
        Case(PLAIN.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(OTHER.name, {"batch": 3, "seq_len": 7}, seed=3),
    ),
    on_text=_block({"n_embd": SHIPPED["n_embd"], "n_head": SHIPPED["n_head"]}),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "a block without the residual connection around attention",
            "The first step is `x = x + self.attn(self.ln_1(x))`.",
            {"attn": "f(ln(x))"},
        ),
        Mistake(
            "a block without the residual connection around the MLP",
            "The second step is `x = x + self.mlp(self.ln_2(x))`.",
            {"mlp_step": "f(ln(x))"},
        ),
        Mistake(
            "a block without its residual connections",
            "Each step adds to its input: `x = x + ...`.",
            {"attn": "f(ln(x))", "mlp_step": "f(ln(x))"},
        ),
        Mistake(
            "a block with post-norm instead of pre-norm",
            "Normalise what attention and the MLP read, not the sums: `x = x + self.attn(self.ln_1(x))`.",
            {"attn": "ln(x + f(x))", "mlp_step": "ln(x + f(x))"},
        ),
        *(
            Mistake(
                f"a block whose {which} step {how}",
                f"Normalise what the sublayer reads, and add the result to `x`: `x = x + {call}`.",
                {step: kind},
            )
            for which, step, call in (
                ("first", "attn", "self.attn(self.ln_1(x))"),
                ("second", "mlp_step", "self.mlp(self.ln_2(x))"),
            )
            for how, kind in {
                "normalises the sum": "ln(x + f(x))",
                "normalises the sublayer's result": "x + ln(f(x))",
                "normalises the residual stream instead of the sublayer's input": "ln(x) + f(x)",
            }.items()
        ),
        Mistake(
            "a block whose two steps add to the normalised x",
            "Do not overwrite `x` with its normalised form: `x = x + self.attn(self.ln_1(x))`.",
            {"attn": "ln(x) + f(ln(x))", "mlp_step": "ln(x) + f(ln(x))"},
        ),
        Mistake(
            "a block whose first step adds to the normalised x",
            "Do not overwrite `x` with its normalised form: `x = x + self.attn(self.ln_1(x))`.",
            {"attn": "ln(x) + f(ln(x))"},
        ),
        Mistake(
            "a block whose second step adds to the normalised x",
            "Do not overwrite `x` with its normalised form: `x = x + self.mlp(self.ln_2(x))`.",
            {"mlp_step": "ln(x) + f(ln(x))"},
        ),
        Mistake(
            "a block without ln_1 before attention",
            "Attention reads `self.ln_1(x)`.",
            {"attn": "x + f(x)"},
        ),
        Mistake(
            "a block without ln_2 before the MLP",
            "The MLP reads `self.ln_2(x)`.",
            {"mlp_step": "x + f(x)"},
        ),
        Mistake(
            "a block without its layer norms",
            "Attention reads `self.ln_1(x)`, and the MLP reads `self.ln_2(x)`.",
            {"attn": "x + f(x)", "mlp_step": "x + f(x)"},
        ),
        Mistake(
            "a block that uses ln_1 twice",
            "The MLP has its own layer norm, `ln_2`.",
            {"norms": ("ln_1", "ln_1")},
        ),
        Mistake(
            "a block that uses ln_2 twice",
            "Attention has its own layer norm, `ln_1`.",
            {"norms": ("ln_2", "ln_2")},
        ),
        Mistake(
            "a block with ln_1 and ln_2 swapped",
            "`ln_1` belongs to attention, and `ln_2` to the MLP.",
            {"norms": ("ln_2", "ln_1")},
        ),
        Mistake(
            "a block with attention and MLP in parallel",
            "The MLP reads the sum that includes the output of attention: assign to `x` after the first step.",
            {"order": "parallel"},
        ),
        Mistake(
            "a block with the MLP before attention",
            "Attention comes first, then the MLP.",
            {"order": "mlp, attn"},
        ),
        Mistake(
            "a block whose layer norms do not get the configuration's epsilon",
            "Make them with `eps=config.layer_norm_epsilon`.",
            {"eps": 1e-5},
        ),
        *(
            Mistake(
                f"a block whose {name} does not get the configuration's epsilon",
                f"Make `{name}` with `eps=config.layer_norm_epsilon`, as the other one.",
                {"own_eps": own_eps},
            )
            for name, own_eps in {"ln_1": (1e-5, None), "ln_2": (None, 1e-5)}.items()
        ),
    ),
)
