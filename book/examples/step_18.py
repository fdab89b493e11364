"""Chapter 18: a softmax that takes its keys tile by tile, and the size of tables of scores."""

# ANCHOR: example
import numpy as np

# The scores of one query with four keys, and their values.
scores = np.array([1.0, 3.0, 2.0, 5.0])
values = np.array([[10, 0], [0, 10], [20, 0], [0, 20]])

weights = np.exp(scores - scores.max())
print("all keys at once")
print("  max", scores.max(), " sum", np.round(weights.sum(), 3))
print("  output ", np.round(weights @ values / weights.sum(), 3))

running_max, running_sum, accumulator = -1e30, 0.0, np.zeros(2)
for tile in (slice(0, 2), slice(2, 4)):
    new_max = max(running_max, scores[tile].max())
    correction = np.exp(running_max - new_max)
    weights = np.exp(scores[tile] - new_max)
    running_sum = correction * running_sum + weights.sum()
    accumulator = correction * accumulator + weights @ values[tile]
    running_max = new_max
    print("keys", tile.start, "to", tile.stop - 1)
    print("  running_max", running_max, " correction", np.round(correction, 3))
    print("  running_sum", np.round(running_sum, 3), " accumulator", np.round(accumulator, 3))
print("  output ", np.round(accumulator / running_sum, 3))
# ANCHOR_END: example

from book.captures import Capture
from book.plots.lab import recorded_run
from tutor.checks.numpy.six_attentions import TILE

whole = np.exp(scores) / np.exp(scores).sum()
assert np.allclose(accumulator / running_sum, whole @ values, rtol=1e-14)

# --- what is kept, moved and computed ---------------------------------------------------------

HEADS, HEAD_DIM, LENGTH, SHORT = 12, 64, 8192, 128  # of GPT-2 small
BANDWIDTH = 20e9  # bytes a second, as in step 16


def scores_bytes(queries: int, keys: int) -> int:
    """Bytes of the scores of all heads in float32."""
    return 4 * HEADS * queries * keys


tiles = LENGTH // TILE
rows = np.arange(tiles)
causal_tiles = int((rows + 1).sum())
assert causal_tiles == tiles * (tiles + 1) // 2

lengths = [2, 3, 4]
padded = len(lengths) * max(lengths)

# --- what one run of `benchmarks.attention` measured -------------------------------------------

RUN = recorded_run()
MEASURED = {(row["contender"], row["seq_len"]): row for row in RUN["rows"]}


def _ms(contender: str, seq_len: int) -> float:
    return 1e3 * MEASURED[contender, seq_len]["seconds"]


def _mb(contender: str, seq_len: int) -> float:
    return MEASURED[contender, seq_len]["megabytes"]


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


EAGER, FUSED, TILES = "eager causal", "sdpa causal", "flash causal"
# What the chapter says in words.
assert _mb(EAGER, LENGTH) > 10 * _mb(TILES, LENGTH) and _ms(EAGER, LENGTH) > _ms(TILES, LENGTH)
assert _ms(FUSED, LENGTH) > _ms(TILES, LENGTH)
assert _ms("sdpa bidirectional", LENGTH) < min(_ms(f"{way} bidirectional", LENGTH) for way in ("flash", "torch sdpa"))
assert max(_ms(f"{way} causal", 256) for way in ("eager", "sdpa", "flash")) < 3

NUMBERS = {
    "scores_gigabytes": f"{scores_bytes(LENGTH, LENGTH) / 1e9:.1f}",
    "scores_megabytes_short": f"{scores_bytes(SHORT, SHORT) / 1e6:.1f}",
    "input_megabytes": f"{4 * HEADS * HEAD_DIM * LENGTH / 1e6:.0f}",
    "input_megabytes_short": f"{4 * HEADS * HEAD_DIM * SHORT / 1e6:.1f}",
    "tile_megabytes": f"{scores_bytes(TILE, TILE) / 1e6:.1f}",
    "tile_tokens": f"{TILE}",
    "length_factor": f"{LENGTH // SHORT}",
    "table_factor": f"{scores_bytes(LENGTH, LENGTH) // scores_bytes(SHORT, SHORT):,}",
    "smaller": f"{scores_bytes(LENGTH, LENGTH) // scores_bytes(TILE, TILE):,}",
    "billions": f"{2 * HEADS * LENGTH**2 * HEAD_DIM / 1e9:.0f}",
    "exponentials": f"{HEADS * LENGTH**2 / 1e6:.0f}",
    "traffic_ms": f"{1e3 * 2 * scores_bytes(LENGTH, LENGTH) / BANDWIDTH:.0f}",
    "all_tiles": f"{tiles**2:,}",
    "causal_tiles": f"{causal_tiles}",
    "padding_percent": f"{100 * (padded - sum(lengths)) / padded:.0f}",
    "infinite_from": f"{np.ceil(np.log(np.finfo(np.float32).max)):.0f}",
    "threads": str(RUN["machine"]["threads"]),
    "torch": RUN["versions"]["torch"].partition("+")[0],
    "eager_growth": f"{_mb(EAGER, LENGTH) / _mb(EAGER, 2048):.0f}",
    "memory_ratio": f"{_mb(EAGER, LENGTH) / _mb(TILES, LENGTH):.0f}",
    "time_ratio": f"{_ms(EAGER, LENGTH) / _ms(TILES, LENGTH):.1f}",
    "mask_megabytes": f"{4 * LENGTH**2 / 1e6:.0f}",
    **{
        f"both_{way.replace(' ', '_')}": _shown(_ms(f"{way} bidirectional", LENGTH))
        for way in ("sdpa", "flash", "torch sdpa")
    },
    **{
        f"{unit}_{seq_len}_{way.replace(' ', '_')}": _shown(measure(f"{way} causal", seq_len))
        for unit, measure in (("ms", _ms), ("mb", _mb))
        for seq_len in (512, 2048, LENGTH)
        for way in ("eager", "sdpa", "flash", "torch eager", "torch sdpa")
    },
}

CAPTURES = {
    "nothing": Capture(replace=(("F.elementwise_max(F.sum(weights, axis=-1), 1.0)", "F.sum(weights, axis=-1)"),)),
    "product": Capture(replace=(("(1.0 - visible) * LOWEST", '(1.0 - visible) * float("-inf")'),)),
    "uncorrected": Capture(replace=(("correction * running_sum", "running_sum"),)),
}
