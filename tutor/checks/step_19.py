"""The check of step 19: attention that gives its weights, with any mask.

The subjects differ in what a careless attention takes for granted: heads, a batch, as many keys as queries, a
mask of one kind. The errors are found while tracing, on graphs that are never compiled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor import sizes
from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Case, Check, Code, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import attention as numpy_attention
from tutor.checks.shared.expectations import MAXS_ERROR, NO_ERROR, error_in_words, is_graph_operation, outcome, raises
from tutor.checks.shared.subjects import SHIPPED
from tutor.graphs.tensor_spec import TensorSpec
from tutor.invocation import own_attention

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

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
        part="scaled_dot_product_attention",
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
        part="MultiHeadAttention.forward",
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

_SCORES = TensorSpec("float32", ("batch", 3, "query_len", "key_len"))
VISIBLE = Subject(
    name="visible_keys",
    build=lambda code: lambda scores, *masks: tuple(code[19].visible_keys(mask, scores) for mask in masks),
    inputs={
        "scores": _SCORES,
        "shared": TensorSpec("float32", ("query_len", "key_len")),
        "per head": TensorSpec("float32", (1, 3, "query_len", "key_len")),
        "per text": TensorSpec("bool", ("batch", 1, 1, "key_len")),
    },
    outputs=dict.fromkeys(("shared", "per head", "per text"), replace(_SCORES, dtype="bool")),
    part="visible_keys",
)
MODULE = _module(12, 3)
MASKED = _module(12, 4, TensorSpec("bool", ("batch", 1, "seq_len", "seq_len")))
SHARED = _module(12, 2, TensorSpec("float32", ("seq_len", "seq_len")))
ON_TEXT = _module(SHIPPED["n_embd"], SHIPPED["n_head"], TensorSpec("bool", ("seq_len", "seq_len")))


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


def _with_masks(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws scores, and masks of all numbers that a mask may hold when the graph runs: all but 1 hide the key."""
    inputs = random_numbers.inputs(subject, case)
    rng = np.random.default_rng([case.seed, 19])
    for name, spec in subject.inputs.items():
        if name != "scores":
            numbers = (0, 1) if spec.dtype == "bool" else (0, 1, 1, 0.5, 2, -1)
            inputs[name] = rng.choice(numbers, size=inputs[name].shape).astype(spec.dtype)
    return {}, inputs


def numpy_model(
    subject: Subject, parameters: Arrays, inputs: Arrays, module: Mapping[str, object] | None = None, **mistake: Any
) -> Arrays:
    """Step 19 in NumPy; `module` are changes of the module alone."""
    if subject is VISIBLE:
        chosen = {name: mistake[name] for name in ("mask_read",) if name in mistake}
        scores, *masks = inputs.values()
        visible = (numpy_attention.visible_keys(mask, scores.shape, **chosen) for mask in masks)
        return dict(zip(subject.outputs, visible, strict=True))
    if subject.parameters:
        settings = {"num_heads": subject.settings["num_heads"], **mistake, **(module or {})}
        results = numpy_attention.multi_head_attention(parameters=parameters, **inputs, **settings)
    else:
        results = numpy_attention.attention(**inputs, **mistake)
    return dict(zip(("output", "attention_weights"), results, strict=True))


# --- errors, while the graph is built ---------------------------------------------------------

Build = Callable[[Code], Callable[..., object]]
Shapes = Sequence[Sequence[int]]


def _traced(build: Build, shapes: Shapes, dtype: str = "float32") -> Callable[[Code], None]:
    """Makes a call that traces something.

    Args:
        build: makes the callable from the code under test.
        shapes: of its arguments.
        dtype: of the last argument; the others are float32.
    """

    def call(code: Code) -> None:
        from tutor.graphs.devices import find_device
        from tutor.graphs.trace import trace

        *first, last = shapes
        specs = [*(TensorSpec("float32", tuple(shape)) for shape in first), TensorSpec(dtype, tuple(last))]
        trace(lambda: build(code), specs, find_device("cpu"))

    return call


