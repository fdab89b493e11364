"""Chapter 17: three prompts padded by hand, which number hides keys, and what a batch saves."""

# ANCHOR: example
import numpy as np

prompts = [[5, 2, 7, 1, 4], [8], [3, 6, 9]]

columns = max(len(prompt) for prompt in prompts)
starts = np.array([columns - len(prompt) for prompt in prompts])
ids = np.array([[0] * (columns - len(prompt)) + prompt for prompt in prompts])
print("starts", starts)
print("ids")
print(ids)

column = np.arange(columns)
start = starts[:, None]  # (batch, 1)
positions = np.maximum(column - start, 0)
print("positions")
print(positions)

NEVER = 99
key = np.where(start <= column, column, NEVER)  # (batch, total_len)
print("the column that each key counts as")
print(key)
visible = key[:, None, :] <= column[:, None]  # (batch, seq_len, total_len)
print("row 2: which keys each query sees")
print(visible[2].astype(int))
# ANCHOR_END: example

from book.captures import Capture
from book.examples._sizes import SMALL, cache_bytes, read_bytes

# --- which number hides keys? ------------------------------------------------------------------

SCORES = np.array([1, 2, 0.5], dtype=np.float32)


def weights(mask: list[float]) -> np.ndarray:
    """The softmax of the scores with a mask, in float32."""
    with np.errstate(invalid="ignore"):
        masked = SCORES + np.array(mask, dtype=np.float32)
        exponentials = np.exp(masked - masked.max())
        return exponentials / exponentials.sum()


def told(mask: list[float]) -> str:
    """The weights as text."""
    found = weights(mask)
    return "NaN" if np.isnan(found).all() else ", ".join(f"{weight:.2f}" for weight in found)


FINITE = -1e30
large = np.float32(FINITE)
assert weights([FINITE, 0, 0])[0] == 0, "exactly 0"
assert np.array_equal(weights([FINITE, 0, 0]), weights([-np.inf, 0, 0]))
assert SCORES[1] + large == large and np.isnan(0 * np.float32(np.nan))

# --- what a batch saves, and what padding costs -----------------------------------------------

BANDWIDTH, CACHED = 20e9, 500  # bytes a second, as in chapter 16; tokens in the caches of each row


def bytes_a_token(batch: int) -> float:
    """What GPT-2 small reads for each new token: the weights are shared, the caches are not."""
    return read_bytes(*SMALL) / batch + CACHED * cache_bytes(*SMALL)


def padding_percent(lengths: list[int]) -> str:
    """The share of padding in a batch of prompts of these lengths."""
    return f"{100 - 100 * sum(lengths) / (len(lengths) * max(lengths)):.0f}"


NUMBERS = {
    "row_megabytes": f"{CACHED * cache_bytes(*SMALL) / 1e6:.0f}",
    "rows_as_weights": f"{read_bytes(*SMALL) / (CACHED * cache_bytes(*SMALL)):.0f}",
    "cache_gigabytes_16": f"{16 * 1024 * cache_bytes(*SMALL) / 1e9:.1f}",
    "one_infinite": told([-np.inf, 0, 0]),
    "one_finite": told([FINITE, 0, 0]),
    "all_infinite": told([-np.inf] * 3),
    "all_finite": told([FINITE] * 3),
    "gap_32": f"{np.spacing(-large) / 1e22:.1f}",
    "padding_example": padding_percent([len(prompt) for prompt in prompts]),
    "padding_uneven": padding_percent([500, *[10] * 7]),
}
for batch in (1, 4, 8, 16):
    NUMBERS[f"megabytes_{batch}"] = f"{bytes_a_token(batch) / 1e6:.0f}"
    NUMBERS[f"rate_{batch}"] = f"{BANDWIDTH / bytes_a_token(batch):.0f}"

KEY = """        key = F.where(start <= key, key, NEVER)  # (batch, total_len)
"""
COMPARED = (
    KEY
    + """        visible = F.unsqueeze(key, 1) <= F.unsqueeze(query, 1)  # (batch, seq_len, total_len)
"""
)
JOINED = """        past = F.unsqueeze(key, 0) <= F.unsqueeze(query, 1)  # (seq_len, total_len)
        visible = F.logical_and(F.unsqueeze(start <= key, 1), F.unsqueeze(past, 0))
"""
CAPTURES = {
    "visible": Capture(replace=((KEY, "        key = F.unsqueeze(key, 0)\n"),)),
    "two_masks": Capture(replace=((COMPARED, JOINED),)),
    "columns": Capture(replace=(("F.elementwise_max(query - start, 0)", "query"),)),
    "infinite": Capture(replace=((", hidden=-1e30", ""),)),
    "right": Capture(replace=(("ids[row, start:] = prompt", "ids[row, : len(prompt)] = prompt"),)),
    "batch": Capture(
        "generate --prompts - --from steps --max-new-tokens 25 --seed 1", stdin="ROMEO:\nFirst Citizen:\nTo be\n"
    ),
}
