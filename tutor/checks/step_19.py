"""The check of step 19: attention that gives its weights, with any mask.

The subjects differ in what a careless attention takes for granted: heads, a batch, as many keys as queries, a
mask of one kind. The errors are facts: they are found while tracing, on graphs that are never compiled.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tutor import sizes
from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Case, Check, Code, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import attention as numpy_attention
from tutor.checks.shared.expectations import is_graph_operation
from tutor.graphs.tensor_spec import TensorSpec
from tutor.invocation import own_attention

# --- what is run ------------------------------------------------------------------------------

HEAD_DIM = 8


def _function(name: str, *batches: int | str, mask: TensorSpec | None = None) -> Subject:
    """The function on tensors with these dimensions before the last two.

    The values are narrower than the keys, except where there are heads: there MAX 26.7.0 on CPU joins a plain
    softmax and blend in one kernel that takes both for equally wide, and a learner's right code would be wrong.
    """
    value_dim = HEAD_DIM if len(batches) == 2 else 5
    scores = (*batches, "query_len", "key_len")
    inputs = {
        "query": TensorSpec("float32", (*batches, "query_len", HEAD_DIM)),
        "key": TensorSpec("float32", (*batches, "key_len", HEAD_DIM)),
        "value": TensorSpec("float32", (*batches, "key_len", value_dim)),
    }
    return Subject(
        name=name,
        build=lambda code: code[19].scaled_dot_product_attention,
        inputs=inputs if mask is None else inputs | {"mask": mask},
        outputs={
            "output": TensorSpec("float32", (*batches, "query_len", value_dim)),
            "attention_weights": TensorSpec("float32", scores),
        },
    )


def _module(embed_dim: int, num_heads: int, mask: TensorSpec | None = None) -> Subject:
    """The module, in one size."""
    tokens = TensorSpec("float32", ("batch", "seq_len", embed_dim))
    inputs = {"x": tokens}
    return Subject(
        name=f"embed_dim={embed_dim}, num_heads={num_heads}" + (", masked" if mask else ""),
        build=lambda code: code[19].MultiHeadAttention(embed_dim, num_heads),
        inputs=inputs if mask is None else inputs | {"mask": mask},
        outputs={
            "output": tokens,
            "attention_weights": TensorSpec("float32", ("batch", num_heads, "seq_len", "seq_len")),
        },
        parameters=sizes.joined(
            **{name: sizes.linear(embed_dim, embed_dim) for name in ("q_proj", "k_proj", "v_proj", "out_proj")}
        ),
        settings={"embed_dim": embed_dim, "num_heads": num_heads},
    )


TWO = _function("2 dimensions")
THREE = _function(
    "3 dimensions, a mask of floats", "batch", mask=TensorSpec("float32", ("batch", "query_len", "key_len"))
)
FOUR = _function(
    "4 dimensions, a mask per batch", "batch", 3, mask=TensorSpec("bool", ("batch", 1, "query_len", "key_len"))
)
HEADS = _function(
    "4 dimensions, a mask per head", "batch", 3, mask=TensorSpec("float32", (1, 3, "query_len", "key_len"))
)
MODULE = _module(12, 3)
MASKED = _module(12, 4, TensorSpec("bool", ("batch", 1, "seq_len", "seq_len")))
SHARED = _module(12, 2, TensorSpec("float32", ("seq_len", "seq_len")))


def with_mask(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws parameters and inputs, with a mask of 0 and 1 in which two of three keys are visible.

    A module's queries all see something, as PyTorch's module gives NaN where they do not. The
    function's case with the note "a row that sees nothing" has such a row in each table of the mask.
    """
    parameters = random_numbers.parameters(subject.parameters, seed=case.seed)
    inputs = random_numbers.inputs(subject, case)
    shape = inputs["mask"].shape
    mask = np.random.default_rng([case.seed, 19]).random(shape) < 2 / 3
    mask[..., 0] |= ~mask.any(axis=-1)
    if "sees nothing" in case.note:
        mask[..., 1, :] = False
    return parameters, inputs | {"mask": mask if subject.inputs["mask"].dtype == "bool" else mask.astype(np.float32)}


