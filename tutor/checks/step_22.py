"""The check of step 22: backward through attention."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Code, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import attention_gradients
from tutor.checks.shared.backward import in_order, parameters_in, with_module
from tutor.checks.shared.expectations import is_graph_operation
from tutor.checks.shared.slopes import slopes_agree
from tutor.checks.shared.subjects import built
from tutor.graphs.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from max.experimental.nn import Module
    from max.experimental.tensor import Tensor

_ROWS = TensorSpec("float32", ("batch", 2, "queries", "keys"))

SOFTMAX = Subject(
    name="softmax_backward",
    build=lambda code: code[22].softmax_backward,
    inputs={"grad_weights": _ROWS, "weights": _ROWS},
    outputs={"grad_scores": _ROWS},
    part="softmax_backward",
)


def _attention(n_head: int, head_dim: int) -> Subject:
    heads = TensorSpec("float32", ("batch", n_head, "seq_len", head_dim))
    return Subject(
        name=f"attention_backward, n_head={n_head}, head_dim={head_dim}",
        build=lambda code: code[22].attention_backward,
        inputs=dict.fromkeys(("grad_y", "query", "key", "value"), heads),
        outputs={"grad_query": heads, "grad_key": heads, "grad_value": heads},
        part="attention_backward",
    )


THREE_HEADS, ONE_HEAD = _attention(3, 5), _attention(1, 7)

FORWARD = Subject(
    name="attention",
    build=lambda code: code[8].scaled_dot_product_attention,
    inputs={name: THREE_HEADS.inputs[name] for name in ("query", "key", "value")},
    outputs={"y": THREE_HEADS.inputs["grad_y"]},
    confirmed=False,
    part="attention_backward",
)

NAMES = tuple(sizes.attention({"n_embd": 1}))


def _backward(code: Code, attention: "Module", grad_y: "Tensor", x: "Tensor") -> tuple[object, ...]:
    result = code[22].multi_head_attention_backward(attention, grad_y, x)
    return in_order("multi_head_attention_backward", result, "the gradient of x", NAMES)


def _heads(n_embd: int, n_head: int) -> Subject:
    settings = {"n_embd": n_embd, "n_head": n_head}
    tokens = TensorSpec("float32", ("batch", "seq_len", n_embd))
    shapes = sizes.attention(settings)
    return Subject(
        name=f"multi_head_attention_backward, n_embd={n_embd}, n_head={n_head}",
        build=with_module("attention", built(9, "GPT2MultiHeadAttention", settings), _backward),
        inputs={"grad_y": tokens, "x": tokens},
        outputs={"grad_x": tokens, **{name: TensorSpec("float32", shape) for name, shape in shapes.items()}},
        parameters=parameters_in("attention", shapes),
        settings=settings,
        confirmed=n_head > 1,
        part="multi_head_attention_backward",
    )


HEADS, WIDE_HEAD = _heads(12, 3), _heads(10, 1)

FORWARD_HEADS = Subject(
    name="multi-head attention",
    build=with_module(
        "attention", built(9, "GPT2MultiHeadAttention", HEADS.settings), lambda code, attention, x: attention(x)
    ),
    inputs={"x": HEADS.inputs["x"]},
    outputs={"y": HEADS.inputs["grad_y"]},
    parameters=HEADS.parameters,
    settings=HEADS.settings,
    confirmed=False,
    part="multi_head_attention_backward",
)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 22 in NumPy. A mistake names the function that makes it, with its own keywords."""
    own = mistake.get(subject.part, {})
    if subject is SOFTMAX:
        return {"grad_scores": attention_gradients.softmax_backward(*inputs.values(), **own)}
    if subject.part == "attention_backward":
        return dict(zip(subject.outputs, attention_gradients.attention_backward(*inputs.values(), **own), strict=True))
    held = {name.removeprefix("attention."): array for name, array in parameters.items()}
    n_head = subject.settings["n_head"]
    results = attention_gradients.multi_head_attention_backward(inputs["grad_y"], inputs["x"], held, n_head, **own)
    return {name: results[name] for name in subject.outputs}


