"""The check of step 23: the gradients of the whole model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor import sizes
from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Case, Check, Code, Mistake, Subject
from tutor.checks.numpy import model_gradients
from tutor.checks.numpy.loss import IGNORE_INDEX
from tutor.checks.shared.backward import in_order, parameters_in, with_module
from tutor.checks.shared.slopes import slopes_agree
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings, Shapes

if TYPE_CHECKING:
    from max.experimental.nn import Module
    from max.experimental.tensor import Tensor

IDS = TensorSpec("int64", ("batch", "seq_len"))


def _specs(shapes: Shapes) -> dict[str, TensorSpec]:
    return {name: TensorSpec("float32", shape) for name, shape in shapes.items()}


def _tokens(settings: Settings) -> TensorSpec:
    return TensorSpec("float32", ("batch", "seq_len", settings["n_embd"]))


def _make(what: str, settings: Settings, code: Code) -> "Module":
    config = code[1].GPT2Config(**settings)
    if what == "mlp":
        return code[4].GPT2MLP(config.intermediate_size, config)
    return code[11].GPT2Block(config) if what == "block" else code[13].MaxGPT2LMHeadModel(config)


def _part(what: str, settings: Settings, shapes: Shapes, confirmed: bool) -> Subject:
    """A backward pass through the MLP, or through a block."""
    function = f"{what}_backward"

    def call(code: Code, module: "Module", grad_y: "Tensor", x: "Tensor") -> tuple[object, ...]:
        return in_order(function, getattr(code[23], function)(module, grad_y, x), "the gradient of x", list(shapes))

    return Subject(
        name=", ".join((function, *(f"{name}={value}" for name, value in settings.items()))),
        build=with_module(what, lambda code: _make(what, settings, code), call),
        inputs={"grad_y": _tokens(settings), "x": _tokens(settings)},
        outputs={"grad_x": _tokens(settings), **_specs(shapes)},
        parameters=parameters_in(what, shapes),
        settings=settings,
        confirmed=confirmed,
        part=function,
    )


def _mlp(settings: Settings, *, confirmed: bool = False) -> Subject:
    return _part("mlp", settings, sizes.mlp(settings), confirmed)


def _block(settings: Settings, *, confirmed: bool = False) -> Subject:
    return _part("block", settings, sizes.block(settings), confirmed)


def _model(name: str, settings: Settings, *, confirmed: bool = False) -> Subject:
    shapes = sizes.language_model(settings)

    def call(code: Code, model: "Module", input_ids: "Tensor", targets: "Tensor") -> tuple[object, ...]:
        result = code[23].loss_and_gradients(model, input_ids, targets)
        return in_order("loss_and_gradients", result, "the loss", list(shapes))

    return Subject(
        name=f"loss_and_gradients, {name}",
        build=with_module("model", lambda code: _make("model", settings, code), call),
        inputs={"input_ids": IDS, "targets": IDS},
        outputs={"loss": TensorSpec("float32", ()), **_specs(shapes)},
        parameters=parameters_in("model", shapes),
        settings=settings,
        confirmed=confirmed,
        part="loss_and_gradients",
    )


# MAX compiles one size of each: every other size has kernels of its own, and would take minutes more.
SMALL: Settings = {"n_embd": 8, "n_head": 4, "n_inner": 18, "layer_norm_epsilon": 0.05}
MLP, OTHER_MLP = _mlp({"n_embd": 6, "n_head": 1}), _mlp(SMALL, confirmed=True)
BLOCK, OTHER_BLOCK = _block({"n_embd": 12, "n_head": 3}), _block(SMALL, confirmed=True)
# Smaller than those of step 12: a model's gradients are as many numbers as its parameters, and all of them are stored.
PLAIN = _model("plain", {"vocab_size": 17, "n_positions": 8, "n_embd": 12, "n_layer": 3, "n_head": 3})
ONE = _model("one layer, one head", {"vocab_size": 7, "n_positions": 5, "n_embd": 6, "n_layer": 1, "n_head": 1})
OTHER = _model("other n_inner and epsilon", {"vocab_size": 11, "n_positions": 7, "n_layer": 2, **SMALL}, confirmed=True)

FORWARD = Subject(
    name="the loss of the model",
    build=with_module(
        "model",
        lambda code: _make("model", PLAIN.settings, code),
        lambda code, model, input_ids, targets: code[20].cross_entropy(model(input_ids), targets),
    ),
    inputs=PLAIN.inputs,
    outputs={"loss": TensorSpec("float32", ())},
    parameters=PLAIN.parameters,
    settings=PLAIN.settings,
    confirmed=False,
    part="loss_and_gradients",
)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 23 in NumPy. A mistake names the function that makes it, with its own keywords."""
    held = {name.partition(".")[2]: array for name, array in parameters.items()}
    settings, own = subject.settings, mistake.get(subject.part, {})
    eps = settings.get("layer_norm_epsilon", 1e-5)
    if subject.part == "loss_and_gradients":
        ids, targets = inputs.values()
        results = model_gradients.loss_and_gradients(
            ids, targets, held, settings["n_head"], settings["n_layer"], eps, **own
        )
        return {name: results[name] for name in subject.outputs}
    given = inputs["grad_y"], inputs["x"], held
    if subject.part == "mlp_backward":
        grad_x, gradients = model_gradients.mlp_backward(*given, **own)
    else:
        grad_x, gradients = model_gradients.block_backward(*given, settings["n_head"], eps, **own)
    return {name: {"grad_x": grad_x, **gradients}[name] for name in subject.outputs}


