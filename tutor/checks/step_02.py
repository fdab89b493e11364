"""The check of step 02: the causal mask. Its numbers are compared exactly."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tutor.checking.spec import Arrays, Case, Check, Code, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.expectations import is_graph_operation
from tutor.graphs.tensor_spec import TensorSpec


def _mask(num_tokens: int, dtype: str) -> Subject:
    """A mask whose length is a symbolic dimension, taken from an input of that length."""

    def build(code: Code) -> Callable[..., object]:
        from max.dtype import DType

        return lambda x: code[2].causal_mask(x.shape[0], num_tokens, dtype=DType[dtype], device=x.device)

    keys = f"seq_len + {num_tokens}" if num_tokens else "seq_len"
    return Subject(
        name=f"num_tokens={num_tokens}, {dtype}",
        build=build,
        inputs={"x": TensorSpec("float32", ("seq_len",))},
        outputs={"mask": TensorSpec(dtype, ("seq_len", keys))},
        settings={"num_tokens": num_tokens, "dtype": dtype},
    )


def _static_mask(sequence_length: int, num_tokens: int) -> Subject:
    """A mask whose length is a plain int."""

    def build(code: Code) -> Callable[..., object]:
        from max.dtype import DType

        return lambda x: code[2].causal_mask(sequence_length, num_tokens, dtype=DType.float32, device=x.device)

    return Subject(
        name=f"sequence_length={sequence_length}, num_tokens={num_tokens}",
        build=build,
        inputs={"x": TensorSpec("float32", (1,))},
        outputs={"mask": TensorSpec("float32", (sequence_length, sequence_length + num_tokens))},
        settings={"sequence_length": sequence_length, "num_tokens": num_tokens, "dtype": "float32"},
    )


SYMBOLIC = tuple(_mask(num_tokens, dtype) for num_tokens in (0, 1, 3) for dtype in ("float32", "bfloat16"))
STATIC = (_static_mask(4, 0), _static_mask(3, 2))


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 02 in NumPy."""
    num_tokens, dtype = subject.settings["num_tokens"], subject.settings["dtype"]
    length = subject.settings.get("sequence_length", len(inputs["x"]))
    mask = numpy_gpt2.causal_mask(length, num_tokens, **mistake).astype(np.float32)
    return {"mask": to_bfloat16(mask) if dtype == "bfloat16" else mask}


def to_bfloat16(numbers: np.ndarray) -> np.ndarray:
    """Rounds float32 to bfloat16: to the nearest number, the even one if there are two; finite ones stay finite."""
    bits = numbers.view(np.uint32)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
    cut = (bits & 0xFFFF0000).astype(np.uint32).view(np.float32)
    return np.where(np.isinf(rounded) & np.isfinite(numbers), cut, rounded)


FINITE = (-100.0, -1e3, -1e4, -1e5, -1e6, -1e7, -1e8, -1e9, -1e10, -1e12, -1e15, -1e20, -1e30, -1e38)
LOWEST = float(np.finfo(np.float32).min)

CHECK = Check(
    names=("causal_mask",),
    subjects=SYMBOLIC + STATIC,
    cases=(
        *(Case(subject.name, {"seq_len": seq_len}, seed=0) for subject in SYMBOLIC for seq_len in (1, 2, 5)),
        *(Case(subject.name, {}, seed=0) for subject in STATIC),
    ),
    expectations=(is_graph_operation(2, "causal_mask"),),
    on_text=SYMBOLIC[0],
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "a mask that is not shifted when there is a cache",
            "Row i is the query at position num_tokens + i: the band ends at `num_upper=num_tokens`, not at 0.",
            {"shifted": False},
        ),
        Mistake(
            "a mask whose diagonal is masked too",
            "It is off by one: a token may look at itself. Row i sees the keys up to and including num_tokens + i.",
            {"ahead": -1},
        ),
        Mistake(
            "a mask that is off by one, and hides nothing if there is no cache: F.band_part takes -1 as no limit",
            "A token may look at itself: the band ends at `num_upper=num_tokens`.",
            {"ahead": -1, "band": "past, -1 is no limit"},
        ),
        Mistake(
            "a mask that is off by one: each token sees the next one",
            "Row i sees the keys up to and including num_tokens + i, and none after that.",
            {"ahead": 1},
        ),
        *(
            Mistake(
                "a transposed mask: each token sees the later ones",
                "Rows are queries, and columns are keys. A query sees all earlier keys: `num_lower=None`. `num_upper` "
                "says how far to the right it may look.",
                change,
            )
            for change in (
                {"band": "future"},
                {"band": "future", "shifted": False},
                {"band": "future, swapped"},
            )
        ),
        Mistake(
            "a mask with the cached keys at the end",
            "The keys in the cache are older: they have the first `num_tokens` columns. Move the diagonal right.",
            {"band": "cache at the end"},
        ),
        Mistake(
            "an inverted mask: it hides what a token should see",
            "`F.band_part` keeps the band and sets the rest to 0; `exclude=True` does the opposite.",
            {"inverted": True},
        ),
        Mistake(
            "an inverted mask, which is also not shifted when there is a cache",
            "Pass `exclude=True` to `F.band_part`. The band ends at `num_upper=num_tokens`.",
            {"inverted": True, "shifted": False},
        ),
        *(
            Mistake(
                "a mask whose band ends to the left too, as `num_lower=num_tokens` makes it",
                "A query sees all earlier keys: `num_lower=None` sets no limit. `num_tokens` belongs to `num_upper`.",
                {"band": "num_lower=num_tokens", **shifted},
            )
            for shifted in ({}, {"shifted": False})
        ),
        Mistake(
            "a mask in which 0 meets -inf",
            "0 * -inf is not a number. Do not multiply: set the band to 0 with `F.band_part(..., exclude=True)`.",
            {"visible": np.nan},
        ),
        Mistake(
            "a mask that hides nothing",
            "Start with -inf everywhere, and set only the band that a query may see to 0.",
            {"band": "everything"},
        ),
        Mistake(
            "a mask that hides everything",
            "Set the band that a query may see to 0, with `F.band_part(..., exclude=True)`.",
            {"band": "nothing"},
        ),
        Mistake(
            "a mask of ones and zeros: 1 where a query may look",
            "The mask is added to the scores: 0 where a query may look, and -inf where it may not.",
            {"visible": 1.0, "hidden": 0.0},
        ),
        Mistake(
            "a mask with 1 instead of -inf",
            "The mask is added to the scores: start with a constant -inf.",
            {"hidden": 1.0},
        ),
        Mistake(
            "a mask with -1 instead of -inf",
            "The mask is added to the scores, and -1 hides little: start with a constant -inf.",
            {"hidden": -1.0},
        ),
        Mistake(
            "a mask with +inf instead of -inf",
            'The sign is wrong: `float("-inf")`.',
            {"hidden": np.inf},
        ),
        *(
            Mistake(
                f"a mask with a large finite number, {hidden:.8g}, instead of -inf",
                'Use `float("-inf")`. Only -inf gives a weight of exactly 0, however large the scores are.',
                {"hidden": hidden},
            )
            for hidden in (*FINITE, LOWEST)
        ),
    ),
    tolerance=0.0,
)
