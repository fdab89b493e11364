"""The check of step 21: backward through the layers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor.checking.spec import Arrays, Case, Check, Code, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import layer_gradients
from tutor.checks.shared.expectations import is_graph_operation
from tutor.checks.shared.slopes import slopes_agree
from tutor.graphs.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

FUNCTIONS = ("linear_backward", "gelu_backward", "layer_norm_backward", "embedding_backward")


def _tokens(width: int) -> TensorSpec:
    return TensorSpec("float32", ("batch", "seq_len", width))


def _vector(width: int) -> TensorSpec:
    return TensorSpec("float32", (width,))


def _linear(in_dim: int, out_dim: int) -> Subject:
    weight = TensorSpec("float32", (out_dim, in_dim))
    return Subject(
        name=f"linear_backward, in_dim={in_dim}, out_dim={out_dim}",
        build=lambda code: code[21].linear_backward,
        inputs={"grad_y": _tokens(out_dim), "x": _tokens(in_dim), "weight": weight},
        outputs={"grad_x": _tokens(in_dim), "grad_weight": weight, "grad_bias": _vector(out_dim)},
        part="linear_backward",
    )


def _gelu(width: int) -> Subject:
    return Subject(
        name=f"gelu_backward, width={width}",
        build=lambda code: code[21].gelu_backward,
        inputs={"grad_y": _tokens(width), "x": _tokens(width)},
        outputs={"grad_x": _tokens(width)},
        part="gelu_backward",
    )


def _norm(dim: int, eps: float | None) -> Subject:
    def build(code: Code) -> Callable[..., object]:
        more = () if eps is None else (eps,)
        return lambda grad_y, x, weight: code[21].layer_norm_backward(grad_y, x, weight, *more)

    return Subject(
        name=f"layer_norm_backward, dim={dim}" + ("" if eps is None else f", eps={eps}"),
        build=build,
        inputs={"grad_y": _tokens(dim), "x": _tokens(dim), "weight": _vector(dim)},
        outputs={"grad_x": _tokens(dim), "grad_weight": _vector(dim), "grad_bias": _vector(dim)},
        settings={"eps": 1e-5 if eps is None else eps},
        part="layer_norm_backward",
    )


def _table(num_rows: int, n_embd: int) -> Subject:
    return Subject(
        name=f"embedding_backward, num_rows={num_rows}",
        build=lambda code: lambda grad_y, input_ids: code[21].embedding_backward(grad_y, input_ids, num_rows),
        inputs={"grad_y": _tokens(n_embd), "input_ids": TensorSpec("int64", ("batch", "seq_len"))},
        outputs={"grad_table": TensorSpec("float32", (num_rows, n_embd))},
        settings={"vocab_size": num_rows},
        part="embedding_backward",
    )


LINEAR, SQUARE = _linear(5, 7), _linear(6, 6)
GELU = _gelu(9)
NORM, OTHER_NORM = _norm(8, None), _norm(5, 0.05)
TABLE, ONE_ROW = _table(11, 6), _table(1, 4)
SUBJECTS = (LINEAR, SQUARE, GELU, NORM, OTHER_NORM, TABLE, ONE_ROW)

# --- the forward passes, for their slopes -------------------------------------------------------


def _forward(name: str, backward: Subject, build: Callable[[Code], Callable[..., object]], *inputs: str) -> Subject:
    """What a backward pass goes back through: it takes some of its inputs, and gives y."""
    return Subject(
        name=name,
        build=build,
        inputs={given: backward.inputs[given] for given in inputs},
        outputs={"y": backward.inputs["grad_y"]},
        settings=backward.settings,
        confirmed=False,
        part=backward.part,
    )


def _gelu_of_step_04(code: Code) -> Callable[..., object]:
    def call(x: "Tensor") -> "Tensor":
        from max.experimental import functional as F

        return F.gelu(x, approximate="tanh")

    return call


def _norm_of_step_03(code: Code) -> Callable[..., object]:
    def call(x: "Tensor", weight: "Tensor") -> object:
        norm = code[3].LayerNorm(OTHER_NORM.inputs["x"].dims[-1], eps=OTHER_NORM.settings["eps"])
        norm.weight = weight
        return norm(x)

    return call


FORWARD_GELU = _forward("gelu", GELU, _gelu_of_step_04, "x")
FORWARD_NORM = _forward("layer norm", OTHER_NORM, _norm_of_step_03, "x", "weight")


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 21 in NumPy. A mistake names the function that makes it, with its own keywords."""
    given = list(inputs.values())
    if subject.part == "layer_norm_backward":
        given.append(np.array(mistake.get("eps", subject.settings["eps"])))
    elif subject.part == "embedding_backward":
        given.append(np.array(subject.settings["vocab_size"]))
    results = getattr(layer_gradients, subject.part)(*given, **mistake.get(subject.part, {}))
    several = results if isinstance(results, tuple) else (results,)
    return dict(zip(subject.outputs, several, strict=True))