def refused(
    name: str, build: Build, shapes: Shapes, parts: Sequence[str], advice: str, *, part: str, dtype: str = "float32"
) -> Expectation:
    """Expects that tracing raises a ValueError with these parts in its message."""
    return raises(
        f"the error for {name}",
        _traced(build, shapes, dtype),
        *parts,
        part=part,
        wrong=[(MAXS_ERROR, f"MAX notices it late, and in its own words. {advice}")],
        advice=advice,
        # MAX's own messages name shapes too.
        late="Failed to create op",
    )


def taken(name: str, build: Build, shapes: Shapes, advice: str, *, part: str, dtype: str = "float32") -> Expectation:
    """Expects that tracing raises nothing."""
    call = _traced(build, shapes, dtype)
    return Expectation(
        f"{name}",
        lambda code, _: outcome(lambda: call(code)),
        NO_ERROR,
        advice=advice,
        part=part,
        read=error_in_words,
    )


def _shapes_checked(code: Code) -> Callable[..., object]:
    def call(query: "Tensor", key: "Tensor", value: "Tensor") -> "Tensor":
        code[19].check_shapes(query, key, value)
        return query

    return call


def _keys_visible(code: Code) -> Callable[..., object]:
    return lambda scores, mask: code[19].visible_keys(mask, scores)


def _keys_visible_with(*rows: Sequence[float]) -> Build:
    """`visible_keys` with a mask whose numbers are known while the graph is built."""

    def build(code: Code) -> Callable[..., object]:
        from max.experimental.tensor import Tensor

        mask = Tensor.from_dlpack(np.array(rows, np.float32))
        return lambda scores: code[19].visible_keys(mask, scores)

    return build


def _attention(code: Code) -> Callable[..., object]:
    return code[19].scaled_dot_product_attention


