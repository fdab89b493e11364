"""The check of step 24: AdamW."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor.checking.spec import Arrays, Case, Check, Code, Evaluate, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import adamw as numpy_adamw
from tutor.checks.shared.expectations import is_graph_operation
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

NUMBER = TensorSpec("float32", ())

# The defaults of `adamw_update`, and others.
DEFAULTS: Settings = {"betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.0}
OTHERS: Settings = {"betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.3}


def _clip(max_norm: float) -> Subject:
    first, second = TensorSpec("float32", (2, "n")), TensorSpec("float32", ("m",))

    def build(code: Code) -> Callable[..., object]:
        def call(first: "Tensor", second: "Tensor") -> tuple[object, ...]:
            clipped, norm = code[24].clip_by_global_norm({"first": first, "second": second}, max_norm)
            return clipped["first"], clipped["second"], norm

        return call

    return Subject(
        name=f"clip_by_global_norm, max_norm={max_norm}",
        build=build,
        inputs={"first": first, "second": second},
        outputs={"clipped first": first, "clipped second": second, "norm": NUMBER},
        settings={"max_norm": max_norm},
        part="clip_by_global_norm",
    )


def _update(settings: Settings, *, given: bool) -> Subject:
    tensor, buffer = (TensorSpec("float32", (3, "n"), buffer=buffer) for buffer in (False, True))

    def build(code: Code) -> Callable[..., object]:
        more = settings if given else {}

        def call(gradient: "Tensor", rate: "Tensor", corrections: "Tensor", *buffers: "Tensor") -> tuple[object, ...]:
            parameter, mean, square = buffers
            code[24].adamw_update(parameter, gradient, mean, square, rate, corrections, **more)
            return ()

        return call

    words = ", ".join(f"{name}={value}" for name, value in settings.items()) if given else "as it is by default"
    return Subject(
        name=f"adamw_update, {words}",
        build=build,
        inputs={
            "gradient": tensor,
            "rate": NUMBER,
            "corrections": TensorSpec("float32", (2,)),
            "parameter": buffer,
            "mean": buffer,
            "square": buffer,
        },
        outputs={},
        settings=settings,
        part="adamw_update",
    )


CLIP, WIDER_CLIP = _clip(1.0), _clip(3.5)
UPDATE, OTHER_UPDATE = _update(DEFAULTS, given=False), _update(OTHERS, given=True)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 24 in NumPy. A mistake names the function that makes it, with its own keywords."""
    own, settings = mistake.get(subject.part, {}), subject.settings
    if subject.part == "clip_by_global_norm":
        clipped, norm = numpy_adamw.clip_by_global_norm(inputs, settings["max_norm"], **own)
        return dict(zip(subject.outputs, (clipped["first"], clipped["second"], np.array(norm)), strict=True))
    names = ("parameter", "gradient", "mean", "square", "rate", "corrections")
    after = numpy_adamw.adamw_update(*(inputs[name] for name in names), **{**settings, **own})
    return dict(zip(("parameter", "mean", "square"), after, strict=True))


