"""Step 04 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 4)

WRONG_FILES = (
    wrong("exact GELU", (', approximate="tanh"', "")),
    wrong(
        "A bias is missing: c_fc.bias",
        ("Linear(config.n_embd, intermediate_size)", "Linear(config.n_embd, intermediate_size, bias=False)"),
    ),
    wrong("keeps its weight as [out, in]", ("x = self.c_fc(x)", "x = x @ self.c_fc.weight + self.c_fc.bias")),
    wrong(
        "an MLP whose GELU is written out with a square in place of the cube",
        ('F.gelu(x, approximate="tanh")', "0.5 * x * (1.0 + F.tanh(0.7978845608 * (x + 0.044715 * x * x)))"),
    ),
    wrong(
        "an MLP whose GELU is written out without the factor 0.5",
        ('F.gelu(x, approximate="tanh")', "x * (1.0 + F.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))"),
    ),
    wrong(
        "an MLP whose GELU is written out without the square root of 2 / pi",
        ('F.gelu(x, approximate="tanh")', "0.5 * x * (1.0 + F.tanh(0.6366197724 * (x + 0.044715 * x * x * x)))"),
    ),
    wrong(
        "an MLP whose GELU is written out without the term with the cube",
        ('F.gelu(x, approximate="tanh")', "0.5 * x * (1.0 + F.tanh(0.7978845608 * x))"),
    ),
    wrong("an MLP with ReLU instead of GELU", ('F.gelu(x, approximate="tanh")', "F.relu(x)")),
    wrong("an MLP with SiLU instead of GELU", ('F.gelu(x, approximate="tanh")', "F.silu(x)")),
    wrong("an MLP without its activation", ('        x = F.gelu(x, approximate="tanh")\n', "")),
    wrong(
        "No known mistake gives these numbers",
        ("return self.c_proj(x)", 'return F.gelu(self.c_proj(x), approximate="tanh")'),
    ),
    wrong(
        "These parameters have the wrong shape: c_fc.weight, c_fc.bias",
        ("Linear(config.n_embd, intermediate_size)", "Linear(intermediate_size, config.n_embd)"),
    ),
    wrong(
        "These parameters have the wrong shape: c_fc.weight, c_fc.bias",
        ("Linear(config.n_embd, intermediate_size)", "Linear(config.n_embd, 4 * config.n_embd)"),
    ),
)