def numpy_model(
    subject: Subject, parameters: Arrays, inputs: Arrays, module: Mapping[str, object] | None = None, **mistake: Any
) -> Arrays:
    """Step 19 in NumPy; `module` are changes of the module alone."""
    if subject.parameters:
        settings = {"num_heads": subject.settings["num_heads"], **mistake, **(module or {})}
        results = numpy_attention.multi_head_attention(parameters=parameters, **inputs, **settings)
    else:
        results = numpy_attention.attention(**inputs, **mistake)
    return dict(zip(("output", "attention_weights"), results, strict=True))


# --- errors, while the graph is built ---------------------------------------------------------

NO_ERROR, MAXS_ERROR = "no error", "an error of MAX's, from inside an operation"

Build = Callable[[Code], Callable[..., object]]
Shapes = Sequence[Sequence[int]]


def error_of(build: Build, shapes: Shapes, dtype: str = "float32") -> Callable[[Code, RunnableSubjects], str]:
    """Makes the evaluation of a fact: the ValueError that tracing raises.

    Args:
        build: makes the callable from the code under test.
        shapes: of its arguments.
        dtype: of the last argument; the others are float32.
    """

    def evaluate(code: Code, _: RunnableSubjects) -> str:
        from tutor.graphs.devices import find_device
        from tutor.graphs.trace import trace

        *first, last = shapes
        specs = [*(TensorSpec("float32", tuple(shape)) for shape in first), TensorSpec(dtype, tuple(last))]
        try:
            trace(lambda: build(code), specs, find_device("cpu"))
        except ValueError as error:
            # MAX's own messages name shapes too.
            return MAXS_ERROR if "Failed to create op" in str(error) else f"ValueError: {error}"
        return NO_ERROR

    return evaluate


def refused(
    name: str, build: Build, shapes: Shapes, parts: Sequence[str], advice: str, dtype: str = "float32"
) -> Expectation:
    """The fact that tracing raises a ValueError with these parts in its message."""
    *others, last = parts
    told = f"a ValueError that names {' and '.join(filter(None, [', '.join(others), last]))}"
    evaluate_error = error_of(build, shapes, dtype)

    def evaluate(code: Code, executables: RunnableSubjects) -> str:
        got = evaluate_error(code, executables)
        named = got.startswith("ValueError") and all(part in got.removeprefix("ValueError") for part in parts)
        return told if named else got

    late = (MAXS_ERROR, f"MAX notices it late, and in its own words. {advice}")
    return Expectation(f"the error for {name}", evaluate, told, wrong=(late,), advice=advice)


def _attention(code: Code) -> Callable[..., object]:
    return code[19].scaled_dot_product_attention


def _attention_with(*rows: Sequence[float]) -> Build:
    """Attention with a mask whose numbers are known while the graph is built."""

    def build(code: Code) -> Callable[..., object]:
        from max.experimental.tensor import Tensor

        mask = Tensor.from_dlpack(np.array(rows, np.float32))
        return lambda *tensors: code[19].scaled_dot_product_attention(*tensors, mask)

    return build


def _heads(embed_dim: int, num_heads: int) -> Callable[[Code, RunnableSubjects], str]:
    """Makes the evaluation of a fact: the error of a module with these sizes."""

    def evaluate(code: Code, _: RunnableSubjects) -> str:
        from max.experimental import functional as F

        try:
            with F.lazy():
                code[19].MultiHeadAttention(embed_dim, num_heads)
        except (ValueError, ZeroDivisionError) as error:
            return f"{type(error).__name__}: {error}"
        return NO_ERROR

    return evaluate


SAME = ((4, 8), (4, 8), (4, 8))
IN_HEADS = ((2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 8))

TELL_LENGTHS = "In `check_shapes`, compare `{}` with `{}`, and raise a ValueError with both."
TELL_NUMBERS = (
    "In `visible_keys`, where `mask.real`, look at `mask.to_numpy()`. Raise a ValueError with the first number that is "
    "neither 0 nor 1."
)