def _made(embed_dim: int, num_heads: int) -> Callable[[Code], Any]:
    """Makes a call that makes a module of this size, without its random numbers."""

    def call(code: Code) -> Any:
        from max.experimental import functional as F

        with F.lazy():
            return code[19].MultiHeadAttention(embed_dim, num_heads)

    return call


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
        _shapes_checked,
        ((4, 8), (5, 8), (7, 8)),
        ("key", "value", "5", "7"),
        TELL_LENGTHS.format("key.shape[-2]", "value.shape[-2]"),
        part="check_shapes",
    ),
    refused(
        "queries of 8 numbers and keys of 6",
        _shapes_checked,
        ((4, 8), (5, 6), (5, 8)),
        ("query", "key", "8", "6"),
        TELL_LENGTHS.format("query.shape[-1]", "key.shape[-1]"),
        part="check_shapes",
    ),
    refused(
        "7 keys and 5 values",
        _shapes_checked,
        ((4, 8), (7, 8), (5, 8)),
        ("key", "value", "5", "7"),
        TELL_LENGTHS.format("key.shape[-2]", "value.shape[-2]") + " Either may be the longer one.",
        part="check_shapes",
    ),
    refused(
        "queries of 6 numbers and keys of 8",
        _shapes_checked,
        ((4, 6), (5, 8), (5, 8)),
        ("query", "key", "8", "6"),
        TELL_LENGTHS.format("query.shape[-1]", "key.shape[-1]") + " Either may be the wider one.",
        part="check_shapes",
    ),
    *(
        refused(
            f"query, key and value of {query}, {key} and {value} dimensions",
            _shapes_checked,
            [(2, 3, 4, 5, 8)[-rank:] for rank in (query, key, value)],
            sorted({str(query), str(key), str(value), "dimensions"}),
            "In `check_shapes`, compare `query.rank`, `key.rank` and `value.rank`: they must be equal, and 2, 3 or 4. "
            "Raise a ValueError with all three.",
            part="check_shapes",
        )
        for query, key, value in ((2, 3, 3), (3, 2, 3), (3, 3, 2), (4, 3, 4), (1, 1, 1), (5, 5, 5))
    ),
    *(
        taken(
            f"check_shapes accepts {name}",
            _shapes_checked,
            shapes,
            "Raise an error only for what does not fit: the query may have another length, and the value another "
            "width.",
            part="check_shapes",
        )
        for name, shapes in {
            "4 queries, 5 keys and wider values": ((4, 8), (5, 8), (5, 9)),
            "heads": ((2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 8)),
        }.items()
    ),
    refused(
        "a mask of shape (2, 4, 5) where there are heads",
        _keys_visible,
        ((2, 3, 4, 5), (2, 4, 5)),
        ("(2, 4, 5)", "(2, 1, 4, 5)"),
        "In `visible_keys`, raise a ValueError for a mask of 3 dimensions where the scores have 4. Give its shape, and "
        "the one that it should have: `dims(mask.unsqueeze(1))`.",
        part="visible_keys",
    ),
    refused(
        "a mask of shape (4, 6) for 4 queries and 5 keys",
        _keys_visible,
        ((2, 3, 4, 5), (4, 6)),
        ("(4, 6)",),
        "In `visible_keys`, compare each size of the mask with the scores' last sizes: it must be equal, or 1.",
        part="visible_keys",
    ),
    *(
        refused(
            f"a mask of shape {mask} for scores of shape {scores}",
            _keys_visible,
            (scores, mask),
            (f"({', '.join(map(str, mask))})",),
            "In `visible_keys`, a mask has 2 dimensions, or as many as the scores, and each size is theirs or 1.",
            part="visible_keys",
        )
        for scores, mask in (
            ((2, 3, 4, 5), (3, 5)),
            ((2, 3, 4, 5), (4, 3)),
            ((2, 3, 4, 5), (2, 2, 4, 5)),
            ((2, 3, 4, 5), (3, 3, 4, 5)),
            ((2, 4, 5), (3, 4, 5)),
            ((2, 4, 5), (2, 1, 4, 5)),
            ((4, 5), (1, 4, 5)),
        )
    ),
    *(
        taken(
            f"visible_keys accepts a mask of shape {mask} for scores of shape {scores}",
            _keys_visible,
            (scores, mask),
            "A size of 1 means the same for all, on any axis.",
            part="visible_keys",
        )
        for scores, mask in (
            ((2, 3, 4, 5), (1, 5)),
            ((2, 3, 4, 5), (4, 1)),
            ((2, 3, 4, 5), (2, 3, 4, 5)),
            ((2, 3, 4, 5), (1, 1, 1, 1)),
            ((2, 4, 5), (2, 1, 5)),
            ((4, 5), (4, 5)),
        )
    ),
    *(
        refused(
            f"a mask that holds {number}",
            _keys_visible_with([1, 0], [1, number]),
            ((2, 2),),
            (str(number),),
            TELL_NUMBERS,
            part="visible_keys",
        )
        for number in (2.0, -1.0)
    ),
    refused(
        "a mask of integers",
        _keys_visible,
        ((4, 4), (4, 4)),
        ("int64", "bool"),
        "In `visible_keys`, raise a ValueError for a dtype that is neither bool nor float: `mask.dtype.is_float()`. "
        "Name the dtype that came, and bool.",
        part="visible_keys",
        dtype="int64",
    ),
    refused(
        "a mask that holds 0.5",
        _keys_visible_with([1, 0.5], [1, 1]),
        ((2, 2),),
        ("0.5",),
        TELL_NUMBERS,
        part="visible_keys",
    ),
    refused(
        "a mask that is meant to be added, of 0 and -inf",
        _keys_visible_with([0, -np.inf], [0, 0]),
        ((2, 2),),
        ("-inf",),
        TELL_NUMBERS,
        part="visible_keys",
    ),
    taken(
        "visible_keys accepts a mask of 0.0 and 1.0 that is known while the graph is built",
        _keys_visible_with([1, 0], [0, 0]),
        ((2, 2),),
        "0 and 1 are what a mask may hold; reject any other number.",
        part="visible_keys",
    ),
    refused(
        "5 keys and 7 values, in scaled_dot_product_attention",
        _attention,
        ((4, 8), (5, 8), (7, 8)),
        ("key", "value", "5", "7"),
        "Call `check_shapes` before anything else.",
        part="scaled_dot_product_attention",
    ),
    refused(
        "a mask of shape (4, 6) for 4 queries and 5 keys, in scaled_dot_product_attention",
        _attention,
        (*IN_HEADS, (4, 6)),
        ("(4, 6)",),
        "Let `visible_keys` say which keys are visible: it rejects such a mask.",
        part="scaled_dot_product_attention",
    ),
    *(
        Expectation(
            f"the error of MultiHeadAttention({embed_dim}, {num_heads})",
            lambda code, _, sizes=(embed_dim, num_heads): outcome(lambda: _made(*sizes)(code)),
            f"ValueError: embed_dim ({embed_dim}) must be divisible by num_heads ({num_heads})",
            wrong=((NO_ERROR, "Compare `embed_dim % num_heads` with 0 before anything else, and raise a ValueError."),),
            advice="Raise a ValueError with this message, word for word, and the numbers that were given.",
            part="MultiHeadAttention.__init__",
            read=error_in_words,
        )
        for embed_dim, num_heads in ((512, 7), (12, 24))
    ),
    *(
        raises(
            f"the error of MultiHeadAttention(12, {num_heads})",
            _made(12, num_heads),
            part="MultiHeadAttention.__init__",
            advice="Nothing can be divided by 0: check `num_heads <= 0` first, and raise a ValueError.",
        )
        for num_heads in (0, -1, -3)
    ),
    Expectation(
        "MultiHeadAttention(12, 3).head_dim",
        lambda code, _: _made(12, 3)(code).head_dim,
        4,
        wrong=((4.0, "Divide with `//`: a width is an integer, and `/` gives a float."),),
        advice="Keep `head_dim` on `self`: embed_dim // num_heads.",
        part="MultiHeadAttention.__init__",
    ),
    Expectation(
        "the names in MultiHeadAttention(12, 3).parameters",
        lambda code, _: sorted(dict(_made(12, 3)(code).parameters)),
        sorted(MODULE.parameters),
        advice="There are eight tensors: a weight and a bias in each of the four layers.",
        part="MultiHeadAttention.__init__",
    ),
    refused(
        "a mask of shape (2, 4, 4) in MultiHeadAttention",
        MODULE.build,
        ((2, 4, 12), (2, 4, 4)),
        ("(2, 4, 4)", "(2, 1, 4, 4)"),
        "Pass the mask on to `scaled_dot_product_attention` as it came: that rejects it already.",
        part="MultiHeadAttention.forward",
    ),
)