def _repeats(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws ids of which some occur often, some never; the first row of the table and the last are among them."""
    rng = np.random.default_rng(case.seed)
    shape = case.dims["batch"], case.dims["seq_len"]
    ids = rng.choice([0, 3, 4, subject.settings["vocab_size"] - 1], size=shape)
    return {}, {
        "grad_y": rng.normal(size=subject.inputs["grad_y"].shape(case.dims)).astype(np.float32),
        "input_ids": ids,
    }


def _cases(subject: Subject, *, first: int, scale: float = 1.0, shift: float = 0.0) -> list[Case]:
    sizes = ((2, 5), (1, 1), (3, 4))
    return [
        Case(subject.name, {"batch": batch, "seq_len": seq_len}, seed=first + index, scale=scale, shift=shift)
        for index, (batch, seq_len) in enumerate(sizes)
    ]


def _zero_rows(_: Code, graphs: RunnableSubjects) -> str:
    """Which rows of the table have a gradient."""
    ids = np.array([[2, 7, 2]])
    gradient = graphs[TABLE.name]({}, np.ones((1, 3, 6), np.float32), ids)[0]
    return f"rows {', '.join(map(str, np.flatnonzero(np.abs(gradient).sum(axis=1))))}"


def _mistakes(function: str, *rows: tuple[str, str, Mapping[str, object]]) -> Sequence[Mistake]:
    return [Mistake(name, advice, {function: arguments}) for name, advice, arguments in rows]


CHECK = Check(
    names=("by_token", "sum_of_tokens", *FUNCTIONS),
    subjects=(LINEAR, SQUARE, GELU, FORWARD_GELU, NORM, OTHER_NORM, FORWARD_NORM, TABLE, ONE_ROW),
    cases=(
        *_cases(LINEAR, first=1),
        *_cases(SQUARE, first=11),
        *_cases(GELU, first=21, scale=2.0),
        Case(GELU.name, {"batch": 1, "seq_len": 3}, seed=24, scale=30.0, note="far from 0"),
        *_cases(NORM, first=31, scale=2.0, shift=0.5),
        *_cases(OTHER_NORM, first=41, scale=0.3),
        Case(TABLE.name, {"batch": 3, "seq_len": 6}, seed=51, given=_repeats, note="repeated ids"),
        *_cases(TABLE, first=52),
        Case(ONE_ROW.name, {"batch": 2, "seq_len": 3}, seed=61),
    ),
    expectations=(
        *(is_graph_operation(21, name) for name in FUNCTIONS),
        slopes_agree(
            FORWARD_GELU,
            GELU,
            Case(GELU.name, {"batch": 2, "seq_len": 3}, seed=71, scale=2.0),
            lambda results: {"x": results[0]},
            part="gelu_backward",
            upstream="grad_y",
        ),
        slopes_agree(
            FORWARD_NORM,
            OTHER_NORM,
            Case(OTHER_NORM.name, {"batch": 2, "seq_len": 3}, seed=72),
            lambda results: {"x": results[0], "weight": results[1]},
            part="layer_norm_backward",
            upstream="grad_y",
        ),
        Expectation(
            "where the gradient of the table is not 0, if tokens 2, 7 and 2 were looked up",
            _zero_rows,
            "rows 2, 7",
            advice="Begin with zeros: a row that nobody looked up does not change the loss.",
            needs=(TABLE.name,),
            part="embedding_backward",
            of_graphs=True,
        ),
    ),
    numpy_model=numpy_model,
    explain={
        "The result has the wrong shape": "A gradient has the shape of what it belongs to: grad_x that of x, "
        "grad_weight "
        "that of weight, and grad_bias is one vector, summed over all tokens.",
    },
    mistakes=(
        *_mistakes(
            "linear_backward",
            (
                "a grad_x that multiplies by the transposed weight",
                "The forward pass multiplies by `weight.T`, so the way back multiplies by `weight`.",
                {"grad_x": "grad_y @ weight.T"},
            ),
            (
                "a grad_x that is averaged over the tokens",
                "Each token has its own gradient: nothing is averaged.",
                {"grad_x": "averaged"},
            ),
            (
                "a grad_weight that is transposed",
                "Rows of the weight belong to outputs: `grad_y.T @ x`.",
                {"grad_weight": "x.T @ grad_y"},
            ),
            (
                "a grad_weight that is averaged over the tokens",
                "All tokens use the same weight, so their gradients are added up. The mean is in the loss already.",
                {"grad_weight": "averaged"},
            ),
            (
                "a grad_weight that is averaged over the texts",
                "All texts use the same weight, so their gradients are added up. The mean is in the loss already.",
                {"grad_weight": "averaged over texts"},
            ),
            (
                "a grad_weight of the first text alone",
                "All texts use the same weight: put their tokens in one column with `by_token` first.",
                {"grad_weight": "first text"},
            ),
            (
                "a grad_bias that is averaged over the tokens",
                "The bias is added to every token, so the gradients of all tokens are added up.",
                {"grad_bias": "averaged"},
            ),
            (
                "a grad_bias that is averaged over the texts",
                "The bias is added to every token of every text: add up, do not average.",
                {"grad_bias": "averaged over texts"},
            ),
            (
                "a grad_bias of the first text alone",
                "The bias is added to the tokens of all texts: `sum_of_tokens(grad_y)`.",
                {"grad_bias": "first text"},
            ),
            (
                "a grad_bias that takes the largest gradient",
                "The bias is added to every token: add their gradients up.",
                {"grad_bias": "largest"},
            ),
        ),
        *_mistakes(
            "gelu_backward",
            (
                "the derivative of the exact GELU",
                "GPT-2 has GELU's tanh form: its derivative has tanh in it.",
                {"slope": "exact form"},
            ),
            (
                "the first half of GELU's derivative: that of x times the gate's own",
                "The gate depends on x, too: add `0.5 * x * (1 - t * t)` times the derivative of what tanh is taken "
                "of.",
                {"slope": "first term"},
            ),
            (
                "the second half of GELU's derivative alone",
                "The product rule has two terms: add `0.5 * (1 + t)`.",
                {"slope": "second term"},
            ),
            (
                "GELU's derivative without the 3 that comes from the cube",
                "The derivative of x³ is 3x².",
                {"slope": "inner without 3"},
            ),
            (
                "GELU's derivative without the derivative of what tanh is taken of",
                "The chain rule goes one step further: multiply by sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x).",
                {"slope": "inner forgotten"},
            ),
            (
                "GELU's derivative without one sqrt(2 / pi)",
                "What tanh is taken of is sqrt(2 / pi) times a polynomial, and so is its derivative.",
                {"slope": "inner without the root"},
            ),
            (
                "GELU's derivative with 1 - t in place of 1 - t²",
                "The derivative of tanh is 1 - tanh².",
                {"slope": "tanh not squared"},
            ),
            ("twice GELU's derivative", "GELU begins with the factor 0.5.", {"slope": "without the half"}),
            (
                "GELU's derivative whose second term lacks its x",
                "The second term is x times the derivative of the gate.",
                {"slope": "without x"},
            ),
            (
                "GELU itself in the place of its derivative",
                "Multiply `grad_y` by the derivative of GELU at x.",
                {"slope": "gelu itself"},
            ),
            (
                "the derivative of ReLU",
                "GELU is smooth: its derivative is no step.",
                {"slope": "relu"},
            ),
            (
                "GELU's derivative at gelu(x) in place of x",
                "`x` is what GELU was given, and the derivative is taken there.",
                {"at": "gelu(x)"},
            ),
        ),
        *_mistakes(
            "layer_norm_backward",
            (
                "a layer norm that goes back as if mean and variance were constants",
                "Both depend on x: subtract `mean(g)` and `n * mean(g * n)`.",
                {"terms": "neither"},
            ),
            (
                "a layer norm that goes back without the term of the variance",
                "The variance depends on x: subtract `n * mean(g * n)`, too.",
                {"terms": "the first"},
            ),
            (
                "a layer norm that goes back without the term of the mean",
                "The mean depends on x: subtract `mean(g)`, too.",
                {"terms": "the second"},
            ),
            (
                "a layer norm that goes back with sums in place of means",
                "Both terms are means over the last axis: divide by its length.",
                {"terms": "sums"},
            ),
            (
                "a layer norm that goes back with x in place of the normalised x",
                "The second term is `n * mean(g * n)`, where n is what the norm made of x.",
                {"terms": "with x"},
            ),
            (
                "a layer norm whose second term lacks its factor n",
                "The second term is `n * mean(g * n)`.",
                {"terms": "without n"},
            ),
            (
                "a layer norm that adds both terms in place of subtracting them",
                "Subtract them: what all entries have in common does not get through a norm.",
                {"terms": "added"},
            ),
            (
                "a layer norm that forgets its weight on the way back",
                "The weight multiplies on the way forward, and so on the way back: `g = grad_y * weight`.",
                {"gain": "grad_y"},
            ),
            (
                "a layer norm that forgets to divide by the standard deviation on the way back",
                "Multiply the three terms by `F.rsqrt(variance + eps)`.",
                {"scale": "none"},
            ),
            (
                "a layer norm that divides by the variance on the way back",
                "Multiply by the reciprocal root once: `F.rsqrt(variance + eps)`.",
                {"scale": "1 / (var + eps)"},
            ),
            (
                "a layer norm that multiplies by the standard deviation on the way back",
                "Divide by it: multiply by `F.rsqrt(variance + eps)`.",
                {"scale": "sqrt(var + eps)"},
            ),
            (
                "a gradient of the norm's weight that is made with x",
                "The weight multiplies the normalised x: `sum_of_tokens(grad_y * normalized)`.",
                {"grad_weight": "grad_y * x"},
            ),
            (
                "a gradient of the norm's weight that is made with x minus its mean",
                "The weight multiplies the normalised x, which is divided by its standard deviation, too.",
                {"grad_weight": "grad_y * centered"},
            ),
            (
                "a gradient of the norm's weight that is multiplied by the weight",
                "The gradient of a factor is the other factor: `sum_of_tokens(grad_y * normalized)`.",
                {"grad_weight": "g * n"},
            ),
            (
                "a gradient of the norm's bias that is multiplied by the weight",
                "The bias is added last: `sum_of_tokens(grad_y)`.",
                {"grad_bias": "g"},
            ),
            (
                "gradients of the norm's parameters that are averaged over the tokens",
                "All tokens use the same weight and bias, so their gradients are added up.",
                {"summed": "averaged"},
            ),
            (
                "a layer norm with the variance of dim - 1",
                "The variance divides by dim, as in step 03.",
                {"variance_of": "dim - 1"},
            ),
        ),
        Mistake(
            "a layer norm that goes back with another epsilon than the one it is given",
            "Add `eps`, the argument, to the variance.",
            {"eps": 1e-5},
        ),
        *_mistakes(
            "embedding_backward",
            (
                "a table in which the last gradient of a repeated token replaces those before it",
                "A row that was looked up twice changes the loss in two places: add up, with `F.scatter_nd_add`.",
                {"repeated": "last"},
            ),
            (
                "a table in which the gradients of a repeated token are averaged",
                "A row that was looked up twice changes the loss in two places: add up, do not average.",
                {"repeated": "averaged"},
            ),
            (
                "a table whose gradients are divided by the number of tokens",
                "The mean is in the loss already: add the gradients up as they are.",
                {"repeated": "averaged over tokens"},
            ),
            ("gradients that are added to ones", "Begin with zeros.", {"repeated": "added to ones"}),
        ),
    ),
)