ERRORS = (
    refused(
        "5 keys and 7 values",
        _attention,
        ((4, 8), (5, 8), (7, 8)),
        ("key", "value", "5", "7"),
        TELL_LENGTHS.format("key.shape[-2]", "value.shape[-2]"),
    ),
    refused(
        "queries of 8 numbers and keys of 6",
        _attention,
        ((4, 8), (5, 6), (5, 8)),
        ("query", "key", "8", "6"),
        TELL_LENGTHS.format("query.shape[-1]", "key.shape[-1]"),
    ),
    refused(
        "a query of 2 dimensions and keys of 3",
        _attention,
        ((4, 8), (2, 5, 8), (2, 5, 8)),
        ("2", "3", "dimensions"),
        "In `check_shapes`, compare `query.rank`, `key.rank` and `value.rank`, and raise a ValueError with all three.",
    ),
    refused(
        "a mask of shape (2, 4, 5) where there are heads",
        _attention,
        (*IN_HEADS, (2, 4, 5)),
        ("(2, 4, 5)", "(2, 1, 4, 5)"),
        "In `visible_keys`, raise a ValueError for a mask of 3 dimensions where the scores have 4. Give its shape, and "
        "the one that it should have: `dims(mask.unsqueeze(1))`.",
    ),
    refused(
        "a mask of shape (2, 4, 4) in MultiHeadAttention",
        MODULE.build,
        ((2, 4, 12), (2, 4, 4)),
        ("(2, 4, 4)", "(2, 1, 4, 4)"),
        "Hand the mask on to `scaled_dot_product_attention` as it came: that refuses it already.",
    ),
    refused(
        "a mask of shape (4, 6) for 4 queries and 5 keys",
        _attention,
        (*IN_HEADS, (4, 6)),
        ("(4, 6)",),
        "In `visible_keys`, hold each size of the mask against the scores' last sizes: it must be equal, or 1.",
    ),
    refused(
        "a mask of whole numbers",
        _attention,
        (*SAME, (4, 4)),
        ("int64", "bool"),
        "In `visible_keys`, raise a ValueError for a dtype that is neither bool nor float: `mask.dtype.is_float()`. "
        "Name the dtype that came, and bool.",
        dtype="int64",
    ),
    refused("a mask that holds 0.5", _attention_with([1, 0.5], [1, 1]), ((2, 8),) * 3, ("0.5",), TELL_NUMBERS),
    refused(
        "a mask that is meant to be added, of 0 and -inf",
        _attention_with([0, -np.inf], [0, 0]),
        ((2, 8),) * 3,
        ("-inf",),
        TELL_NUMBERS,
    ),
    Expectation(
        "a mask of 0.0 and 1.0 that is known while the graph is built is taken",
        error_of(_attention_with([1, 0], [0, 0]), ((2, 8),) * 3),
        NO_ERROR,
        advice="0 and 1 are what a mask may hold; refuse any other number.",
    ),
    *(
        Expectation(
            f"the error of MultiHeadAttention({embed_dim}, {num_heads})",
            _heads(embed_dim, num_heads),
            f"ValueError: embed_dim ({embed_dim}) must be divisible by num_heads ({num_heads})",
            wrong=((NO_ERROR, "Compare `embed_dim % num_heads` with 0 first of all, and raise a ValueError."),),
            advice="Raise a ValueError with this message, word for word, and the numbers that were given.",
        )
        for embed_dim, num_heads in ((512, 7), (12, 24))
    ),
    Expectation(
        "whether MultiHeadAttention(12, 0) is refused with a ValueError",
        lambda code, _: _heads(12, 0)(code, _).partition(":")[0],
        "ValueError",
        advice="Nothing can be divided by 0: ask for `num_heads <= 0` first, and raise a ValueError.",
    ),
    Expectation(
        "MultiHeadAttention(12, 3).head_dim",
        lambda code, _: _lazily(lambda: code[19].MultiHeadAttention(12, 3).head_dim),
        4,
        wrong=((4.0, "Divide with `//`: a width is a whole number, and `/` gives a float."),),
        advice="Keep `head_dim` on `self`: embed_dim // num_heads.",
    ),
    Expectation(
        "the names in MultiHeadAttention(12, 3).parameters",
        lambda code, _: _lazily(lambda: sorted(dict(code[19].MultiHeadAttention(12, 3).parameters))),
        sorted(MODULE.parameters),
        advice="There are eight tensors: a weight and a bias in each of the four layers.",
    ),
)