def texts(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws ids, with repeats, and targets of which some are ignored; one at least counts."""
    parameters = random_numbers.parameters(subject.parameters, seed=len(subject.name))
    rng = np.random.default_rng(case.seed)
    shape, vocab_size = (case.dims["batch"], case.dims["seq_len"]), subject.settings["vocab_size"]
    ids = rng.integers(vocab_size, size=shape)
    ids[:, -1] = ids[:, 0]
    targets = rng.integers(vocab_size, size=shape)
    targets[rng.random(shape) < 0.3] = IGNORE_INDEX
    targets[0, -1] = vocab_size - 1
    return parameters, {"input_ids": ids, "targets": targets}


def _in_block(name: str, advice: str, **arguments: object) -> Mistake:
    """A mistake in `block_backward`, which the whole model has, too."""
    return Mistake(name, advice, {"block_backward": arguments, "loss_and_gradients": {"block": arguments}})


def _in_mlp(name: str, advice: str, **arguments: object) -> Mistake:
    """A mistake in `mlp_backward`, which the block and the model have, too."""
    inside = {"mlp": arguments}
    return Mistake(
        name, advice, {"mlp_backward": arguments, "block_backward": inside, "loss_and_gradients": {"block": inside}}
    )


def _in_model(name: str, advice: str, **arguments: object) -> Mistake:
    return Mistake(name, advice, {"loss_and_gradients": arguments})


_ADD = "Where the stream went two ways, two gradients come back: add them up."

MISTAKES: Sequence[Mistake] = (
    _in_mlp(
        "an MLP that goes back through GELU at what GELU gave",
        "GELU's derivative is taken at what GELU was given: the result of `c_fc`.",
        gelu_at="gated",
    ),
    _in_mlp(
        "an MLP that goes back without GELU", "Between `c_proj` and `c_fc` lies `gelu_backward`.", gelu_at="nothing"
    ),
    _in_mlp(
        "an MLP whose c_proj is said to have read the result of c_fc",
        "`c_proj` read what GELU gave.",
        projects="widened",
    ),
    _in_block(
        "a block whose MLP half forgets the stream",
        f"The gradient of the middle is `grad_y` plus what comes back through the MLP. {_ADD}",
        around_mlp="sublayer",
    ),
    _in_block(
        "a block whose MLP half forgets the MLP",
        f"The gradient of the middle is `grad_y` plus what comes back through the MLP. {_ADD}",
        around_mlp="stream",
    ),
    _in_block(
        "a block whose attention half forgets the stream",
        f"The gradient of x is that of the middle plus what comes back through attention. {_ADD}",
        around_attention="sublayer",
    ),
    _in_block(
        "a block whose attention half forgets attention",
        f"The gradient of x is that of the middle plus what comes back through attention. {_ADD}",
        around_attention="stream",
    ),
    _in_block(
        "a block that forgets both streams",
        _ADD,
        around_mlp="sublayer",
        around_attention="sublayer",
    ),
    _in_block(
        "a block that does not go back through its layer norms",
        "What comes back through a sublayer goes on through its norm: `through_layer_norm`.",
        norms="none",
    ),
    _in_block(
        "a block whose norms are said to have read what they gave",
        "A norm's backward pass takes what the norm was given: x, and the sum in the middle.",
        norms_read="the normalised",
    ),
    _in_block(
        "a block whose ln_2 is said to have read x",
        "`ln_2` read the sum in the middle: x plus what attention gave.",
        norms_read="x",
    ),
    _in_block(
        "a block whose attention gets the gradient of the block's result",
        "Attention fed the sum in the middle, so it gets the gradient of the middle.",
        attention_gets="grad_y",
    ),
    _in_block(
        "a block that goes back with another epsilon than its norms have",
        "Hand `layer.eps` on to `layer_norm_backward`.",
        eps_used=1e-5,
    ),
    _in_model(
        "a table that gets the gradient of the head alone",
        "The table is used twice: add the gradient of the embeddings.",
        table="head",
    ),
    _in_model(
        "a table that gets the gradient of the embeddings alone",
        "The table is used twice: add the gradient that the head gives it.",
        table="embeddings",
    ),
    _in_model(
        "positions whose gradient is averaged over the texts",
        "Each text uses the same rows: add their gradients up.",
        positions="averaged over texts",
    ),
    _in_model(
        "positions that get the gradient of the first text alone",
        "Each text uses the same rows: add the gradients of all texts up.",
        positions="first text",
    ),
    _in_model(
        "a model that does not go back through its final norm",
        "Between the head and the last block lies `ln_f`.",
        final_norm="forgotten",
    ),
    _in_model(
        "a model that goes back through its blocks from the first to the last",
        "The last block's result is nearest to the loss: go through the blocks in reverse.",
        order="forward",
    ),
    _in_model(
        "blocks that are said to have read what they gave",
        "Keep what each block was given: append x before you call the block.",
        given="outputs",
    ),
    _in_model(
        "blocks that are all said to have read the embeddings",
        "Keep what each block was given: x changes from block to block.",
        given="embeddings",
    ),
)

CHECK = Check(
    names=("through_linear", "through_layer_norm", "mlp_backward", "block_backward", "loss_and_gradients"),
    subjects=(MLP, OTHER_MLP, BLOCK, OTHER_BLOCK, PLAIN, ONE, OTHER, FORWARD),
    cases=(
        Case(MLP.name, {"batch": 2, "seq_len": 4}, seed=1),
        Case(MLP.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(OTHER_MLP.name, {"batch": 3, "seq_len": 2}, seed=3, scale=2.0),
        Case(BLOCK.name, {"batch": 2, "seq_len": 4}, seed=11),
        Case(BLOCK.name, {"batch": 1, "seq_len": 1}, seed=12),
        Case(OTHER_BLOCK.name, {"batch": 3, "seq_len": 5}, seed=13, scale=0.3),
        Case(PLAIN.name, {"batch": 3, "seq_len": 6}, seed=21, given=texts),
        Case(PLAIN.name, {"batch": 1, "seq_len": 8}, seed=22, given=texts, note="as long as n_positions"),
        Case(ONE.name, {"batch": 2, "seq_len": 1}, seed=23, given=texts),
        Case(ONE.name, {"batch": 1, "seq_len": 4}, seed=24, given=texts),
        Case(OTHER.name, {"batch": 2, "seq_len": 5}, seed=25, given=texts),
    ),
    expectations=(
        slopes_agree(
            FORWARD,
            PLAIN,
            Case(PLAIN.name, {"batch": 2, "seq_len": 5}, seed=31, given=texts),
            lambda results: dict(zip(PLAIN.parameters, results[1:], strict=True)),
            part="loss_and_gradients",
        ),
    ),
    numpy_model=numpy_model,
    explain={
        "The result has the wrong shape": "A gradient has the shape of what it belongs to.",
    },
    mistakes=tuple(MISTAKES),
)
