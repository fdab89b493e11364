"""Chapter 01: how many parameters the published sizes of GPT-2 have."""

# ANCHOR: example
VOCAB_SIZE, N_POSITIONS = 50257, 1024
SIZES = {  # n_layer, n_head, n_embd
    "gpt2": (12, 12, 768),
    "gpt2-medium": (24, 16, 1024),
    "gpt2-large": (36, 20, 1280),
    "gpt2-xl": (48, 25, 1600),
}

row = "{:11} {:>7} {:>6} {:>6} {:>8} {:>10} {:>13}"
names = "size", "n_layer", "n_head", "n_embd", "head_dim", "block", "parameters"
print(row.format(*names))
for name, (n_layer, n_head, n_embd) in SIZES.items():
    tables = VOCAB_SIZE * n_embd + N_POSITIONS * n_embd  # steps 05 and 06
    norm = n_embd + n_embd  # step 03: a weight and a bias for each entry
    projections = n_embd * 3 * n_embd + 3 * n_embd  # step 07: a matrix and a bias
    attention = projections + n_embd * n_embd + n_embd  # step 09
    inner = 4 * n_embd
    mlp = n_embd * inner + inner + inner * n_embd + n_embd  # step 04
    block = norm + attention + norm + mlp  # step 11
    parameters = tables + n_layer * block + norm  # step 12
    sizes = n_layer, n_head, n_embd, n_embd // n_head
    print(row.format(name, *sizes, f"{block:,}", f"{parameters:,}"))
# ANCHOR_END: example

from book.captures import Capture


def count(n_layer: int, n_embd: int, vocab_size: int = VOCAB_SIZE, n_positions: int = N_POSITIONS) -> int:
    """The number of parameters by the short formula."""
    return (vocab_size + n_positions) * n_embd + n_layer * (12 * n_embd**2 + 13 * n_embd) + 2 * n_embd


NUMBERS = {
    "second_table": f"{VOCAB_SIZE * 768 / 1e6:.1f}",
    "with_second_table": f"{(count(12, 768) + VOCAB_SIZE * 768) / 1e6:.0f}",
    "table_share_small": f"{100 * VOCAB_SIZE * 768 / count(12, 768):.0f}",
    "table_share_xl": f"{100 * VOCAB_SIZE * 1600 / count(48, 1600):.0f}",
    "megabytes_small": f"{4 * count(12, 768) / 1e6:.0f}",
    "gigabytes_xl": f"{4 * count(48, 1600) / 1e9:.1f}",
    "shakespeare": f"{count(4, 192, 1024, 256):,}",
}

SIZES_LINE = '        for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner"):\n'
DIVISIBLE = """        if self.n_embd % self.n_head:
            raise ValueError(f"n_embd ({self.n_embd}) must be divisible by n_head ({self.n_head})")
"""
CAPTURES = {
    "divided_first": Capture(replace=((DIVISIBLE, ""), (SIZES_LINE, DIVISIBLE + SIZES_LINE))),
    "none": Capture(replace=(("if size is not None and size <= 0", "if size <= 0"),)),
    "frozen": Capture(
        replace=(
            (DIVISIBLE, DIVISIBLE + "        if self.n_inner is None:\n            self.n_inner = 4 * self.n_embd\n"),
        )
    ),
    "float": Capture(replace=(("return self.n_embd // self.n_head", "return self.n_embd / self.n_head"),)),
}