def _lazily(call: Callable[[], object]) -> object:
    """Calls something that makes layers, without making their random numbers."""
    from max.experimental import functional as F

    with F.lazy():
        return call()


# --- weights, on the compiled graphs ----------------------------------------------------------


def _weights_are_shares(code: Code, compiled: RunnableSubjects) -> str:
    """Weights are shares also where the scores are so large that hiding is not easy."""
    case = Case(FOUR.name, {"batch": 2, "query_len": 6, "key_len": 9}, seed=91, scale=20.0, note="sees nothing")
    _, inputs = with_mask(FOUR, case)
    _, weights = compiled[FOUR.name]({}, *inputs.values())
    visible = np.broadcast_to(inputs["mask"], weights.shape)
    if weights[~visible].any():
        return "a hidden key has a weight"
    if (weights < 0).any():
        return "a weight is negative"
    sums = weights.sum(axis=-1)
    wrong = np.abs(sums - visible.any(axis=-1)) > 1e-5
    return f"a sum is {sums[wrong][0]:.5g}" if wrong.any() else SHARES


def _other_numbers(code: Code, compiled: RunnableSubjects) -> str:
    """Which numbers of a mask hide the key, if they are known only now."""
    case = Case(THREE.name, {"batch": 1, "query_len": 2, "key_len": 5}, seed=92)
    _, inputs = with_mask(THREE, case)
    inputs["mask"][:] = [1, 0, 0.5, 2, -1]
    _, weights = compiled[THREE.name]({}, *inputs.values())
    hiding = [number for number, weight in zip(inputs["mask"][0, 0], weights[0, 0], strict=True) if weight == 0]
    return f"hidden by {', '.join(f'{number:g}' for number in hiding)}" if hiding else "nothing is hidden"


SHARES = "0 where a key is hidden, never negative, with the sum 1, or 0 in a row that sees nothing"
HIDING = "hidden by 0, 0.5, 2, -1"

