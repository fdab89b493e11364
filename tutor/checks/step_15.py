"""The check of step 15: loading pretrained weights.

Most facts read small checkpoints that are written for them, with random numbers that differ
in every tensor. `load_pretrained` runs on the course's own checkpoint. Its call of `compile`
is caught, not carried out: what it hands over is compared, and the graph of step 13, which is
compiled already, runs with these weights.
"""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from safetensors.numpy import save_file

from tutor import sizes
from tutor.checking import random_numbers, stored_numbers
from tutor.checking.spec import Arrays, Check, Code, Evaluate, Expectation, RunnableSubjects
from tutor.checks import step_13
from tutor.checks.step_13 import SHIPPED

if TYPE_CHECKING:
    from max.experimental.nn import Module
    from max.graph import TensorType

SETTINGS = {"vocab_size": 7, "n_positions": 5, "n_embd": 6, "n_layer": 1, "n_head": 2, "n_inner": 10}
SHAPES: Mapping[str, tuple[int, ...]] = sizes.language_model(SETTINGS)
WEIGHTS: Arrays = random_numbers.parameters(SHAPES, seed=15)
CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
ALL_RIGHT = "every parameter, with the right numbers"
COMPILED = "the compiled model"


def published(weights: Arrays = WEIGHTS, *, prefix: str = "transformer.") -> dict[str, np.ndarray]:
    """The weights as a checkpoint has them: Conv1D kernels turned, masks beside them."""
    tensors = {
        name.replace("transformer.", prefix): np.ascontiguousarray(array.T) if name.endswith(CONV1D) else array
        for name, array in weights.items()
    }
    tensors[f"{prefix}h.0.attn.bias"] = np.tril(np.ones((1, 1, 5, 5), np.float32))
    tensors[f"{prefix}h.0.attn.masked_bias"] = np.array(-1e4, np.float32)
    if prefix:
        tensors["lm_head.weight"] = weights["transformer.wte.weight"]
    return tensors