def _weights(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws weights as a softmax gives them, some of them 0."""
    rng = np.random.default_rng(case.seed)
    shape = subject.inputs["weights"].shape(case.dims)
    exponentials = np.exp(case.scale * rng.normal(size=shape)) * (rng.random(shape) < 0.8)
    exponentials[..., 0] += 0.1
    weights = exponentials / exponentials.sum(axis=-1, keepdims=True)
    grad = rng.normal(size=shape)
    return {}, {"grad_weights": grad.astype(np.float32), "weights": weights.astype(np.float32)}


def _leak(_: Code, graphs: RunnableSubjects) -> str:
    """Which keys and values get a gradient, if the loss is made of the first two of five tokens."""
    rng = np.random.default_rng(81)
    shape = (1, 3, 5, 5)
    grad_y, query, key, value = (rng.normal(size=shape).astype(np.float32) for _ in range(4))
    grad_y[:, :, 2:] = 0
    _, grad_key, grad_value = graphs[THREE_HEADS.name]({}, grad_y, query, key, value)
    reached = np.flatnonzero(np.abs(grad_key).sum(axis=(0, 1, 3)) + np.abs(grad_value).sum(axis=(0, 1, 3)))
    return f"tokens {', '.join(map(str, reached))}"


def _mistakes(function: str, *rows: tuple[str, str, Mapping[str, object]]) -> Sequence[Mistake]:
    return [Mistake(name, advice, {function: arguments}) for name, advice, arguments in rows]


def _in_all(name: str, advice: str, arguments: dict[str, object]) -> Mistake:
    """A mistake in `attention_backward`, which the heads then have, too."""
    return Mistake(name, advice, {"attention_backward": arguments, "multi_head_attention_backward": arguments})


_JACOBIANS = (
    (
        "a softmax that goes back as if each weight depended on its own score alone",
        "Every weight depends on every score of its row: subtract the row's `sum(grad_weights * weights)`.",
        "diagonal",
    ),
    (
        "a softmax that goes back without the sum over its row",
        "Weights compete: subtract the row's `sum(grad_weights * weights)` from `grad_weights`.",
        "weights alone",
    ),
    (
        "a softmax that subtracts the sum of the gradients, not weighted",
        "Subtract `sum(grad_weights * weights)`: the mean of the gradients under the weights.",
        "sum of gradients",
    ),
    (
        "a softmax that divides the sum over its row by the number of keys",
        "The weights sum to 1, so that the weighted sum is a mean already: take `F.sum`.",
        "mean",
    ),
    (
        "a softmax that goes back with the sum over the queries",
        "The weights of one query sum to 1: take the sum over the keys, the last axis.",
        "along the queries",
    ),
    (
        "a softmax that adds the sum over its row",
        "Subtract it: if one weight grows, the others shrink.",
        "added",
    ),
    (
        "a softmax that goes back without its weights in front",
        "Multiply the difference by `weights`.",
        "without weights",
    ),
    (
        "a softmax whose sum over the row is not multiplied by the weights",
        "Multiply the whole difference by `weights`: put brackets around it.",
        "sum not weighted",
    ),
    ("no softmax on the way back", "Go back through the softmax with `softmax_backward`.", "nothing"),
)

CHECK = Check(
    names=("named", "softmax_backward", "attention_backward", "multi_head_attention_backward"),
    subjects=(SOFTMAX, THREE_HEADS, ONE_HEAD, FORWARD, HEADS, WIDE_HEAD, FORWARD_HEADS),
    cases=(
        *(
            Case(SOFTMAX.name, {"batch": batch, "queries": queries, "keys": keys}, seed=seed, given=_weights)
            for seed, (batch, queries, keys) in enumerate(((2, 4, 4), (1, 1, 1), (1, 3, 5)), start=1)
        ),
        Case(
            SOFTMAX.name,
            {"batch": 1, "queries": 3, "keys": 6},
            seed=5,
            scale=30.0,
            given=_weights,
            note="all weight on one key",
        ),
        Case(THREE_HEADS.name, {"batch": 2, "seq_len": 5}, seed=11),
        Case(THREE_HEADS.name, {"batch": 1, "seq_len": 1}, seed=12),
        Case(THREE_HEADS.name, {"batch": 1, "seq_len": 7}, seed=13),
        Case(ONE_HEAD.name, {"batch": 3, "seq_len": 7}, seed=14),
        Case(ONE_HEAD.name, {"batch": 1, "seq_len": 4}, seed=15, scale=6.0, note="large scores", tolerance=1e-4),
        Case(HEADS.name, {"batch": 2, "seq_len": 5}, seed=21),
        Case(HEADS.name, {"batch": 1, "seq_len": 1}, seed=22),
        Case(WIDE_HEAD.name, {"batch": 3, "seq_len": 4}, seed=23),
    ),
    expectations=(
        is_graph_operation(22, "softmax_backward"),
        is_graph_operation(22, "attention_backward"),
        Expectation(
            "which tokens get a gradient, if the loss is made of tokens 0 and 1 of 5",
            _leak,
            "tokens 0, 1",
            advice="A hidden key has the weight 0, so nothing flows back to it. Compute the weights again with the "
            "mask.",
            needs=(THREE_HEADS.name,),
            part="attention_backward",
            of_graphs=True,
        ),
        slopes_agree(
            FORWARD,
            THREE_HEADS,
            Case(THREE_HEADS.name, {"batch": 2, "seq_len": 4}, seed=31),
            lambda results: dict(zip(("query", "key", "value"), results, strict=True)),
            part="attention_backward",
            upstream="grad_y",
        ),
        slopes_agree(
            FORWARD_HEADS,
            HEADS,
            Case(HEADS.name, {"batch": 2, "seq_len": 4}, seed=32),
            lambda results: dict(zip(("x", *HEADS.parameters), results, strict=True)),
            part="multi_head_attention_backward",
            upstream="grad_y",
        ),
    ),
    numpy_model=numpy_model,
    explain={
        "The result has the wrong shape": "A gradient has the shape of what it belongs to.",
    },
    mistakes=(
        *(
            Mistake(
                name,
                advice,
                {
                    "softmax_backward": {"jacobian": jacobian},
                    "attention_backward": {"jacobian": jacobian},
                    "multi_head_attention_backward": {"jacobian": jacobian},
                },
            )
            for name, advice, jacobian in _JACOBIANS
        ),
        _in_all(
            "a way back that forgets the scale",
            "The scores were divided by sqrt(head_dim) on the way forward, so their gradient is, too.",
            {"scale": "forward alone"},
        ),
        _in_all(
            "weights that are computed again without the scale",
            "Compute the weights as step 08 does: divide the scores by sqrt(head_dim) before the softmax.",
            {"scale": "backward alone"},
        ),
        _in_all(
            "attention without its scale, both ways",
            "Divide the scores by sqrt(head_dim), and the gradient of the scores, too.",
            {"scale": "nowhere"},
        ),
        _in_all(
            "a way back that divides by sqrt(head_dim) twice",
            "Scale the gradient of the scores once: then both products are right.",
            {"scale": "twice"},
        ),
        _in_all(
            "a way back that multiplies by sqrt(head_dim)",
            "What is divided on the way forward is divided on the way back.",
            {"scale": "upside down"},
        ),
        _in_all(
            "weights that are computed again without the mask",
            "Add the mask of step 02 to the scores: otherwise gradients reach keys that were hidden.",
            {"sees": "everything"},
        ),
        _in_all(
            "a gradient of the keys that is not transposed",
            "Rows of `grad_scores` are queries. A key gets a gradient from each query: `grad_scores.transpose(-1, -2) "
            "@ "
            "query`.",
            {"grad_key": "grad_scores @ query"},
        ),
        _in_all(
            "a gradient of the keys that is made with the keys",
            "The gradient of one factor is made with the other one: the keys' with `query`.",
            {"grad_key": "grad_scores.T @ key"},
        ),
        _in_all(
            "a gradient of the queries that is made with the queries",
            "The gradient of one factor is made with the other one: the queries' with `key`.",
            {"grad_query": "grad_scores @ query"},
        ),
        _in_all(
            "a gradient of the values that is not transposed",
            "A value gets a gradient from each query that blended it: `weights.transpose(-1, -2) @ grad_y`.",
            {"grad_value": "weights @ grad_y"},
        ),
        _in_all(
            "a gradient of the values that is divided by sqrt(head_dim)",
            "The scale is on the scores alone: the values do not go through it.",
            {"grad_value": "scaled"},
        ),
        _in_all(
            "a gradient of the values that is made with the scores' gradient",
            "The values were blended with the weights: `weights.transpose(-1, -2) @ grad_y`.",
            {"grad_value": "scores.T @ grad_y"},
        ),
        _in_all(
            "gradients of query and key that are exchanged",
            "Return them in the order query, key, value.",
            {"order": "key query value"},
        ),
        _in_all(
            "gradients of key and value that are exchanged",
            "Return them in the order query, key, value.",
            {"order": "query value key"},
        ),
        *_mistakes(
            "multi_head_attention_backward",
            (
                "a gradient whose heads are cut without the transpose",
                "Split the gradient as the forward pass splits its input: with `attention._split_heads`.",
                {"heads": "reshaped"},
            ),
            (
                "gradients of queries, keys and values in another order than c_attn's",
                "`c_attn` gives query, key, value in this order: concatenate their gradients in the same order.",
                {"order": "value key query"},
            ),
            (
                "a gradient of c_proj that is made with x",
                "`c_proj` was given what the heads gave, merged.",
                {"reads": "x"},
            ),
            (
                "a gradient of c_proj that is made with grad_y",
                "`c_proj` was given what the heads gave, merged.",
                {"reads": "grad_y"},
            ),
            *(
                (
                    f"the gradient through the {which} alone",
                    "All three come from x: concatenate their gradients before you go back through `c_attn`.",
                    {"part": part},
                )
                for which, part in (("queries", "query"), ("keys", "key"), ("values", "value"))
            ),
            (
                "biases without a gradient",
                "`linear_backward` gives the gradient of the bias, too.",
                {"bias": "none"},
            ),
        ),
    ),
)
