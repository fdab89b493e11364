"""Chapter 15: a safetensors file read by hand, a pickle that runs code, and how much of a number 16 bits keep."""

# ANCHOR: example
import json
import struct

from tutor.learner.workspace import REPOSITORY  # the folder of the course

content = (REPOSITORY / "checkpoints/shakespeare/model.safetensors").read_bytes()
length = int.from_bytes(content[:8], "little")
header = json.loads(content[8 : 8 + length])
data = content[8 + length :]

print(f"{len(content):,} bytes: 8, then {length:,} of header, then {len(data):,} of data")
print("metadata:", header.pop("__metadata__"))
print(len(header), "tensors, of which the first six are")
for key in sorted(header)[:6]:
    entry = header[key]
    print(f"  {key:<34} {entry['dtype']} {entry['shape']!s:<10} {entry['data_offsets']}")

start, end = header["transformer.h.0.ln_1.weight"]["data_offsets"]
first = data[start : start + 4]
print("ln_1.weight of block 0 begins with the bytes", first.hex(" "))
print("which are the number", round(struct.unpack("<f", first)[0], 4))
# ANCHOR_END: example

# ANCHOR: pickle
import pickle


class NotWeights:
    def __reduce__(self):  # asks pickle to store a call: a function and its arguments
        return eval, ("6 * 7",)


file = pickle.dumps(NotWeights())
loaded = pickle.loads(file)
# ANCHOR_END: pickle

from collections.abc import Callable

import numpy as np
from safetensors.numpy import load
from tokenizers import Tokenizer

from book.captures import Capture
from book.examples._sizes import SMALL, parameter_count
from tutor.checks.numpy import gpt2 as numpy_gpt2

CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
STORED = load(content)

# "Romeo and Juliet", act 2, scene 2.
TEXT = """ROMEO:
But, soft! what light through yonder window breaks?
It is the east, and Juliet is the sun.
"""
IDS = np.array([Tokenizer.from_file(str(REPOSITORY / "checkpoints/shakespeare/tokenizer.json")).encode(TEXT).ids])

# Rounds float32 numbers to a format; the result is float32 again.
Rounding = Callable[[np.ndarray], np.ndarray]


def float16(array: np.ndarray) -> np.ndarray:
    """Rounds to float16. What is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(np.float32)


def bfloat16(array: np.ndarray) -> np.ndarray:
    """Rounds to bfloat16; of two numbers that are equally near, takes the one with an even last bit."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + (bits >> 16 & 1)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)


# Bits of the exponent, bits of the fraction, rounding.
FORMATS: dict[str, tuple[int, int, Rounding]] = {
    "float32": (8, 23, np.asarray),
    "float16": (5, 10, float16),
    "bfloat16": (8, 7, bfloat16),
}


def kept(number: float, rounding: Rounding) -> str:
    """What a format keeps of a number, to seven digits."""
    value = rounding(np.array([number], np.float32))[0]
    return f"{value:.7g}" if np.isfinite(value) else "infinite"


def bits(number: float, exponent: int, fraction: int, rounding: Rounding) -> str:
    """The bits of a number in a format: sign, exponent, fraction."""
    value = rounding(np.array([number], np.float32))
    value = value.astype(np.float16).view(np.uint16) if exponent == 5 else value.view(np.uint32)
    text = f"{value[0]:0{8 * value.itemsize}b}"
    return f"{text[0]} {text[1 : 1 + exponent]} {text[1 + exponent : 1 + exponent + fraction]}"


def loss(transposed: tuple[str, ...] = CONV1D, rounding: Rounding = np.asarray) -> str:
    """The shipped model's cross-entropy on the text, with these kernels transposed and its weights rounded."""
    weights = {key: rounding(array.T if key.endswith(transposed) else array) for key, array in STORED.items()}
    logits = numpy_gpt2.language_model(IDS, weights, n_head=6, n_layer=4)[0, :-1]
    return f"{-np.log(numpy_gpt2.softmax(logits)[np.arange(IDS.size - 1), IDS[0, 1:]]).mean():.2f}"


SIZES = {"small": SMALL, "medium": (24, 1024), "large": (36, 1280), "xl": (48, 1600)}
NUMBER = struct.unpack("<f", first)[0]
WEIGHT_BYTES, MASK_BYTES = 4 * parameter_count(*SIZES["small"]), 12 * 1024 * 1024 * 4

NUMBERS = {
    "pickled": str(loaded),
    "loss": loss(),
    "loss_bfloat16": loss(rounding=bfloat16),
    "loss_square": loss(tuple(name for name in CONV1D if name != "attn.c_proj.weight")),
    "megabytes_masks": f"{MASK_BYTES / 1e6:.0f}",
    "megabytes_table": f"{4 * 50257 * 768 / 1e6:.0f}",
    "megabytes_file": f"{(WEIGHT_BYTES + MASK_BYTES) / 1e6:.0f}",
}
for name, kind in FORMATS.items():
    NUMBERS[f"bits_{name}"] = bits(NUMBER, *kind)
    NUMBERS[f"kept_{name}"] = kept(NUMBER, kind[2])
    NUMBERS[f"large_{name}"] = kept(70_000, kind[2])
    NUMBERS[f"next_{name}"] = f"{1 + 2.0 ** -kind[1]:.8g}"
for name, size in SIZES.items():
    NUMBERS[f"gigabytes_{name}"] = f"{4 * parameter_count(*size) / 1e9:.2f}"
    NUMBERS[f"gigabytes_{name}_half"] = f"{2 * parameter_count(*size) / 1e9:.2f}"

FIELDS_ONLY = (
    "GPT2Config(**{field.name: settings[field.name] for field in fields(GPT2Config) if field.name in settings})"
)
LAST_LOOP = """    for name in shapes:
        if name not in weights:
            raise ValueError(f"the checkpoint has no tensor for {name}")
"""
CAPTURES = {
    "by_shape": Capture(
        replace=(("        if name.endswith(CONV1D):\n", "        if array.shape != shapes[name]:\n"),),
    ),
    "all_settings": Capture(replace=((FIELDS_ONLY, "GPT2Config(**settings)"),)),
    "not_missed": Capture(replace=((LAST_LOOP, ""),)),
    "two_tables": Capture(
        replace=(('= weights["transformer.wte.weight"]', '= weights["transformer.wte.weight"].copy()'),)
    ),
}