def _lengths(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws gradients of which the second is much longer than the first, or zeros if the scale is 0."""
    rng = np.random.default_rng(case.seed)
    drawn = {name: case.scale * rng.normal(size=spec.shape(case.dims)) for name, spec in subject.inputs.items()}
    drawn["second"] = 3 * drawn["second"]
    return {}, {name: array.astype(np.float32) for name, array in drawn.items()}


def _state(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws what a step begins with. In the first step, the running means are 0; some gradients are 0, too."""
    rng = np.random.default_rng(case.seed)
    shape, step = (3, case.dims["n"]), case.dims["step"]
    parameter, gradient, mean, spread = (rng.normal(size=shape) for _ in range(4))
    gradient, mean = case.scale * gradient, case.scale * mean
    square = case.scale**2 * (0.2 + spread**2)
    if step == 0:
        mean, square = 0 * mean, 0 * square
        gradient[0, 0] = 0.0
    corrections = numpy_adamw.bias_corrections(step, subject.settings["betas"])
    numbers = {
        "gradient": gradient,
        "rate": np.array(case.dims["rate"]),
        "corrections": np.array(corrections),
        "parameter": parameter,
        "mean": mean,
        "square": square,
    }
    return {}, {name: np.asarray(array, np.float32) for name, array in numbers.items()}


def _step_case(subject: Subject, n: int, step: int, rate: int, *, seed: int, **more: Any) -> Case:
    """A case of `adamw_update`: so many steps were taken before. The rate is large, so that all of it can be seen."""
    return Case(subject.name, {"n": n, "step": step, "rate": rate}, seed=seed, given=_state, **more)


def _carried(_: Code, graphs: RunnableSubjects) -> str:
    """Whether ten steps, each of which begins with what the one before left, end where they should."""
    rng = np.random.default_rng(71)
    ours = [rng.normal(size=(3, 4)).astype(np.float32), *np.zeros((2, 3, 4), np.float32)]
    theirs: Sequence[np.ndarray] = [x.astype(np.float64) for x in ours]
    for step in range(10):
        gradient = rng.normal(size=(3, 4)).astype(np.float32)
        rate, corrections = np.float32(0.05), np.array(numpy_adamw.bias_corrections(step, OTHERS["betas"]), np.float32)
        ours = list(graphs[OTHER_UPDATE.name]({}, gradient, np.array(rate), corrections, *ours))
        parameter, mean, square = theirs
        theirs = numpy_adamw.adamw_update(parameter, gradient, mean, square, float(rate), corrections, **OTHERS)
    error = max(float(np.abs(one - other).max()) for one, other in zip(ours, theirs, strict=True))
    return "where AdamW ends" if error < 1e-5 else f"up to {error:.3g} away from it"


# --- plain Python -------------------------------------------------------------------------------


def _rounded(answer: Any) -> list[float]:
    return [float(f"{float(number):.9g}") for number in answer]


def _rates(steps: Sequence[int], **plan: float) -> Evaluate:
    return lambda code, graphs: [code[24].learning_rate(step, **plan) for step in steps]


# Ways to plan the rate that are known, and what to do about them.
_PLANS = {
    "warm-up from 0": "The first step is step 0: it takes 1 part of warmup_steps + 1, or it would change nothing.",
    "warm-up is late": "The first step is step 0: it takes 1 part of warmup_steps + 1.",
    "peak is early": "Step `warmup_steps` has the peak, so the warm-up has warmup_steps + 1 parts.",
    "cosine from the start": "The cosine begins where the warm-up ends: subtract `warmup_steps` from both.",
    "no warm-up": "The first `warmup_steps` steps grow in a line.",
    "comes back": "A cosine grows again: after `total_steps`, the rate stays `final`.",
    "line": "It falls along a cosine: 0.5 * (1 + cos(pi * progress)).",
    "quarter": "Half a cosine, from 0 to pi: 0.5 * (1 + cos(pi * progress)).",
    "upside down": "It falls: 0.5 * (1 + cos(pi * progress)).",
    "without the half": "1 + cos goes from 2 to 0: take half of it.",
    "no fall": "After the warm-up it falls along a cosine.",
    "final is added": "The cosine goes from `peak` to `final`: multiply it by peak - final.",
    "final is forgotten": "The cosine goes from `peak` to `final`: final + (peak - final) * ...",
    "final is a floor": "The cosine goes from `peak` to `final`; nothing is cut off: final + (peak - final) * ...",
}


def _known(ways: Mapping[str, str], of: Callable[[str], list[float]]) -> tuple[tuple[object, str], ...]:
    """Wrong answers that are known, with advice. Of ways with the same answer the first one is told: the others would
    have shown in an earlier question."""
    told: dict[tuple[float, ...], str] = {tuple(of("right")): ""}
    for way, advice in ways.items():
        told.setdefault(tuple(of(way)), advice)
    return tuple((list(answer), advice) for answer, advice in told.items() if advice)


def _plan(name: str, steps: Sequence[int], **plan: Any) -> Expectation:
    def of(way: str) -> list[float]:
        return _rounded([numpy_adamw.learning_rate(step, way=way, **plan) for step in steps])

    words = ", ".join(f"{key}={value}" for key, value in plan.items())
    return Expectation(
        f"the rates of {name}, with {words}",
        _rates(steps, **plan),
        of("right"),
        wrong=_known(_PLANS, of),
        advice="In a line up to `peak` at step `warmup_steps`, then half a cosine down to `final` at `total_steps`.",
        part="learning_rate",
        read=_rounded,
    )


_CORRECTIONS = {
    "counted from 0": "Steps are counted from 0, and the formula counts from 1: n = step + 1.",
    "not raised": "Raise each beta to the power of the step's number, counted from 1.",
    "powers alone": "That is what is missing. Subtract it from 1.",
    "times": "Raise beta to a power: `**`, not `*`.",
    "exchanged": "The first is made with the first beta.",
    "one twice": "The second is made with the second beta.",
}


def _correction(step: int, betas: tuple[float, float]) -> Expectation:
    def of(way: str) -> list[float]:
        return _rounded(numpy_adamw.bias_corrections(step, betas, way=way))

    return Expectation(
        f"bias_corrections({step}, {betas})",
        lambda code, graphs: list(code[24].bias_corrections(step, betas)),
        of("right"),
        wrong=_known(_CORRECTIONS, of),
        advice="1 - beta ** n for each beta, where n counts the steps from 1.",
        part="bias_corrections",
        read=_rounded,
    )


def drawn(seed: int) -> tuple[Expectation, ...]:
    """The plain functions, with numbers that are drawn with this seed."""
    rng = np.random.default_rng([seed, 24])
    warmup, more, peak = int(rng.integers(3, 9)), int(rng.integers(5, 20)), float(rng.integers(1, 90)) / 1000
    total = warmup + more
    final = float(f"{peak / 10:.6g}")
    betas = float(rng.integers(70, 95)) / 100, float(rng.integers(950, 999)) / 1000
    return (
        _plan("the warm-up", range(warmup), peak=peak, warmup_steps=warmup, total_steps=total),
        _plan(
            "the peak and the step after it", (warmup, warmup + 1), peak=peak, warmup_steps=warmup, total_steps=total
        ),
        _plan("the fall", range(warmup, total), peak=peak, warmup_steps=warmup, total_steps=total, final=final),
        _plan(
            "the end, and of steps beyond it",
            (total - 1, total, total + 1, 2 * total),
            peak=peak,
            warmup_steps=warmup,
            total_steps=total,
            final=final,
        ),
        _plan("a plan without warm-up", (0, 1, more - 1), peak=peak, warmup_steps=0, total_steps=more),
        _plan(
            "a plan with one step after the warm-up", (0, 1, 2), peak=peak, warmup_steps=1, total_steps=2, final=final
        ),
        _correction(0, betas),
        _correction(int(rng.integers(2, 9)), betas),
        _correction(10_000, betas),
    )


def _mistakes(function: str, *rows: tuple[str, str, Mapping[str, object]]) -> Sequence[Mistake]:
    return [Mistake(name, advice, {function: arguments}) for name, advice, arguments in rows]


CHECK = Check(
    names=("learning_rate", "clip_by_global_norm", "bias_corrections", "adamw_update"),
    subjects=(CLIP, WIDER_CLIP, UPDATE, OTHER_UPDATE),
    tolerance=3e-6,
    cases=(
        Case(CLIP.name, {"n": 3, "m": 4}, seed=1, given=_lengths, note="longer than max_norm"),
        Case(CLIP.name, {"n": 2, "m": 1}, seed=2, scale=0.02, given=_lengths, note="shorter than max_norm"),
        Case(CLIP.name, {"n": 1, "m": 3}, seed=3, scale=0.0, given=_lengths, note="zeros", redrawn=False),
        Case(CLIP.name, {"n": 2, "m": 2}, seed=6, scale=1e-7, given=_lengths, note="almost zeros", redrawn=False),
        Case(WIDER_CLIP.name, {"n": 5, "m": 2}, seed=4, scale=2.0, given=_lengths),
        Case(WIDER_CLIP.name, {"n": 1, "m": 1}, seed=5, scale=0.5, given=_lengths),
        _step_case(UPDATE, 4, 0, 1, seed=11, note="the first step"),
        _step_case(UPDATE, 1, 6, 1, seed=12),
        _step_case(UPDATE, 3, 2, 1, seed=13, scale=1e-7, note="tiny gradients"),
        _step_case(UPDATE, 2, 1000, 1, seed=14, scale=100.0, note="large gradients"),
        _step_case(OTHER_UPDATE, 5, 0, 2, seed=15, note="the first step"),
        _step_case(OTHER_UPDATE, 2, 3, 1, seed=16),
        _step_case(OTHER_UPDATE, 3, 9, 0, seed=17, note="a learning rate of 0"),
    ),
    expectations=(
        is_graph_operation(24, "adamw_update"),
        Expectation(
            "where ten steps end, each of which begins with what the one before left",
            _carried,
            "where AdamW ends",
            advice="Parameter and both running means must be stored after each step.",
            needs=(OTHER_UPDATE.name,),
            part="adamw_update",
            of_graphs=True,
        ),
    ),
    drawn=drawn,
    numpy_model=numpy_model,
    mistakes=(
        *_mistakes(
            "clip_by_global_norm",
            (
                "clipping that shortens each gradient by itself",
                "One norm for all gradients together, and one factor for all: their directions stay as they are.",
                {"way": "each by itself"},
            ),
            (
                "clipping by value: each number is cut off",
                "Multiply all gradients by one factor: min(1, max_norm / (norm + 1e-6)).",
                {"way": "by value"},
            ),
            (
                "clipping that makes short gradients longer",
                "The factor is at most 1: take the smaller of it and 1.",
                {"way": "lengthened"},
            ),
            (
                "clipping to a norm of 1 in place of max_norm",
                "The factor is max_norm / (norm + 1e-6).",
                {"way": "to length 1"},
            ),
            (
                "clipping with the factor turned round",
                "The factor is max_norm / (norm + 1e-6), not norm / max_norm.",
                {"way": "turned round"},
            ),
            (
                "clipping by the sum of the squares, without the root",
                "A norm is the root of the sum of the squares.",
                {"way": "without the root"},
            ),
            (
                "clipping by the largest number",
                "The norm is the root of the sum of all squares.",
                {"way": "largest number"},
            ),
            (
                "clipping by the sum of the sizes",
                "Square the numbers before you add them, and take the root.",
                {"way": "sum of sizes"},
            ),
            (
                "clipping by the sum of the gradients' norms",
                "Add the squares of all gradients up, and take one root at the end.",
                {"way": "sum of norms"},
            ),
            (
                "clipping by the root of the mean square",
                "Take the sum of the squares, not their mean.",
                {"way": "mean of squares"},
            ),
            (
                "gradients that are not clipped",
                "Multiply each gradient by min(1, max_norm / (norm + 1e-6)).",
                {"way": "not at all"},
            ),
            (
                "the norm after clipping",
                "Return the norm that the gradients had before.",
                {"returned": "after"},
            ),
            (
                "the factor in place of the norm",
                "Return the norm that the gradients had before clipping.",
                {"returned": "the factor"},
            ),
            (
                "the squared norm",
                "Return the norm: the root of the sum of the squares.",
                {"returned": "squares"},
            ),
        ),
        *_mistakes(
            "adamw_update",
            (
                "Adam with the decay in the gradient (L2)",
                "The decay is apart from the gradient: it does not go through the running means.",
                {"decay": "in the gradient"},
            ),
            ("AdamW without its decay", "Subtract rate * weight_decay * parameter, too.", {"decay": "forgotten"}),
            (
                "a decay that is not multiplied by the rate",
                "The rate multiplies both the direction and the decay.",
                {"decay": "not times the rate"},
            ),
            (
                "a decay of the parameter after its step",
                "The decay is that of the parameter before the step.",
                {"decay": "of the moved"},
            ),
            ("a decay that makes parameters grow", "Subtract the decay.", {"decay": "grows"}),
            (
                "AdamW without its bias corrections",
                "Divide the new mean by c1, and the new square by c2.",
                {"correction": "neither"},
            ),
            (
                "AdamW without the correction of the mean",
                "Divide the new mean by `corrections[0]`.",
                {"correction": "square alone"},
            ),
            (
                "AdamW without the correction of the square",
                "Divide the new square by `corrections[1]`, before the root.",
                {"correction": "mean alone"},
            ),
            (
                "AdamW with its corrections exchanged",
                "`corrections[0]` belongs to the mean, `corrections[1]` to the square.",
                {"correction": "exchanged"},
            ),
            (
                "AdamW that multiplies by its corrections",
                "The running means are too small at first: divide by the corrections.",
                {"correction": "multiplied"},
            ),
            (
                "AdamW with epsilon inside the root",
                "Add `eps` after the root: sqrt(square / c2) + eps.",
                {"epsilon": "inside the root"},
            ),
            (
                "AdamW without its epsilon",
                "Add `eps` after the root: where all gradients were 0, 0 is divided by 0 otherwise.",
                {"epsilon": "forgotten"},
            ),
            (
                "AdamW with the square of the mean in place of the mean of the squares",
                "`square` is the running mean of gradient * gradient.",
                {"squares": "of the mean"},
            ),
            (
                "AdamW with the sizes of the gradients in place of their squares",
                "`square` is the running mean of gradient * gradient.",
                {"squares": "sizes"},
            ),
            (
                "AdamW with the gradients in place of their squares",
                "`square` is the running mean of gradient * gradient.",
                {"squares": "gradients"},
            ),
            ("gradient ascent", "Subtract the direction: the gradient says where the loss grows.", {"direction": "up"}),
            (
                "AdamW with its betas exchanged",
                "The first beta belongs to the mean, the second to the square.",
                {"beta": "exchanged"},
            ),
            (
                "AdamW that keeps 1 - beta of the old",
                "Keep beta of the old mean, and take 1 - beta of the new gradient.",
                {"beta": "keeps the new"},
            ),
            (
                "a mean that takes the whole gradient",
                "Take 1 - beta1 of the gradient: then it is a mean.",
                {"beta": "adds the whole gradient"},
            ),
            (
                "running means that are not stored",
                "Store the new mean and the new square in their buffers: the next step begins with them.",
                {"stored": "parameter alone"},
            ),
            (
                "a running mean of the squares that is not stored",
                "Store the new square in its buffer: the next step begins with it.",
                {"stored": "without the square"},
            ),
            (
                "a running mean of the gradients that is not stored",
                "Store the new mean in its buffer: the next step begins with it.",
                {"stored": "without the mean"},
            ),
            (
                "AdamW without the root",
                "Divide by the root of the mean square: that is the gradient's typical size.",
                {"root": False},
            ),
            (
                "a step with the running means of the step before",
                "Update the running means first, then the parameter.",
                {"uses": "old means"},
            ),
            (
                "a step along the gradient in place of its running mean",
                "Follow the new mean, divided by c1.",
                {"uses": "the gradient"},
            ),
        ),
    ),
)
