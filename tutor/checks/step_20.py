"""The check of step 20: the loss and its gradient."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor.checking.spec import Arrays, Case, Check, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import loss as numpy_loss
from tutor.checks.numpy.loss import IGNORE_INDEX
from tutor.checks.shared.expectations import is_graph_operation
from tutor.checks.shared.slopes import slopes_agree
from tutor.graphs.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from tutor.checking.spec import Code

TOKENS = TensorSpec("int64", ("batch", "seq_len"))

SHIFT = Subject(
    name="next_token_targets",
    build=lambda code: code[20].next_token_targets,
    inputs={"input_ids": TOKENS},
    outputs={"targets": TOKENS},
    settings={"vocab_size": 50},
    part="next_token_targets",
)


def _subject(function: str, vocab_size: int) -> Subject:
    logits = TensorSpec("float32", ("batch", "seq_len", vocab_size))
    output = {"loss": TensorSpec("float32", ())} if function == "cross_entropy" else {"gradient": logits}
    return Subject(
        name=f"{function}, vocab_size={vocab_size}",
        build=lambda code: getattr(code[20], function),
        inputs={"logits": logits, "targets": TOKENS},
        outputs=output,
        settings={"vocab_size": vocab_size},
        part=function,
    )


LOSS, LOSS_OF_MANY = _subject("cross_entropy", 11), _subject("cross_entropy", 300)
BACKWARD, BACKWARD_OF_MANY = _subject("cross_entropy_backward", 11), _subject("cross_entropy_backward", 300)


def _given(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws logits and targets. The case says how many targets count, in its dimension `counted`."""
    rng = np.random.default_rng(case.seed)
    shape = tuple(case.dims[name] for name in ("batch", "seq_len"))
    vocab_size = subject.settings["vocab_size"]
    targets = rng.integers(vocab_size, size=shape)
    ignored = rng.permutation(targets.size)[case.dims["counted"] :]
    targets.flat[ignored] = IGNORE_INDEX
    logits = case.scale * rng.normal(size=(*shape, vocab_size)) + case.shift
    return {}, {"logits": logits.astype(np.float32), "targets": targets}