# --- weights, on the graphs alone -------------------------------------------------------------


def _weights_are_shares(_: Code, compiled: RunnableSubjects) -> str:
    """Weights are shares also where the scores are so large that hiding is not easy."""
    case = Case(FOUR.name, {"batch": 2, "query_len": 6, "key_len": 9}, seed=91, scale=20.0, note="sees nothing")
    _parameters, inputs = with_mask(FOUR, case)
    _output, weights = compiled[FOUR.name]({}, *inputs.values())
    visible = np.broadcast_to(inputs["mask"], weights.shape)
    if weights[~visible].any():
        return "a hidden key has a weight"
    if (weights < 0).any():
        return "a weight is negative"
    sums = weights.sum(axis=-1)
    wrong = np.abs(sums - visible.any(axis=-1)) > 1e-5
    return f"a sum is {sums[wrong][0]:.5g}" if wrong.any() else SHARES


SHARES = "0 where a key is hidden, never negative, with the sum 1, or 0 in a row that sees nothing"

MISTAKES = (
    Mistake(
        "a mask in which every number but 0 lets the query look",
        "Compare the mask with 1, as in `mask == 1`: then every other number hides.",
        {"mask_read": "not 0"},
    ),
    Mistake(
        "a mask in which every number above 0 lets the query look",
        "Compare the mask with 1, as in `mask == 1`: then every other number hides.",
        {"mask_read": "above 0"},
    ),
    Mistake(
        "attention without the 1/sqrt(head_dim) scale",
        "Divide the scores by sqrt(head_dim) before anything is hidden.",
        {"scale": "none"},
    ),
    Mistake(
        "attention divided by head_dim instead of its square root",
        "Take the square root: divide by sqrt(head_dim).",
        {"scale": "1/head_dim"},
    ),
    Mistake(
        "attention multiplied by sqrt(head_dim)",
        "Divide by sqrt(head_dim): the scale keeps the scores small.",
        {"scale": "sqrt(head_dim)"},
    ),
    Mistake(
        "attention scaled by the square root of the number of keys",
        "Divide by the square root of `head_dim`, the last axis of the query.",
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
        "Keep the first axis of the mask: broadcasting gives each text its own.",
        {"mask_read": "the first batch's"},
    ),
    Mistake(
        "attention that uses the first head's mask for all heads",
        "Keep the head axis of the mask: broadcasting gives each head its own.",
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
        "a module that does not pass its mask on",
        "Pass the mask on to `scaled_dot_product_attention`.",
        {"module": {"passed": "no mask"}},
    ),
    Mistake(
        "a module that always hides later tokens",
        "Only the mask hides anything here. Use the `scaled_dot_product_attention` of this step, not that of step 08.",
        {"module": {"mask_read": "causal too"}},
    ),
    Mistake(
        "a module that scales by sqrt(embed_dim)",
        "Scores are divided by the square root of `head_dim`; `scaled_dot_product_attention` does that. Add no scale "
        "in the module.",
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
        "Move the token axis back in front of the heads with `transpose(1, 2)`, then reshape.",
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
    names=("check_shapes", "visible_keys", "scaled_dot_product_attention", "MultiHeadAttention"),
    subjects=(VISIBLE, TWO, THREE, FOUR, HEADS, MODULE, MASKED, SHARED),
    cases=(
        Case(VISIBLE.name, {"batch": 2, "query_len": 3, "key_len": 5}, seed=13, given=_with_masks),
        Case(VISIBLE.name, {"batch": 1, "query_len": 1, "key_len": 2}, seed=14, given=_with_masks),
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
            part="scaled_dot_product_attention",
            of_graphs=True,
        ),
    ),
    on_text=ON_TEXT,
    numpy_model=numpy_model,
    compiler_fault="MAX 26.7.0 on a CPU fuses a softmax with the blend that follows it. The fused kernel assumes that "
    "the values are as wide as the keys, and if one row sees nothing, other rows become NaN too. Set the weights of "
    "hidden keys to 0 with `F.where` after the softmax: that keeps the two apart.",
    explain={
        # Found by MAX 26.7.0's compiler, not while tracing.
        '"axis": -': "In this version of MAX, F.softmax knows no negative axis but -1, which is the right one here: "
        "the keys are the last axis.",
        "It should return a tuple of 2 tensors": "Return the output and the weights, in this order: "
        "`return output, attention_weights`.",
        "neither equivalent nor broadcastable": "Batches and heads must agree. Move the head axis in front of the "
        "tokens before you attend, with `transpose(1, 2)`.",
    },
    mistakes=MISTAKES,
    show=lambda outputs: f"See whom your tokens look at: {own_attention()}",
)  # fmt: skip