@contextlib.contextmanager
def checkpoint(tensors: Arrays | None = None, **settings: object) -> Iterator[Path]:
    """A folder with config.json and model.safetensors, for a moment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"} | SETTINGS | settings))
        save_file(dict(published() if tensors is None else tensors), folder / "model.safetensors")
        yield folder


def bfloat16(folder: Path) -> None:
    """Makes every tensor of a checkpoint bfloat16, which NumPy does not know: the upper half of each float32."""
    file = folder / "model.safetensors"
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, data, offset, parts = json.loads(content[8 : 8 + length]), content[8 + length :], 0, []
    for name in sorted(header, key=lambda key: header[key]["data_offsets"][0]):
        start, end = header[name]["data_offsets"]
        parts.append(np.frombuffer(data[start:end], np.uint16)[1::2].tobytes())
        header[name] |= {"dtype": "BF16", "data_offsets": [offset, offset + len(parts[-1])]}
        offset += len(parts[-1])
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def _names(code: Code, executables: RunnableSubjects) -> dict[str, object]:
    return {key: code[15].parameter_name(key) for key in NAMES}


NAMES = {
    "transformer.wte.weight": "transformer.wte.weight",
    "transformer.h.11.attn.c_attn.bias": "transformer.h.11.attn.c_attn.bias",
    "wpe.weight": "transformer.wpe.weight",
    "h.0.mlp.c_proj.weight": "transformer.h.0.mlp.c_proj.weight",
    "h.0.attn.bias": None,
    "transformer.h.3.attn.bias": None,
    "h.3.attn.masked_bias": None,
    "lm_head.weight": None,
}


def _config(code: Code, executables: RunnableSubjects) -> dict[str, object]:
    with checkpoint(layer_norm_epsilon=0.5, n_ctx=5, resid_pdrop=0.1) as folder:
        config = code[15].read_config(folder)
    return {name: getattr(config, name) for name in [*SETTINGS, "layer_norm_epsilon"]}


def _default_config(code: Code, executables: RunnableSubjects) -> tuple[int, ...]:
    with checkpoint() as folder:
        (folder / "config.json").write_text('{"model_type": "gpt2", "n_layer": 24}')
        config = code[15].read_config(folder)
    return config.n_layer, config.n_embd, config.vocab_size


def refusal(
    call: Callable[[Code, Path], object], part: str, tensors: Arrays | None = None, **settings: object
) -> Evaluate:
    """Makes the evaluation of a fact: whether a call raises a ValueError that names something."""

    def evaluate(code: Code, executables: RunnableSubjects) -> str:
        with checkpoint(tensors, **settings) as folder:
            try:
                call(code, folder)
            except ValueError as error:
                return REFUSED if part in str(error) else f"a ValueError that does not name {part}: {error}"
        return "no error"

    return evaluate


REFUSED = "a ValueError that names it"


def _read_config(code: Code, folder: Path) -> object:
    return code[15].read_config(folder)


def _read_weights(code: Code, folder: Path) -> object:
    return code[15].read_weights(folder, SHAPES)


def weights_of(tensors: Arrays | None = None, prepare: Callable[[Path], None] = lambda folder: None) -> Evaluate:
    """Makes the evaluation of a fact: what is wrong with the weights that are read."""

    def evaluate(code: Code, executables: RunnableSubjects) -> str:
        with checkpoint(tensors) as folder:
            prepare(folder)
            return judge(_read_weights(code, folder), tolerance=0.01 if prepare is bfloat16 else 0)

    return evaluate


def judge(got: object, *, tolerance: float = 0) -> str:
    """Says in words what is wrong with weights, or that all is right."""
    if not isinstance(got, Mapping):
        return f"a {type(got).__name__} and not a dict"
    if missing := sorted(WEIGHTS.keys() - got.keys()):
        return f"{missing[0]} is missing"
    if extra := sorted(got.keys() - WEIGHTS.keys()):
        return f"{extra[0]} should not be there"
    for name, expected in WEIGHTS.items():
        array = got[name]
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            return f"{name} is {getattr(array, 'dtype', type(array).__name__)} and not a float32 array"
        if array.shape != expected.shape:
            return f"{name} has shape {array.shape} and not {expected.shape}"
        if not np.allclose(array, expected, rtol=tolerance, atol=0):
            turned = (
                array.ndim == 2 and array.shape == expected.T.shape and np.allclose(array.T, expected, tolerance, 0)
            )
            return TURNED if turned else f"{name} has other numbers"
    return ALL_RIGHT


TURNED = "a square kernel is not turned"
WRONG_WEIGHTS = (
    (TURNED, "The kernel of attn.c_proj is square, so its shape cannot tell: turn all four kinds in CONV1D."),
    ("lm_head.weight should not be there", "The head is the embedding table: `parameter_name` gives None for it."),
)


class _Recorder:
    """Stands in for `Module.compile`: keeps what it is called with."""

    def __init__(self) -> None:
        self.types: tuple[TensorType, ...] = ()
        self.weights: Arrays = {}

    def __call__(self, module: "Module", *types: "TensorType", weights: Arrays | None = None, **options: object) -> str:
        self.types, self.weights = types, weights or {}
        return COMPILED


def _load(code: Code) -> tuple[object, _Recorder]:
    """Runs `load_pretrained` on the shipped checkpoint, with `compile` caught."""
    from max.driver import CPU
    from max.experimental.nn import Module

    from tutor.learner.workspace import REPOSITORY, Workspace

    recorder = _Recorder()
    # A function and not the recorder itself: as a method it gets the module.
    with mock.patch.object(Module, "compile", lambda module, *types, **options: recorder(module, *types, **options)):
        return code[15].load_pretrained(Workspace(REPOSITORY).checkpoint, device=CPU()), recorder


def _compiles(code: Code, executables: RunnableSubjects) -> str:
    result, recorder = _load(code)
    if not recorder.types:
        return "compile was not called"
    if result != COMPILED:
        return f"a {type(result).__name__} and not what compile returned"
    if len(recorder.types) != 1:
        return f"compile was called with {len(recorder.types)} types"
    dtype, shape = recorder.types[0].dtype.name, [str(dim) for dim in recorder.types[0].shape]
    if len(shape) != 2 or any(dim.isdigit() for dim in shape):
        return f"{dtype} ids of shape ({', '.join(shape)})"
    return f"{dtype} ids of symbolic shape (batch, seq_len)"


def _one_table(code: Code, executables: RunnableSubjects) -> str:
    _, recorder = _load(code)
    head, table = (recorder.weights.get(name) for name in ("lm_head.weight", "transformer.wte.weight"))
    if head is None or table is None:
        return "a weight is missing"
    return "one array" if np.shares_memory(head, table) else "two arrays"


def _logits(code: Code, executables: RunnableSubjects) -> str:
    _, recorder = _load(code)
    missing = [name for name in SHIPPED.parameters if name not in recorder.weights]
    if missing:
        return f"{missing[0]} is missing"
    for case in step_13.CHECK.cases:
        if case.shipped:
            _, inputs, outputs = stored_numbers.load(13)[case.name]
            (logits,) = executables[SHIPPED.name](recorder.weights, *inputs.values())
            if not np.allclose(logits, outputs["logits"], rtol=0, atol=1e-3):
                return "other logits"
    return "Hugging Face's logits"


def _halves(tensors: Arrays) -> dict[str, np.ndarray]:
    return {name: array.astype(np.float16) for name, array in tensors.items()}


CHECK = Check(
    names=("parameter_name", "read_config", "read_weights", "load_pretrained"),
    subjects=(SHIPPED,),
    expectations=(
        Expectation(
            "parameter_name gives each key its parameter, and None for what is none",
            _names,
            NAMES,
            advice="The masks end in `.attn.bias` and `.attn.masked_bias`; `attn.c_attn.bias` is a real bias. "
            "A key without the prefix `transformer.` gets it.",
        ),
        Expectation(
            "read_config takes the sizes of the file, and leaves out what GPT2Config has no field for",
            _config,
            SETTINGS | {"layer_norm_epsilon": 0.5},
            advice="Ask `dataclasses.fields(GPT2Config)` for the names, and take those that the file has.",
        ),
        Expectation(
            "what config.json leaves out keeps its default",
            _default_config,
            (24, 768, 50257),
            advice="Hand on the fields that the file has and no others.",
        ),
        *(
            Expectation(
                f"{name}={value!r} is refused by name",
                refusal(_read_config, name, **{name: value}),
                REFUSED,
                advice="Compare each name in FIXED; the message must hold the name of the setting.",
            )
            for name, value in {
                "activation_function": "relu",
                "scale_attn_by_inverse_layer_idx": True,
                "scale_attn_weights": False,
                "tie_word_embeddings": False,
                "model_type": "gpt_neo",
            }.items()
        ),
        Expectation(
            "read_weights reads a checkpoint of the whole model",
            weights_of(),
            ALL_RIGHT,
            wrong=WRONG_WEIGHTS,
        ),
        Expectation(
            "read_weights reads a checkpoint of the bare model, whose keys lack the prefix",
            weights_of(published(prefix="")),
            ALL_RIGHT,
            wrong=WRONG_WEIGHTS,
        ),
        Expectation(
            "read_weights makes float32 of float16", weights_of(_halves(published())), ALL_RIGHT, wrong=WRONG_WEIGHTS
        ),
        Expectation(
            "read_weights makes float32 of bfloat16", weights_of(prepare=bfloat16), ALL_RIGHT, wrong=WRONG_WEIGHTS
        ),
        Expectation(
            "a key that has no parameter is refused by name",
            refusal(_read_weights, "extra.weight", published() | {"extra.weight": np.ones(2, np.float32)}),
            REFUSED,
        ),
        Expectation(
            "a parameter that has no key is refused by name",
            refusal(_read_weights, "ln_f.bias", {k: v for k, v in published().items() if not k.endswith("ln_f.bias")}),
            REFUSED,
            advice="After the loop, look for names in `shapes` that are not among the weights.",
        ),
        Expectation(
            "a wrong shape is refused by name",
            refusal(_read_weights, "wpe.weight", published() | {"transformer.wpe.weight": np.ones((6, 6), np.float32)}),
            REFUSED,
        ),
        Expectation(
            "a parameter that two keys set is refused by name",
            refusal(_read_weights, "wpe.weight", published() | {"wpe.weight": np.ones((5, 6), np.float32)}),
            REFUSED,
            advice="Look whether the name is among the weights already.",
        ),
        Expectation(
            "load_pretrained compiles the model for ids of any batch and length",
            _compiles,
            "int64 ids of symbolic shape (batch, seq_len)",
            advice='Call `model.compile(TensorType(DType.int64, ("batch", "seq_len"), device), weights=...)` '
            "and return its result.",
        ),
        Expectation(
            "the head and the embedding table are one array in memory",
            _one_table,
            "one array",
            wrong=(
                ("two arrays", "Do not copy: give both names the same array."),
                ("a weight is missing", "`compile` wants the tied tensor under both of its names."),
            ),
        ),
        Expectation(
            "with these weights, your model gives Hugging Face's logits",
            _logits,
            "Hugging Face's logits",
            needs=(SHIPPED.name,),
        ),
    ),
)
