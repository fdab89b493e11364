"""What the checks of the models with a cache, steps 16 and 17, have in common."""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor import sizes
from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Check, Code, Evaluate, RunnableSubject, RunnableSubjects, Subject
from tutor.checks.numpy import cache as numpy_cache
from tutor.checks.shared.models import numpy_settings
from tutor.checks.shared.subjects import built
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

PLAIN = {"vocab_size": 61, "n_positions": 16, "n_embd": 36, "n_layer": 2, "n_head": 3}

# The stand-in for the model has one row of logits for each token: what comes next depends on the last token alone.
VOCAB_SIZE = 11
TABLE = 1.5 * np.random.default_rng(16).normal(size=(VOCAB_SIZE, VOCAB_SIZE)).astype(np.float32)


def subject(step: int, class_name: str, name: str, settings: Settings, *between: tuple[str, TensorSpec]) -> Subject:
    """A model with caches.

    Args:
        step, class_name: where it is.
        name, settings: as in `Subject`.
        between: inputs between the number of tokens and the caches.
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


class StandIn:
    """Takes the place of a compiled model with caches, and keeps what it was called with."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[list[int]], int]] = []
        self.starts: list[list[int]] = []
        self.caches: list[tuple[object, ...]] = []

    def __call__(self, input_ids: "Tensor", num_tokens: "Tensor", *rest: object) -> "Tensor":
        from max.experimental.tensor import Tensor

        ids = input_ids.to_numpy()
        self.seen.append((ids.tolist(), int(num_tokens.to_numpy())))
        if rest and isinstance(rest[0], Tensor):
            self.starts.append(rest[0].to_numpy().tolist())
            rest = rest[1:]
        self.caches.append(rest)
        return Tensor.from_dlpack(TABLE[ids[:, -1]])


# What stands for the caches: the stand-in has no use for them.
CACHES = ("the keys", "the values")


def greedy_chain(token: int, length: int) -> list[int]:
    """What follows a token with the stand-in, when the best token is taken."""
    tokens: list[int] = []
    while len(tokens) < length:
        token = int(TABLE[token].argmax())
        tokens.append(token)
    return tokens


def refusal(call: Callable[[Code], object]) -> Evaluate:
    """Makes the evaluation of a fact: the type of the error that a call raises."""

    def evaluate(code: Code, executables: RunnableSubjects) -> str:
        try:
            result = call(code)
        except ValueError:
            return "ValueError"
        return f"no error, but {result!r}"

    return evaluate