MISTAKES = (
    Mistake(
        "attention without the 1/sqrt(head_dim) scale",
        "Divide the scores by sqrt(head_dim) before anything is hidden.",
        {"scale": "none"},
    ),
    Mistake(
        "attention divided by head_dim instead of its root",
        "Take the square root: divide by sqrt(head_dim).",
        {"scale": "1/head_dim"},
    ),
    Mistake(
        "attention multiplied by sqrt(head_dim)",
        "Divide by sqrt(head_dim): the scale keeps the scores small.",
        {"scale": "sqrt(head_dim)"},
    ),
    Mistake(
        "attention scaled by the root of the number of keys",
        "Divide by the root of `head_dim`, the last axis of the query.",
        {"scale": "1/sqrt(key_len)"},
    ),
    Mistake(
        "attention that ignores its mask",
        "Put -inf in place of the scores of hidden keys, with `F.where`, before the softmax.",
        {"mask_read": "ignored"},
    ),
    Mistake(
        "attention with the mask inverted",
        "1 and True mean that the query may look. `F.where(visible, scores, ...)` keeps a score where that is True.",
        {"mask_read": "inverted"},
    ),
    Mistake(
        "attention with the mask of 1 and 0 added to the scores",
        "This mask is not the one of step 02, which is added. Put -inf in place of the scores where it is 0.",
        {"masking": "1 and 0 added"},
    ),
    Mistake(
        "attention with the scores multiplied by the mask",
        "A score of 0 is not hidden: exp(0) is 1. Put -inf in its place.",
        {"masking": "multiplied by 1 and 0"},
    ),
    Mistake(
        "attention that hides keys after the softmax",
        "Hide the scores before the softmax, so that the weights that remain sum to 1.",
        {"masking": "after the softmax"},
    ),
    Mistake(
        "attention that uses the first text's mask for all texts",
        "Leave the mask its first axis: broadcasting gives each text its own.",
        {"mask_read": "the first batch's"},
    ),
    Mistake(
        "attention that uses the first head's mask for all heads",
        "Leave the mask its axis of heads: broadcasting gives each head its own.",
        {"mask_read": "the first head's"},
    ),
    Mistake(
        "attention that gives NaN where a query sees nothing",
        "The softmax of a row of nothing but -inf is 0 / 0. Put 0 where a key is hidden, with `F.where`, after the "
        "softmax, and blend the values after that.",
        {"empty": "nan"},
    ),
    Mistake(
        "attention that gives NaN where a query sees nothing, and with heads everywhere",
        "The softmax of a row of nothing but -inf is 0 / 0. Put 0 where a key is hidden, with `F.where`, after the "
        "softmax, and blend the values after that. (With heads, MAX on CPU joins hiding, softmax and blend in one "
        "kernel, where 0 meets -inf. The step between them keeps them apart.)",
        {"empty": "nan, and with heads all of the output"},
    ),
    Mistake(
        "attention that spreads the weight evenly where a query sees nothing",
        "A large negative number, the same everywhere, leaves an even softmax. Use -inf, and put 0 where a key is "
        "hidden, with `F.where`, after the softmax.",
        {"empty": "even"},
    ),
    Mistake(
        "attention with the softmax over the queries",
        "Take the softmax over the keys, the last axis: the weights of one query sum to 1.",
        {"axis": -2},
    ),
    Mistake(
        "attention that gives its scores in place of its weights",
        "Return what the softmax gave, the numbers that blend the values.",
        {"given": "scores"},
    ),
    Mistake(
        "attention that gives its scores, with -inf in them, in place of its weights",
        "Return what the softmax gave, the numbers that blend the values.",
        {"given": "hidden scores"},
    ),
    Mistake(
        "a module that forgets its mask on the way",
        "Hand the mask on to `scaled_dot_product_attention`.",
        {"module": {"passed": "no mask"}},
    ),
    Mistake(
        "a module that always hides later tokens",
        "Only the mask hides anything here. Use the `scaled_dot_product_attention` of this step, not that of step 08.",
        {"module": {"mask_read": "causal too"}},
    ),
    Mistake(
        "a module that scales by sqrt(embed_dim)",
        "Scores are divided by the root of `head_dim`; `scaled_dot_product_attention` does that. Add no scale in the "
        "module.",
        {"module": {"scale": "1/sqrt(n_embd)"}},
    ),
    Mistake(
        "a module that scales twice",
        "`scaled_dot_product_attention` divides the scores by sqrt(head_dim) already; add no scale in the module.",
        {"module": {"scale": "1/head_dim"}},
    ),
    Mistake(
        "a module with the heads split without the transpose",
        "Reshape to (batch, seq_len, num_heads, head_dim) first, then `transpose(1, 2)`.",
        {"module": {"split": "reshaped"}},
    ),
    Mistake(
        "a module with the heads merged without the transpose",
        "Bring the tokens in front of the heads again with `transpose(1, 2)`, then reshape.",
        {"module": {"merge": "reshaped"}},
    ),
    Mistake(
        "a module with the heads split and merged without the transpose",
        "A reshape alone mixes tokens and heads. Use `transpose(1, 2)` after the one and before the other.",
        {"module": {"split": "reshaped", "merge": "reshaped"}},
    ),
    Mistake(
        "a module with interleaved heads",
        "Head 0 owns the first `head_dim` entries, head 1 the next: reshape to (num_heads, head_dim), in this order.",
        {"module": {"split": "interleaved", "merge": "interleaved"}},
    ),
    Mistake(
        "a module without its output projection",
        "Apply `out_proj` to the merged heads.",
        {"module": {"projection": "none"}},
    ),
    Mistake(
        "a module without the bias of out_proj",
        "`out_proj` is a `Linear` with a bias: apply all of it.",
        {"module": {"projection": "x @ weight.T"}},
    ),
    Mistake(
        "a module with the weight of out_proj not transposed",
        "MAX's `Linear` keeps its weight as [out, in] and computes `x @ weight.T + bias`. Use `Linear` as it is.",
        {"module": {"projection": "x @ weight + bias"}},
    ),
    *(
        Mistake(
            f"a module that uses its projections in the order {order.replace(' ', ', ')}",
            "`q_proj` makes the query, `k_proj` the key and `v_proj` the value.",
            {"module": {"order": order}},
        )
        for order in ("query value key", "key query value", "key value query", "value query key", "value key query",
                      "query query value", "query key key", "query query query")
    ),
)  # fmt: skip

