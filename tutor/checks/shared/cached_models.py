"""What the checks of the models with a cache, steps 16 and 17, have in common."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor import sizes
from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Check, RunnableSubject, Subject
from tutor.checks.numpy import cache as numpy_cache
from tutor.checks.shared.models import numpy_settings
from tutor.checks.shared.subjects import built
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

PLAIN = {"vocab_size": 61, "n_positions": 16, "n_embd": 36, "n_layer": 2, "n_head": 3}


def subject(
    step: int, class_name: str, name: str, settings: Settings, *between: tuple[str, TensorSpec], part: str = ""
) -> Subject:
    """A model with caches.

    Args:
        step, class_name: where it is.
        name, settings: as in `Subject`.
        between: inputs between the number of tokens and the caches.
        part: as in `Subject`.
    """
    head_dim = settings["n_embd"] // settings["n_head"]
    cache = TensorSpec("float32", ("batch", settings["n_head"], settings["n_positions"], head_dim), buffer=True)
    inputs = {
        "input_ids": TensorSpec("int64", ("batch", "seq_len")),
        "num_tokens": TensorSpec("int64", (), on_host=True),
        **dict(between),
        **{f"{kind}_{layer}": cache for layer in range(settings["n_layer"]) for kind in ("keys", "values")},
    }
    return Subject(
        name=name,
        build=built(step, class_name, settings),
        inputs=inputs,
        outputs={"logits": TensorSpec("float32", ("batch", settings["vocab_size"]))},
        parameters=sizes.language_model(settings),
        settings=settings,
        part=part,
    )


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Steps 16 and 17 in NumPy. What the caches hold for padding does not matter, so step 17 leaves them out."""
    caches = {name: array for name, array in inputs.items() if subject.inputs[name].buffer}
    logits, after = numpy_cache.cached_language_model(
        inputs["input_ids"],
        int(inputs["num_tokens"]),
        list(caches.values()),
        parameters,
        starts=inputs.get("starts"),
        **numpy_settings(subject.settings),
        **mistake,
    )
    kept = {} if "starts" in inputs else dict(zip(caches, after, strict=True))
    return {"logits": logits, **kept}


def with_axis_named(tensor: object, axis: int, name: str) -> object:
    """The tensor with another name for a size that is known only when the graph runs: how it is called is free."""
    from max.experimental import functional as F
    from max.experimental.tensor import Tensor
    from max.graph import SymbolicDim

    if not isinstance(tensor, Tensor) or tensor.rank <= axis or not isinstance(tensor.shape[axis], SymbolicDim):
        return tensor
    return F.rebind(tensor, [name if index == axis else dim for index, dim in enumerate(tensor.shape)])


def parameters_of(subject: Subject, check: Check) -> Arrays:
    """The random parameters of a subject's cases."""
    case = next(case for case in check.cases if case.subject == subject.name)
    return random_numbers.case(subject, case)[0]


def dirty_caches(subject: Subject, batch: int, seed: int) -> list[np.ndarray]:
    """Caches full of numbers that no token may see."""
    rng = np.random.default_rng(seed)
    shapes = [spec.shape({"batch": batch}) for spec in subject.inputs.values() if spec.buffer]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def as_caches(arrays: Sequence[np.ndarray]) -> "list[Tensor]":
    """Arrays as the caches that a bound model takes: it writes to the arrays."""
    from max.experimental.tensor import Tensor

    return [Tensor.from_dlpack(array) for array in arrays]


def read_in_chunks(
    run: RunnableSubject,
    subject: Subject,
    parameters: Arrays,
    ids: np.ndarray,
    cuts: Sequence[int],
    *between: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """The logits after a text that is read piece by piece; `cuts` are the places between the pieces."""
    logits, caches = np.empty(0), dirty_caches(subject, len(ids), seed)
    places = [0, *cuts, ids.shape[1]]
    for start, end in itertools.pairwise(places):
        logits, *caches = run(parameters, ids[:, start:end], np.array(start), *between, *caches)
    return logits
