"""Step 11 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 11)

WRONG_FILES = (
    wrong("residual", ("x = x + self.attn(self.ln_1(x))", "x = self.attn(self.ln_1(x))")),
    wrong(
        "post-norm",
        ("x = x + self.attn(self.ln_1(x))", "x = self.ln_1(x + self.attn(x))"),
        ("x = x + self.mlp(self.ln_2(x))", "x = self.ln_2(x + self.mlp(x))"),
    ),
    wrong(
        "a block whose ln_1 does not get the configuration's epsilon",
        ("self.ln_1 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)", "self.ln_1 = LayerNorm(config.n_embd)"),
    ),
    wrong(
        "a block whose ln_2 does not get the configuration's epsilon",
        ("self.ln_2 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)", "self.ln_2 = LayerNorm(config.n_embd)"),
    ),
    wrong("a block that uses ln_1 twice", ("x = x + self.mlp(self.ln_2(x))", "x = x + self.mlp(self.ln_1(x))")),
    wrong("a block that uses ln_2 twice", ("x = x + self.attn(self.ln_1(x))", "x = x + self.attn(self.ln_2(x))")),
    wrong(
        "a block whose first step normalises the sum",
        ("x = x + self.attn(self.ln_1(x))", "x = self.ln_1(x + self.attn(x))"),
    ),
    wrong(
        "a block without the residual connection around the MLP",
        ("x = x + self.mlp(self.ln_2(x))", "x = self.mlp(self.ln_2(x))"),
    ),
    wrong("a block without ln_2 before the MLP", ("x = x + self.mlp(self.ln_2(x))", "x = x + self.mlp(x)")),
    wrong(
        "a block with the MLP before attention",
        (
            ("x = x + self.attn(self.ln_1(x))\n        x = x + self.mlp(self.ln_2(x))"),
            ("x = x + self.mlp(self.ln_2(x))\n        x = x + self.attn(self.ln_1(x))"),
        ),
    ),
    wrong(
        "These parameters have the wrong shape: mlp.c_fc.weight, mlp.c_fc.bias, mlp.c_proj.weight",
        ("GPT2MLP(config.intermediate_size, config)", "GPT2MLP(4 * config.n_embd, config)"),
    ),
)
