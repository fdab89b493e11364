"""The check of step 07: the projections to query, key and value."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.subjects import SHIPPED, built
from tutor.graphs.tensor_spec import TensorSpec

ORDER: Sequence[str] = ("query", "key", "value")


def _projection(n_embd: int, n_head: int) -> Subject:
    settings = {"n_embd": n_embd, "n_head": n_head}
    tokens = TensorSpec("float32", ("batch", "seq_len", n_embd))
    return Subject(
        name=f"n_embd={n_embd}, n_head={n_head}",
        build=built(7, "GPT2QKVProjection", settings),
        inputs={"x": tokens},
        outputs=dict.fromkeys(ORDER, tokens),
        parameters=sizes.linear(n_embd, 3 * n_embd),
        settings=settings,
    )


PROJECTION = _projection(36, 3)


def numpy_model(
    subject: Subject,
    parameters: Arrays,
    inputs: Arrays,
    *,
    with_bias: bool = True,
    scaled: bool = False,
    **mistake: str,
) -> Arrays:
    """Step 07 in NumPy."""
    bias = parameters["bias"] if with_bias else None
    n_head = subject.settings["n_head"]
    parts = numpy_gpt2.query_key_value(inputs["x"], parameters["weight"], bias, n_head=n_head, **mistake)
    results: dict[str, np.ndarray] = {name: part for name, part in zip(ORDER, parts, strict=True)}
    if scaled:
        results["query"] = results["query"] / np.sqrt(results["query"].shape[-1] // n_head)
    return results


CHECK = Check(
    names=("GPT2QKVProjection",),
    subjects=(PROJECTION,),
    cases=(
        Case(PROJECTION.name, {"batch": 2, "seq_len": 5}, seed=1),
        Case(PROJECTION.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(PROJECTION.name, {"batch": 3, "seq_len": 2}, seed=3, scale=5.0, note="large numbers"),
    ),
    on_text=_projection(SHIPPED["n_embd"], SHIPPED["n_head"]),
    numpy_model=numpy_model,
    explain={
        "parameters are missing": "This class is itself a `Linear` layer: call `super().__init__(in_dim, out_dim)`, "
        "and do not store a layer on `self`.",
        "it returns a tuple of": "`F.chunk` takes the number of parts, and `F.split` takes their size.",
    },
    mistakes=(
        *(
            Mistake(
                f"a split of q, k and v in the wrong order: {', '.join(order)}",
                "In the checkpoint, the first third of the wide vector is the query, the second is the key, and the "
                "last is the value. Return them in that order too.",
                {"order": " ".join(order)},
            )
            for order in permutations(ORDER)
            if order != ORDER
        ),
        Mistake(
            "a split of q, k and v head by head",
            "Some other models store them like that. GPT-2 stores the whole query first, then the key, then the value.",
            {"layout": "per head"},
        ),
        Mistake(
            "a split of q, k and v entry by entry",
            "Cut the last axis into three contiguous parts, with `F.chunk` or `F.split`.",
            {"layout": "per entry"},
        ),
        Mistake(
            "a projection that scales the query by 1/sqrt(head_dim)",
            "Return the query as it is: step 08 divides the scores.",
            {"scaled": True},
        ),
        Mistake(
            "a projection without its bias",
            "Apply the whole layer: `super().forward(x)` adds the bias too.",
            {"with_bias": False},
        ),
    ),
)
