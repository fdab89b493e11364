"""Chapter 11: one block by hand, its parameters, and what attention and the MLP cost."""

# ANCHOR: example
import numpy as np


def layer_norm(x):
    return (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)


def attn(x):  # three times the mean of all the tokens up to this one
    return np.array([3 * x[: t + 1].mean(axis=0) for t in range(len(x))])


def mlp(x):  # works on each token alone, and keeps only what is positive
    return np.maximum(x, 0)


x = np.array([[4, 0], [5, 1], [1, 2]])
after_attn = x + attn(layer_norm(x))
after_mlp = after_attn + mlp(layer_norm(after_attn))

for name, stage in (
    ("x", x),
    ("ln_1", layer_norm(x)),
    ("x + attn", after_attn),
    ("ln_2", layer_norm(after_attn)),
    ("x + mlp", after_mlp),
):
    print(f"{name:8}", *(f"({first:2.0f}, {second:2.0f})" for first, second in stage))
# ANCHOR_END: example

from book.captures import Capture

# The four published sizes: n_embd.
SIZES = {"small": 768, "medium": 1024, "large": 1280, "xl": 1600}
N_POSITIONS = 1024


# ANCHOR: cost
def block_parameters(n_embd):
    def linear(inputs, outputs):
        return inputs * outputs + outputs

    attn = linear(n_embd, 3 * n_embd) + linear(n_embd, n_embd)
    mlp = linear(n_embd, 4 * n_embd) + linear(4 * n_embd, n_embd)
    return attn + mlp + 2 * (n_embd + n_embd)  # two norms, each with weight and bias


def attention_flops(n_embd, seq_len):
    projections = 6 * n_embd**2 + 2 * n_embd**2
    products = 2 * seq_len * n_embd + 2 * seq_len * n_embd
    return projections + products


def mlp_flops(n_embd):
    return 8 * n_embd**2 + 8 * n_embd**2
    # ANCHOR_END: cost


def first_length(passes) -> int:
    """The shortest length for which `passes` holds, found by counting."""
    return next(seq_len for seq_len in range(1, 100_000) if passes(seq_len))


def of_size(name: str, n_embd: int) -> dict[str, str]:
    """The row of the table for one of the sizes."""
    projections, mlp = attention_flops(n_embd, 0), mlp_flops(n_embd)
    return {
        f"{name}_parameters": f"{block_parameters(n_embd):,}",
        f"{name}_mlp": f"{mlp / 1e6:.1f}",
        f"{name}_attention": f"{attention_flops(n_embd, N_POSITIONS) / 1e6:.1f}",
        f"{name}_equal": f"{first_length(lambda t: attention_flops(n_embd, t) >= mlp):,}",
        f"{name}_products": f"{first_length(lambda t: attention_flops(n_embd, t) - projections >= mlp):,}",
    }


def growth(n_embd: int, seq_len: int) -> float:
    """The factor by which a block's flops for a whole text grow when the text becomes twice as long."""
    once, twice = (length * (attention_flops(n_embd, length) + mlp_flops(n_embd)) for length in (seq_len, 2 * seq_len))
    return twice / once


small = block_parameters(SIZES["small"])
# What the MLP would add to token 2 if it read the block's input, as in a parallel block.
PARALLEL = x + attn(layer_norm(x)) + mlp(layer_norm(x))

NUMBERS = {key: text for name, n_embd in SIZES.items() for key, text in of_size(name, n_embd).items()} | {
    "growth_512": f"{growth(768, 512):.1f}",
    "growth_4096": f"{growth(768, 4096):.1f}",
    "small_megabytes": f"{small * 4 / 1e6:.1f}",
    "small_training_megabytes": f"{small * 16 / 1e6:.0f}",
    "mlp_share": f"{100 * (8 * 768**2 + 5 * 768) / small:.1f}",
    "parallel": f"({PARALLEL[2, 0]:.0f}, {PARALLEL[2, 1]:.0f})",
}

ATTN = "x = x + self.attn(self.ln_1(x))"
LN_2 = "self.ln_2 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)"
MLP = "GPT2MLP(config.intermediate_size, config)"
CAPTURES = {
    "no_residual": Capture(replace=((ATTN, "x = self.attn(self.ln_1(x))"),)),
    "swapped": Capture(replace=((MLP, "GPT2MLP(config, config.intermediate_size)"),)),
    "four_times": Capture(replace=((MLP, "GPT2MLP(4 * config.n_embd, config)"),)),
    "shared_norm": Capture(replace=((LN_2, "self.ln_2 = self.ln_1"),)),
}