CHECK = Check(
    names=("scaled_dot_product_attention", "MultiHeadAttention"),
    subjects=(TWO, THREE, FOUR, HEADS, MODULE, MASKED, SHARED),
    cases=(
        Case(TWO.name, {"query_len": 4, "key_len": 7}, seed=1),
        Case(TWO.name, {"query_len": 1, "key_len": 1}, seed=2),
        Case(TWO.name, {"query_len": 5, "key_len": 3}, seed=3, scale=20.0, note="large logits", tolerance=1e-4),
        Case(THREE.name, {"batch": 2, "query_len": 4, "key_len": 6}, seed=4, given=with_mask),
        Case(
            THREE.name, {"batch": 2, "query_len": 3, "key_len": 5}, seed=5, given=with_mask,
            note="a row that sees nothing",
        ),
        Case(FOUR.name, {"batch": 3, "query_len": 5, "key_len": 4}, seed=6, given=with_mask),
        Case(
            FOUR.name, {"batch": 2, "query_len": 4, "key_len": 4}, seed=7, given=with_mask,
            note="a row that sees nothing",
        ),
        Case(HEADS.name, {"batch": 2, "query_len": 3, "key_len": 6}, seed=8, given=with_mask),
        Case(MODULE.name, {"batch": 2, "seq_len": 5}, seed=9),
        Case(MODULE.name, {"batch": 1, "seq_len": 1}, seed=10),
        Case(MASKED.name, {"batch": 3, "seq_len": 6}, seed=11, given=with_mask),
        Case(SHARED.name, {"batch": 2, "seq_len": 4}, seed=12, given=with_mask),
    ),
    expectations=(
        is_graph_operation(19, "scaled_dot_product_attention"),
        *ERRORS,
        Expectation(
            "what the weights of large scores are",
            _weights_are_shares,
            SHARES,
            wrong=(
                (
                    "a hidden key has a weight",
                    "Hide with -inf before the softmax, and put 0 where a key is hidden, with `F.where`, after it.",
                ),
            ),
            advice="Hide with -inf before the softmax, and put 0 where a key is hidden, with `F.where`, after it.",
            needs=(FOUR.name,),
        ),
        Expectation(
            "which numbers of a mask hide, if they are known only when the graph runs",
            _other_numbers,
            HIDING,
            wrong=(
                ("hidden by 0", "Compare the mask with 1, as in `mask == 1`: then every other number hides."),
                ("hidden by 0, -1", "Compare the mask with 1, as in `mask == 1`: then every other number hides."),
            ),
            advice="Every number but 1 hides: `mask == 1`.",
            needs=(THREE.name,),
        ),
    ),
    numpy_model=numpy_model,
    explain={
        # Found by MAX 26.7.0's compiler, not while tracing.
        '"axis": -': "In this version of MAX, F.softmax knows no negative axis but -1, which is the right one here: "
        "the keys are the last axis.",
        "It should return a tuple of 2 tensors": "Return the output and the weights, in this order: "
        "`return output, attention_weights`.",
        "neither equivalent nor broadcastable": "Batches and heads must agree. Bring the heads in front of the tokens "
        "before you attend, with `transpose(1, 2)`.",
    },
    mistakes=MISTAKES,
    show=lambda outputs: f"See whom your tokens look at: {own_attention()}",
)  # fmt: skip