def _cases(subject: Subject, other: Subject) -> tuple[Case, ...]:
    def case(of: Subject, batch: int, seq_len: int, counted: int, seed: int, **more: Any) -> Case:
        dims = {"batch": batch, "seq_len": seq_len, "counted": counted}
        return Case(of.name, dims, seed=seed, given=_given, **more)

    return (
        case(subject, 2, 5, 10, 1, note="every target counts"),
        case(subject, 3, 4, 7, 2, note="some targets are ignored"),
        case(subject, 1, 1, 1, 3),
        case(subject, 4, 3, 1, 4, note="a single target counts"),
        # Their exponentials are beyond float32.
        case(subject, 2, 6, 9, 5, note="logits of 10,000", scale=1e4),
        case(subject, 2, 3, 5, 6, note="logits around 500", shift=500.0, tolerance=1e-4),
        case(other, 2, 7, 11, 7, scale=3.0),
    )


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 20 in NumPy. A mistake names the function that makes it, with its own keywords."""
    function = getattr(numpy_loss, subject.part)
    (output,) = subject.outputs
    return {output: function(*inputs.values(), **mistake.get(subject.part, {}))}


def _uniform(_: "Code", graphs: RunnableSubjects) -> float:
    """The loss of logits that are all equal."""
    inputs = np.zeros((2, 3, 11), np.float32), np.zeros((2, 3), np.int64)
    return round(float(graphs[LOSS.name]({}, *inputs)[0]), 4)


def _sums(_: "Code", graphs: RunnableSubjects) -> str:
    """Whether the gradient of each position sums to 0, and is 0 where the target is ignored."""
    case = Case(BACKWARD.name, {"batch": 3, "seq_len": 5, "counted": 8}, seed=31)
    inputs = _given(BACKWARD, case)[1]
    gradient = graphs[BACKWARD.name]({}, *inputs.values())[0]
    if np.any(gradient[inputs["targets"] == IGNORE_INDEX] != 0):
        return "something else than 0 where the target is ignored"
    largest = float(np.abs(gradient.sum(axis=-1)).max())
    return "0 at every position" if largest < 1e-6 else f"up to {largest:.3g}"


def _mistakes(function: str, *rows: tuple[str, str, Mapping[str, object]]) -> tuple[Mistake, ...]:
    return tuple(Mistake(name, advice, {function: arguments}) for name, advice, arguments in rows)


_COUNT = "Divide by the number of targets that are not IGNORE_INDEX: `counts` marks them."

CHECK = Check(
    names=("IGNORE_INDEX", "next_token_targets", "counts", "one_hot", "cross_entropy", "cross_entropy_backward"),
    subjects=(SHIFT, LOSS, LOSS_OF_MANY, BACKWARD, BACKWARD_OF_MANY),
    cases=(
        Case(SHIFT.name, {"batch": 2, "seq_len": 5}, seed=1),
        Case(SHIFT.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(SHIFT.name, {"batch": 3, "seq_len": 2}, seed=3),
        Case(SHIFT.name, {"batch": 4, "seq_len": 9}, seed=4),
        *_cases(LOSS, LOSS_OF_MANY),
        *_cases(BACKWARD, BACKWARD_OF_MANY),
    ),
    expectations=(
        is_graph_operation(20, "next_token_targets"),
        is_graph_operation(20, "cross_entropy"),
        is_graph_operation(20, "cross_entropy_backward"),
        Expectation(
            "the loss where all 11 logits are equal",
            _uniform,
            round(float(np.log(11)), 4),
            advice="Equal logits give each of 11 tokens the probability 1/11, and -log(1/11) = log(11).",
            needs=(LOSS.name,),
            part="cross_entropy",
            of_graphs=True,
        ),
        Expectation(
            "the sum of the gradient over the vocabulary",
            _sums,
            "0 at every position",
            advice="Probabilities sum to 1, and so does a one-hot row: their difference sums to 0. Where the target is "
            "IGNORE_INDEX, the whole row is 0.",
            needs=(BACKWARD.name,),
            part="cross_entropy_backward",
            of_graphs=True,
        ),
        slopes_agree(
            LOSS,
            BACKWARD,
            Case(BACKWARD.name, {"batch": 2, "seq_len": 4, "counted": 6}, seed=41, given=_given),
            lambda results: {"logits": results[0]},
            part="cross_entropy_backward",
        ),
    ),
    numpy_model=numpy_model,
    explain={
        "The result has the wrong shape": "The loss is a single number, of shape (): `F.squeeze(x, 0)` drops an axis. "
        "The "
        "targets have the shape of `input_ids`, and the gradient has the shape of `logits`.",
    },
    mistakes=(
        *_mistakes(
            "next_token_targets",
            (
                "a target that is the position's own token",
                "Each position has to predict the token after it: drop the first token, and append IGNORE_INDEX.",
                {"shift": "none"},
            ),
            (
                "a target that is the position's own token, with the last one ignored",
                "Each position has to predict the token after it: take `input_ids[:, 1:]`.",
                {"shift": "none, without the last"},
            ),
            (
                "a shift to the right: each position has to predict the token before it",
                "Take `input_ids[:, 1:]`, and append IGNORE_INDEX at the end.",
                {"shift": "one to the right"},
            ),
            (
                "a shift by two tokens",
                "Each position has to predict the token right after it: take `input_ids[:, 1:]`.",
                {"shift": "two to the left"},
            ),
            (
                "a shift in a circle: the last position has to predict the first token",
                "Nothing follows the last token: its target is IGNORE_INDEX.",
                {"shift": "in a circle"},
            ),
            (
                "a shift that repeats the last token",
                "Nothing follows the last token: its target is IGNORE_INDEX.",
                {"shift": "ends with the last token"},
            ),
            (
                "a shift that ends with token 0",
                "Token 0 is a token like any other. Nothing follows the last token: its target is IGNORE_INDEX.",
                {"shift": "ends with token 0"},
            ),
            (
                "a shift between texts, along the wrong axis",
                "The tokens of a text are along axis 1: take `input_ids[:, 1:]`, and concatenate with axis=1.",
                {"shift": "between texts"},
            ),
        ),
        *(
            mistake
            for function, what in (("cross_entropy", "a loss"), ("cross_entropy_backward", "a gradient"))
            for mistake in _mistakes(
                function,
                (
                    f"{what} that is a sum, and not a mean",
                    _COUNT,
                    {"over": "nothing"},
                ),
                (
                    f"{what} that is divided by the number of all positions, the ignored ones too",
                    _COUNT,
                    {"over": "all positions"},
                ),
                (
                    f"{what} that is a mean over the texts of each text's mean",
                    f"A token of a short text would count for more than one of a long text. {_COUNT}",
                    {"over": "texts"},
                ),
                (
                    f"{what} that is divided by the number of texts",
                    _COUNT,
                    {"over": "texts alone"},
                ),
                (
                    f"{what} with the sign turned round",
                    {
                        "cross_entropy": "The logarithm of a probability is negative, and the loss is minus it.",
                        "cross_entropy_backward": "The gradient is the probabilities minus the one-hot targets.",
                    }[function],
                    {"factor": -1.0},
                ),
                (
                    f"{what} in bits",
                    "The loss is in nats: take the natural logarithm, without a division by log(2).",
                    {"factor": 1 / float(np.log(2))},
                ),
                (
                    f"{what} with a softmax over the positions",
                    "The probabilities of one position sum to 1 over the vocabulary, the last axis.",
                    {"axis": 1},
                ),
                (
                    f"{what} in which IGNORE_INDEX counts as token 0",
                    "Where the target is IGNORE_INDEX, nothing counts: multiply by `counts`.",
                    {"ignored": "token 0", "over": "ignored ones too"},
                ),
            )
        ),
        *_mistakes(
            "cross_entropy",
            (
                "the probability of the target, without the logarithm",
                "Take the logarithm of the probability: `F.logsoftmax` gives it at once.",
                {"of": "probability"},
            ),
            (
                "the logit of the target, without the softmax",
                "A logit is no probability: take `F.logsoftmax` of the logits first.",
                {"of": "logit"},
            ),
            (
                "the logarithm of a softmax, which is not stable",
                "The exponential of a large logit is beyond float32. Take `F.logsoftmax(logits)`, which subtracts the "
                "largest logit first.",
                {"stable": False},
            ),
        ),
        *_mistakes(
            "cross_entropy_backward",
            (
                "the probabilities alone, without the targets",
                "Subtract the one-hot targets from the probabilities.",
                {"of": "softmax"},
            ),
            (
                "the one-hot targets alone, without the probabilities",
                "Every logit changes the loss, through the sum in the softmax: add `F.softmax(logits)`.",
                {"of": "one-hot"},
            ),
            (
                "the logits minus the one-hot targets",
                "Take the probabilities: `F.softmax(logits)` minus the one-hot targets.",
                {"of": "logits - one-hot"},
            ),
            (
                "the logarithms of the probabilities minus the one-hot targets",
                "Take the probabilities themselves: `F.softmax(logits)`, not `F.logsoftmax`.",
                {"of": "log softmax - one-hot"},
            ),
            (
                "a gradient at the targets alone",
                "The logits of the other tokens change the loss, too: their gradient is their probability.",
                {"of": "at the targets"},
            ),
            (
                "a gradient of the ignored positions, too",
                "Where the target is IGNORE_INDEX, the gradient is 0: multiply by `counts`.",
                {"over": "ignored ones too, by those that count"},
            ),
            (
                "a gradient of the ignored positions, too, divided by the number of all",
                "Where the target is IGNORE_INDEX, the gradient is 0: multiply by `counts`, and divide by their sum.",
                {"over": "ignored ones too"},
            ),
        ),
    ),
)
