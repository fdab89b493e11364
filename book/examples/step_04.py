"""Chapter 04: an MLP by hand, the two forms of GELU, and where a block's parameters are."""

# ANCHOR: example
import numpy as np


def gelu(x: np.ndarray) -> np.ndarray:
    """GELU in its tanh form."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A linear layer: each row of the weight, [out, in], makes one output."""
    return x @ weight.T + bias


x = np.array([1.0, 2.0])
widening = np.array([[1, 0], [1, -1], [0, 1], [2, -1]]), np.array([0, 0, 1, 0])
narrowing = np.array([[1, 0, 1, 0], [0, 1, 0, 1]]), np.array([0, 1])

wide = linear(x, *widening)
gated = gelu(wide)
print("wide       ", wide)
print("gated      ", np.round(gated, 4))
print("narrow     ", np.round(linear(gated, *narrowing), 4))

one_layer = narrowing[0] @ widening[0], narrowing[0] @ widening[1] + narrowing[1]
print("without the gate", linear(wide, *narrowing))
print("one layer       ", linear(x, *one_layer))
# ANCHOR_END: example

import math

from book.captures import Capture

grid = np.linspace(-6, 6, 12_001)
exact = grid * np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in grid])
gap = np.abs(gelu(grid) - exact)

N_EMBD, N_LAYER = 768, 12
MLP = 4 * N_EMBD * N_EMBD + 4 * N_EMBD + N_EMBD * 4 * N_EMBD + N_EMBD
ATTENTION = 3 * N_EMBD * N_EMBD + 3 * N_EMBD + N_EMBD * N_EMBD + N_EMBD
NORMS = 2 * 2 * N_EMBD
BLOCK = MLP + ATTENTION + NORMS
MODEL = 50_257 * N_EMBD + 1024 * N_EMBD + N_LAYER * BLOCK + 2 * N_EMBD

NUMBERS = {
    "gap": f"{gap.max():.5f}",
    "gap_at": f"{abs(grid[gap.argmax()]):.1f}",
    "lowest": f"{gelu(grid).min():.2f}".replace("-", "−"),
    "lowest_at": f"{grid[gelu(grid).argmin()]:.2f}".replace("-", "−"),
    "phi_1": f"{0.5 * (1 + math.erf(1 / math.sqrt(2))):.3f}",
    "mlp": f"{MLP:,}",
    "attention": f"{ATTENTION:,}",
    "norms": f"{NORMS:,}",
    "block": f"{BLOCK:,}",
    "mlp_share": f"{100 * MLP / BLOCK:.2f}",
    "attention_share": f"{100 * ATTENTION / BLOCK:.2f}",
    "norms_share": f"{100 * NORMS / BLOCK:.2f}",
    "all_mlps": f"{N_LAYER * MLP / 1e6:.1f}",
    "model": f"{MODEL / 1e6:.1f}",
    "one_layer": f"{N_EMBD * N_EMBD + N_EMBD:,}",
}

WIDEN = "Linear(config.n_embd, intermediate_size)"
NARROW = "Linear(intermediate_size, config.n_embd)"
CAPTURES = {
    "fixed_width": Capture(
        replace=(
            (WIDEN, "Linear(config.n_embd, 4 * config.n_embd)"),
            (NARROW, "Linear(4 * config.n_embd, config.n_embd)"),
        )
    ),
    "not_transposed": Capture(replace=(("x = self.c_fc(x)", "x = x @ self.c_fc.weight + self.c_fc.bias"),)),
    "no_bias": Capture(replace=((WIDEN, "Linear(config.n_embd, intermediate_size, bias=False)"),)),
    "exact_gelu": Capture(replace=((', approximate="tanh"', ""),)),
}
