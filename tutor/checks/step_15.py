"""The check of step 15: loading pretrained weights.

Small checkpoints are written for each check, with sizes and numbers that are drawn, and differ in every tensor.
`load_pretrained` also runs on the course's own checkpoint. Its call of `compile` is caught, not carried out: what it
hands over is compared, and the graph of step 13 runs with these weights.
"""

import contextlib
import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from safetensors.numpy import save_file

from tutor import sizes
from tutor.checking import random_numbers, stored_numbers
from tutor.checking.compare import matches
from tutor.checking.spec import Arrays, Check, Code, Evaluate, Expectation, RunnableSubjects
from tutor.checks import step_13
from tutor.checks.shared.expectations import raises
from tutor.checks.step_13 import SHIPPED
from tutor.learner.workspace import REPOSITORY, Workspace

if TYPE_CHECKING:
    from max.experimental.nn import Module
    from max.graph import TensorType

CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
ALL_RIGHT = "every parameter, with the right numbers"
NOT_TRANSPOSED = "a square kernel is not transposed"
COMPILED = "the compiled model"
NO_DICT = "something that is no dict"
VIEW = "a transposed view of an array"

# As in the skeleton: the only values that the model supports.
FIXED = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "tie_word_embeddings": True,
    "add_cross_attention": False,
}


@dataclass(frozen=True)
class Model:
    """A small model that is drawn for a check.

    Args:
        settings: its sizes.
        weights: its parameters, as a `Linear` layer keeps them.
        number: of a layer, for names.
    """

    settings: dict[str, int]
    weights: Arrays
    number: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter."""
        return {name: array.shape for name, array in self.weights.items()}

    def published(self, *, prefix: str = "transformer.") -> dict[str, np.ndarray]:
        """The weights as a checkpoint has them: Conv1D kernels transposed, masks beside them."""
        tensors = {
            name.replace("transformer.", prefix): np.ascontiguousarray(array.T) if name.endswith(CONV1D) else array
            for name, array in self.weights.items()
        }
        n = self.settings["n_positions"]
        tensors[f"{prefix}h.0.attn.bias"] = np.tril(np.ones((1, 1, n, n), np.float32))
        tensors[f"{prefix}h.0.attn.masked_bias"] = np.array(-1e4, np.float32)
        if prefix:
            tensors["lm_head.weight"] = self.weights["transformer.wte.weight"]
        return tensors

    @contextlib.contextmanager
    def checkpoint(self, tensors: Arrays | None = None, /, **settings: object) -> Iterator[Path]:
        """A folder with config.json and model.safetensors, for a moment."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"} | self.settings | settings))
            save_file(dict(self.published() if tensors is None else tensors), folder / "model.safetensors")
            yield folder


@functools.cache
def model(seed: int) -> Model:
    """Draws a model in which no two sizes are equal."""
    rng = np.random.default_rng([seed, 15])
    n_head, head_dim = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    n_embd = n_head * head_dim
    vocab_size, n_positions, n_inner = (n_embd + int(extra) for extra in rng.permutation(np.arange(1, 6))[:3])
    settings = {
        "vocab_size": vocab_size,
        "n_positions": n_positions,
        "n_embd": n_embd,
        "n_layer": 1,
        "n_head": n_head,
        "n_inner": n_inner,
    }
    weights = random_numbers.parameters(sizes.language_model(settings), seed=int(rng.integers(1 << 31)))
    return Model(settings, weights, int(rng.integers(3, 12)))


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


# --- parameter_name and read_config -----------------------------------------------------------


def _names(given: Model) -> dict[str, str | None]:
    """What `parameter_name` makes of some keys."""
    n = given.number
    return {
        "transformer.wte.weight": "transformer.wte.weight",
        f"transformer.h.{n}.attn.c_attn.bias": f"transformer.h.{n}.attn.c_attn.bias",
        "wpe.weight": "transformer.wpe.weight",
        f"h.{n}.mlp.c_proj.weight": f"transformer.h.{n}.mlp.c_proj.weight",
        f"h.{n}.attn.bias": None,
        f"transformer.h.{n}.attn.bias": None,
        f"h.{n}.attn.masked_bias": None,
        f"transformer.h.{n}.attn.masked_bias": None,
        "lm_head.weight": None,
        "ln_f.bias": "transformer.ln_f.bias",
        f"h.{n}.ln_1.weight": f"transformer.h.{n}.ln_1.weight",
    }


def _fields(code: Code, config: object, names: list[str]) -> object:
    if not isinstance(config, code[1].GPT2Config):
        return f"a {type(config).__name__}, and not a GPT2Config"
    return {name: getattr(config, name) for name in names}


def _config(given: Model, epsilon: float) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> object:
        more = FIXED | {"layer_norm_epsilon": epsilon, "n_ctx": 5, "resid_pdrop": 0.1, "_name_or_path": "gpt2-é"}
        with given.checkpoint(**more) as folder:
            return _fields(code, code[15].read_config(folder), [*given.settings, "layer_norm_epsilon"])

    return evaluate


def _default_config(given: Model) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> object:
        with given.checkpoint() as folder:
            (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_layer": 20 + given.number}))
            return _fields(code, code[15].read_config(folder), ["n_layer", "n_embd", "vocab_size"])

    return evaluate


def _parameter_name(given: Model) -> tuple[Expectation, ...]:
    names = _names(given)
    return (
        Expectation(
            "parameter_name gives the parameter of each key, and None for a key that has none",
            lambda code, _: {key: code[15].parameter_name(key) for key in names},
            names,
            advice="The masks end in `.attn.bias` and `.attn.masked_bias`; `attn.c_attn.bias` is a real bias. "
            "A key without the prefix `transformer.` gets it.",
            part="parameter_name",
        ),
    )


def _read_config(given: Model) -> tuple[Expectation, ...]:
    def read(**settings: object) -> Callable[[Code], object]:
        def call(code: Code) -> object:
            with given.checkpoint(**settings) as folder:
                return code[15].read_config(folder)

        return call

    return (
        *(
            Expectation(
                f"read_config takes the sizes and the epsilon {epsilon} from the file, and leaves out what GPT2Config "
                "has no field for",
                _config(given, epsilon),
                given.settings | {"layer_norm_epsilon": epsilon},
                advice="Ask `dataclasses.fields(GPT2Config)` for the names, and take those that are in the file, "
                "whatever their values are.",
                part="read_config",
            )
            for epsilon in (0.5, 0.0)
        ),
        Expectation(
            "what config.json leaves out keeps its default",
            _default_config(given),
            {"n_layer": 20 + given.number, "n_embd": 768, "vocab_size": 50257},
            advice="Pass the fields that are in the file, and no others.",
            part="read_config",
        ),
        *(
            raises(
                f"{name}={value!r} raises an error that names it and both values",
                read(**{name: value}),
                name,
                repr(value),
                repr(FIXED[name]),
                part="read_config",
                advice="Compare each name in FIXED. The message must hold the name of the setting, the value that the "
                "file has, and the one that your model supports, both as `repr` writes them.",
            )
            for name, value in {
                "activation_function": "relu",
                "scale_attn_by_inverse_layer_idx": True,
                "scale_attn_weights": False,
                "tie_word_embeddings": False,
                "add_cross_attention": True,
                "model_type": "gpt_neo",
            }.items()
        ),
    )


# --- read_weights -----------------------------------------------------------------------------


def _as_data(weights: object) -> object:
    """What `read_weights` gives, as plain data: arrays by name, or the name of the type where it is no dict."""
    if not isinstance(weights, Mapping):
        return type(weights).__name__
    return {
        str(name): np.asarray(w) if isinstance(w, np.ndarray) else VIEW if w is VIEW else type(w).__name__
        for name, w in weights.items()
    }


def _as_compile_takes_them(weights: Arrays) -> object:
    """The same of what `compile` gets, which refuses an array that does not lie in memory row by row."""
    views = {n: VIEW for n, w in weights.items() if isinstance(w, np.ndarray) and not w.flags.c_contiguous}
    return _as_data({**weights, **views})


def _weights_of(
    given: Model, tensors: Arrays | None = None, prepare: Callable[[Path], None] = lambda folder: None
) -> Evaluate:
    """Makes the evaluation of an expectation: the weights that are read from a checkpoint."""

    def evaluate(code: Code, _: RunnableSubjects) -> object:
        with given.checkpoint(tensors) as folder:
            prepare(folder)
            return _as_data(code[15].read_weights(folder, given.shapes))

    return evaluate


def _judged(weights: Arrays, tolerance: float = 0, ignore: tuple[str, ...] = ()) -> Callable[[object], str]:
    """Says in words what is wrong with weights, or that all is right."""

    def read(got: object) -> str:
        if not isinstance(got, dict):
            return f"a {got}, and not a dict" if isinstance(got, str) else NO_DICT
        if missing := sorted(weights.keys() - got.keys()):
            return f"{missing[0]} is missing"
        if extra := sorted(got.keys() - weights.keys() - set(ignore)):
            return f"{extra[0]} should not be there"
        if any(isinstance(array, str) and array == VIEW for array in got.values()):
            return VIEW
        for name, expected in weights.items():
            array = got[name]
            if not isinstance(array, np.ndarray) or array.dtype != np.float32:
                return f"{name} is {getattr(array, 'dtype', array)} and not a float32 array"
            if array.shape != expected.shape:
                return f"{name} has shape {array.shape} and not {expected.shape}"
            if not np.allclose(array, expected, rtol=tolerance, atol=0):
                square = array.ndim == 2 and array.shape == expected.T.shape
                return (
                    NOT_TRANSPOSED
                    if square and np.allclose(array.T, expected, rtol=tolerance, atol=0)
                    else f"{name} has other numbers"
                )
        return ALL_RIGHT

    return read


_WRONG_WEIGHTS = (
    (
        NOT_TRANSPOSED,
        "The kernel of attn.c_proj is square, so its shape cannot tell: transpose all four kinds in CONV1D.",
    ),
    ("lm_head.weight should not be there", "The head is the embedding table: `parameter_name` gives None for it."),
)


def _read_weights(given: Model) -> tuple[Expectation, ...]:
    part, published = "read_weights", given.published()
    wide = np.ones((given.settings["n_positions"] + 1, given.settings["n_embd"]), np.float32)

    def refused(name: str, names: str, tensors: Arrays, advice: str = "") -> Expectation:
        return raises(
            name,
            lambda code: _weights_of(given, tensors)(code, {}),
            names,
            part=part,
            advice=advice or "Raise a ValueError whose message names the key or the parameter.",
        )

    def whole(
        name: str,
        tensors: Arrays | None = None,
        prepare: Callable[[Path], None] = lambda folder: None,
        tolerance: float = 0,
    ) -> Expectation:
        evaluate = _weights_of(given, tensors, prepare)
        read = _judged(given.weights, tolerance)
        return Expectation(name, evaluate, ALL_RIGHT, wrong=_WRONG_WEIGHTS, part=part, read=read)

    return (
        whole("read_weights reads a checkpoint of the whole model"),
        whole("read_weights reads a checkpoint of the bare model, without prefix and head", given.published(prefix="")),
        # The numbers of `random_numbers` are exact in float16.
        whole(
            "read_weights converts float16 to float32", {name: x.astype(np.float16) for name, x in published.items()}
        ),
        whole("read_weights converts bfloat16 to float32", prepare=bfloat16, tolerance=0.01),
        refused(
            "a key without a parameter raises an error that names it",
            "extra.weight",
            published | {"extra.weight": np.ones(2, np.float32)},
        ),
        *(
            refused(
                f"a checkpoint without {missing} raises an error that names it",
                missing,
                {name: x for name, x in published.items() if not name.endswith(missing)},
                "After the loop, look for names in `shapes` that are not among the weights.",
            )
            for missing in (next(iter(given.shapes)), "h.0.attn.c_proj.bias", list(given.shapes)[-1])
        ),
        *(
            refused(
                f"a wrong shape of {name} raises an error that names its key",
                name,
                published | {f"transformer.{name}": wrong},
                "Compare the shape, after the transpose, with the one in `shapes`: every size must be equal.",
            )
            for name, wrong in {
                "wpe.weight": wide,
                "wte.weight": published["transformer.wte.weight"][1:],
                "ln_f.weight": published["transformer.ln_f.weight"][:1],
                # As many numbers as there should be, in another order.
                "h.0.mlp.c_fc.weight": np.ascontiguousarray(published["transformer.h.0.mlp.c_fc.weight"].T),
            }.items()
        ),
        refused(
            "a parameter that two keys set raises an error that names it",
            "wpe.weight",
            published | {"wpe.weight": published["transformer.wpe.weight"]},
            "Before you store an array, look whether its name is among the weights already.",
        ),
    )


# --- load_pretrained --------------------------------------------------------------------------


class _Recorder:
    """Stands in for `Module.compile`: keeps what it is called with."""

    def __init__(self) -> None:
        self.types: tuple[TensorType, ...] = ()
        self.weights: Arrays = {}

    def __call__(self, module: "Module", *types: "TensorType", weights: Arrays | None = None, **options: object) -> str:
        self.types, self.weights = types, weights or {}
        return COMPILED


def _load(code: Code, folder: Path | str) -> tuple[object, _Recorder]:
    """Runs `load_pretrained`, with `compile` caught."""
    from max.driver import CPU
    from max.experimental.nn import Module

    recorder = _Recorder()
    # A function and not the recorder itself: as a method it gets the module.
    with mock.patch.object(Module, "compile", lambda module, *types, **options: recorder(module, *types, **options)):
        return code[15].load_pretrained(folder, device=CPU()), recorder


def _compile_call(given: Model) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> dict[str, object]:
        with given.checkpoint() as folder:
            result, recorder = _load(code, str(folder))  # as a user writes it
        types = [
            [type_.dtype.name, [str(dim) for dim in type_.shape]] if hasattr(type_, "shape") else [repr(type_), []]
            for type_ in recorder.types
        ]
        return {"types": types, "returned": result if isinstance(result, str) else f"a {type(result).__name__}"}

    return evaluate


def _compile_in_words(answer: object) -> str:
    match answer:
        case {"types": []}:
            return "compile was not called"
        case {"returned": returned} if returned != COMPILED:
            return f"{returned} and not what compile returned"
        case {"types": [[str(dtype), [*dims]]]}:
            if len(dims) == 2 and not any(dim.isdigit() for dim in dims):
                return f"{dtype} ids of symbolic shape (batch, seq_len)"
            return f"{dtype} ids of shape ({', '.join(dims)})"
        case {"types": [_, *_] as types}:
            return f"compile was called with {len(types)} types"
    return "no answer"


def _compiled_weights(given: Model) -> Evaluate:
    def evaluate(code: Code, graphs: RunnableSubjects) -> object:
        with given.checkpoint() as folder:
            recorder = _load(code, folder)[1]
        return _as_compile_takes_them(recorder.weights)

    return evaluate


def _one_table(given: Model) -> Evaluate:
    def evaluate(code: Code, graphs: RunnableSubjects) -> str:
        with given.checkpoint() as folder:
            recorder = _load(code, folder)[1]
        head, table = (recorder.weights.get(name) for name in ("lm_head.weight", "transformer.wte.weight"))
        if head is None or table is None:
            return "a weight is missing"
        return "one array" if np.shares_memory(head, table) else "two arrays"

    return evaluate


_SHIPPED_CASES = tuple(case.name for case in step_13.CHECK.cases if case.shipped)


def _run_shipped(code: Code, graphs: RunnableSubjects) -> object:
    """Loads the shipped checkpoint, and runs step 13's graph with the weights that `compile` gets."""
    _, recorder = _load(code, Workspace(REPOSITORY).checkpoint)
    missing = [name for name in SHIPPED.parameters if name not in recorder.weights]
    if missing:
        return f"{missing[0]} is missing"
    stored, run = stored_numbers.load(13), graphs[SHIPPED.name]
    return [run(recorder.weights, *stored[name][1].values())[0] for name in _SHIPPED_CASES]


def _same_logits(expected: list[np.ndarray]) -> Callable[[object], str]:
    def read(answer: object) -> str:
        if isinstance(answer, str):
            return answer
        arrays = [array for array in answer if isinstance(array, np.ndarray)] if isinstance(answer, list) else []
        same = len(arrays) == len(expected) and all(
            matches(got, wanted, 1e-4) for got, wanted in zip(arrays, expected, strict=True)
        )
        return "Hugging Face's logits" if same else "other logits"

    return read


def _load_pretrained(given: Model) -> tuple[Expectation, ...]:
    stored = stored_numbers.load(13)
    return (
        Expectation(
            "load_pretrained compiles the model for ids of any batch and length",
            _compile_call(given),
            "int64 ids of symbolic shape (batch, seq_len)",
            advice='Call `model.compile(TensorType(DType.int64, ("batch", "seq_len"), device), weights=...)` '
            "and return its result.",
            read=_compile_in_words,
        ),
        Expectation(
            "the weights that load_pretrained passes to compile",
            _compiled_weights(given),
            ALL_RIGHT,
            wrong=(
                (
                    VIEW,
                    "`array.T` is a view: the numbers stay in memory as they were. MAX refuses such an array. In "
                    "`read_weights`, make a copy that is in order: `np.ascontiguousarray(array.T)`.",
                ),
            ),
            advice="Pass what `read_weights` gives, and the head's weight under its own name.",
            read=_judged(given.weights, ignore=("lm_head.weight",)),
        ),
        Expectation(
            "the head and the embedding table are one array in memory",
            _one_table(given),
            "one array",
            wrong=(
                ("two arrays", "Do not copy: give both names the same array."),
                ("a weight is missing", "`compile` wants the tied tensor under both of its names."),
            ),
        ),
        Expectation(
            "with these weights, your model gives Hugging Face's logits",
            _run_shipped,
            "Hugging Face's logits",
            needs=(SHIPPED.name,),
            read=_same_logits([stored[name][2]["logits"] for name in _SHIPPED_CASES]),
        ),
    )


@functools.cache
def drawn(seed: int) -> tuple[Expectation, ...]:
    """The expectations, about a model that is drawn with this seed."""
    given = model(seed)
    return (*_parameter_name(given), *_read_config(given), *_read_weights(given), *_load_pretrained(given))


CHECK = Check(
    names=("parameter_name", "read_config", "read_weights", "load_pretrained"),
    subjects=(SHIPPED,),
    drawn=drawn,
)
