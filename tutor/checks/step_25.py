"""The check of step 25: training."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor import sizes
from tutor.checking import random_numbers
from tutor.checking.spec import (
    Arrays,
    Case,
    Check,
    Code,
    Evaluate,
    Expectation,
    Mistake,
    RunnableSubject,
    RunnableSubjects,
    Subject,
)
from tutor.checks.numpy import adamw as numpy_adamw
from tutor.checks.numpy import model_gradients
from tutor.checks.shared.backward import parameters_in, with_module
from tutor.checks.shared.expectations import raises
from tutor.checks.step_23 import texts
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings, Shapes

if TYPE_CHECKING:
    from max.experimental.nn import Module
    from max.experimental.tensor import Tensor

IDS, NUMBER = TensorSpec("int64", ("batch", "seq_len")), TensorSpec("float32", ())
GROUPS = {"matrices": 2, "vectors": 1}

MODEL: Settings = {"vocab_size": 13, "n_positions": 6, "n_embd": 8, "n_layer": 2, "n_head": 2}
SHAPES: Shapes = sizes.language_model(MODEL)

# How steps are taken, beside what is left to the defaults.
HOW: Settings = {"betas": (0.8, 0.97), "weight_decay": 0.2, "max_norm": 0.7}


def members(group: str) -> list[str]:
    """The parameters in a group, in the order in which they lie."""
    return [name for name in sorted(SHAPES) if len(SHAPES[name]) == GROUPS[group]]


def end_to_end(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of all parameters, laid end to end in groups."""
    return {group: np.concatenate([arrays[name].reshape(-1) for name in members(group)]) for group in GROUPS}


def _totals() -> dict[str, TensorSpec]:
    lengths = {group: sum(int(np.prod(SHAPES[name])) for name in members(group)) for group in GROUPS}
    return {f"total {group}": TensorSpec("float32", (length,), buffer=True) for group, length in lengths.items()}


def _accumulate(
    code: Code, model: "Module", input_ids: "Tensor", targets: "Tensor", share: "Tensor", *totals: "Tensor"
) -> object:
    return code[25].accumulate_gradients(model, input_ids, targets, share, dict(zip(GROUPS, totals, strict=True)))


ACCUMULATE = Subject(
    name="accumulate_gradients",
    build=with_module("model", lambda code: code[13].MaxGPT2LMHeadModel(code[1].GPT2Config(**MODEL)), _accumulate),
    inputs={"input_ids": IDS, "targets": IDS, "share": NUMBER, **_totals()},
    outputs={"loss": NUMBER},
    parameters=parameters_in("model", SHAPES),
    settings=MODEL,
    part="accumulate_gradients",
)

KINDS = ("parameter", "total", "mean", "square")


def _update(how: Settings) -> Subject:
    buffers = {f"{kind} {group}": TensorSpec("float32", (group,), buffer=True) for kind in KINDS for group in GROUPS}

    def build(code: Code) -> Callable[..., object]:
        def call(rate: "Tensor", corrections: "Tensor", *given: "Tensor") -> object:
            config = code[25].TrainingConfig(steps=1, batch_size=1, seq_len=1, **how)
            kinds = (given[start : start + len(GROUPS)] for start in range(0, len(given), len(GROUPS)))
            groups = [dict(zip(GROUPS, kind, strict=True)) for kind in kinds]
            return code[25].update(*groups, rate, corrections, config)

        return call

    return Subject(
        name="update" + "".join(f", {name}={value}" for name, value in how.items()),
        build=build,
        inputs={"rate": NUMBER, "corrections": TensorSpec("float32", (2,)), **buffers},
        outputs={"norm": NUMBER},
        settings={"betas": (0.9, 0.95), "weight_decay": 0.1, "max_norm": 1.0, **how},
        part="update",
    )


UPDATE, BY_DEFAULT = _update(HOW), _update({})


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 25's graphs in NumPy. A mistake names the function that makes it, with its own keywords."""
    own = mistake.get(subject.part, {})
    if subject is ACCUMULATE:
        return _accumulated(parameters, inputs, **own)
    return _updated(subject.settings, inputs, **own)


def _accumulated(
    parameters: Arrays, inputs: Arrays, *, added: str = "share * gradient", loss: str = "loss", order: str = "names"
) -> Arrays:
    held = {name.removeprefix("model."): array for name, array in parameters.items()}
    ids, targets, share = inputs["input_ids"], inputs["targets"], float(inputs["share"])
    results = model_gradients.loss_and_gradients(ids, targets, held, MODEL["n_head"], MODEL["n_layer"], 1e-5)
    after = {"loss": results.pop("loss") * (share if loss == "share * loss" else 1.0)}
    gradients = end_to_end(results)
    for group, gradient in gradients.items():
        total = inputs[f"total {group}"].astype(np.float64)
        after[f"total {group}"] = {
            "share * gradient": total + share * gradient,
            "gradient": total + gradient,
            "replaced": share * gradient,
            "nothing": total,
            "share of both": share * (total + gradient),
            "gradient / share": total + gradient / share,
        }[added if group == "matrices" or order == "names" else "nothing"]
    return after


def _updated(
    settings: Settings,
    inputs: Arrays,
    *,
    clip: str = "together",
    decays: str = "matrices",
    cleared: bool = True,
    returned: str = "before",
    betas: tuple[float, float] | None = None,
    weight_decay: float | None = None,
    max_norm: float | None = None,
) -> Arrays:
    totals = {group: inputs[f"total {group}"] for group in GROUPS}
    most = settings["max_norm"] if max_norm is None else max_norm
    gradients, norm = numpy_adamw.clip_by_global_norm(totals, most, way=clip, returned=returned)
    after: dict[str, np.ndarray] = {"norm": np.array(norm)}
    for group in GROUPS:
        decay = settings["weight_decay"] if weight_decay is None else weight_decay
        parameter, mean, square = numpy_adamw.adamw_update(
            inputs[f"parameter {group}"],
            gradients[group],
            inputs[f"mean {group}"],
            inputs[f"square {group}"],
            inputs["rate"],
            inputs["corrections"],
            betas=settings["betas"] if betas is None else betas,
            eps=1e-8,
            weight_decay=decay if decays in (group, "all") else 0.0,
        )
        after |= {f"parameter {group}": parameter, f"mean {group}": mean, f"square {group}": square}
        after[f"total {group}"] = totals[group] * (0.0 if cleared else 1.0)
    return after


def _batch(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws a batch, and totals that are not 0."""
    parameters, inputs = texts(subject, case)
    rng = np.random.default_rng(case.seed)
    totals = {name: rng.normal(size=spec.shape({})).astype(np.float32) for name, spec in _totals().items()}
    return parameters, {**inputs, "share": np.array(case.scale, np.float32), **totals}


def _state(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws parameters, gradients and running means of both groups."""
    rng = np.random.default_rng(case.seed)
    inputs: dict[str, np.ndarray] = {}
    for name, spec in subject.inputs.items():
        if spec.buffer:
            drawn = rng.normal(size=spec.shape(case.dims))
            kind = name.split()[0]
            inputs[name] = {"total": case.scale * drawn, "square": 0.1 + drawn**2}.get(kind, drawn).astype(np.float32)
    corrections = numpy_adamw.bias_corrections(case.dims["step"], subject.settings["betas"])
    numbers = {"rate": np.array(0.5, np.float32), "corrections": np.array(corrections, np.float32)}
    return {}, numbers | inputs


# --- plain Python: the batches ------------------------------------------------------------------


def _batches(text: np.ndarray, seq_len: int, count: int, batch_size: int, seed: int) -> Evaluate:
    """Draws batches with one generator; gives ids and targets."""

    def evaluate(code: Code, _: RunnableSubjects) -> object:
        rng = np.random.default_rng(seed)
        drawn = [code[25].sample_batch(text, batch_size, seq_len, rng) for _ in range(count)]
        return [[np.asarray(part) for part in batch] for batch in drawn]

    return evaluate


RIGHT_BATCHES = "int64 ids of the right shape, and the tokens after them"


def _judged_batches(text: np.ndarray, seq_len: int, batch_size: int) -> Callable[[Any], str]:
    places = {tuple(text[start : start + seq_len]): start for start in range(len(text) - seq_len + 1)}

    def read(batches: Any) -> str:
        for ids, targets in batches:
            for what, part in (("ids", ids), ("targets", targets)):
                if part.dtype != np.int64:
                    return f"{what} of type {part.dtype}"
                if part.shape != (batch_size, seq_len):
                    return f"{what} of shape {part.shape}"
            for row, after in zip(ids, targets, strict=True):
                start = places.get(tuple(row))
                if start is None:
                    return "ids that do not follow each other in the text"
                if np.array_equal(row, after):
                    return "targets that are the ids themselves"
                if not np.array_equal(after, text[start + 1 : start + 1 + seq_len]):
                    return "targets that are not the tokens after the ids"
        return RIGHT_BATCHES

    return read


def _starts(text: np.ndarray, seq_len: int) -> Callable[[Any], object]:
    """Where windows began that were drawn often: each place, or what is wrong with how often."""
    all_places = list(range(len(text) - seq_len))
    place_of = {token: start for start, token in enumerate(text.tolist())}

    def read(batches: Any) -> object:
        begun = [place_of[int(row[0])] for ids, _ in batches for row in ids]
        seen = sorted(set(begun))
        if seen != all_places:
            return seen
        counts = np.bincount(begun, minlength=len(all_places))
        expected = len(begun) / len(all_places)
        # Six standard deviations: once in a hundred million checks by chance.
        uneven = np.flatnonzero(np.abs(counts - expected) > 6 * np.sqrt(expected))
        return seen if not len(uneven) else f"place {uneven[0]} is drawn {counts[uneven[0]]} times in {len(begun)}"

    return read


def _sample_batch(rng: np.random.Generator) -> tuple[Expectation, ...]:
    part = "sample_batch"
    seq_len = int(rng.integers(3, 6))
    text = rng.permutation(60)[: seq_len + int(rng.integers(6, 10))].astype(np.uint16)
    shortest = text[: seq_len + 1]
    few = text[:seq_len]
    places = len(text) - seq_len

    def batches(name: str, text: np.ndarray, **more: Any) -> Expectation:
        return Expectation(
            name,
            _batches(text, seq_len, 3, 4, seed=5),
            RIGHT_BATCHES,
            wrong=(
                ("targets that are the ids themselves", "The targets are one token later: cut out seq_len + 1 tokens."),
                (f"ids of shape {(4, seq_len + 1)}", "Cut out seq_len + 1 tokens; all but the last are the ids."),
                ("ids of type uint16", "Convert the windows to int64: the text may be of a smaller type."),
            ),
            advice="Ids are the first seq_len tokens of a window of seq_len + 1, targets the last seq_len.",
            part=part,
            read=_judged_batches(text, seq_len, 4),
            **more,
        )

    return (
        batches(f"what sample_batch gives for a text of {len(text)} tokens and seq_len {seq_len}", text),
        Expectation(
            "whether the same generator gives other windows the second time, and the same seed the same ones",
            lambda code, graphs: [_batches(text, seq_len, 2, 8, seed)(code, graphs) for seed in (3, 3, 4)],
            "others the second time, the same with the same seed",
            advice="Draw with the generator that is handed in, and with nothing else.",
            part=part,
            read=_repeatable,
        ),
        Expectation(
            f"where windows begin in a text of {len(text)} tokens with seq_len {seq_len}, drawn 4,000 times",
            _batches(text, seq_len, 40, 100, seed=int(rng.integers(1000))),
            list(range(places)),
            wrong=(
                (list(range(places - 1)), "The last window that fits begins at len(tokens) - seq_len - 1."),
                (list(range(1, places)), "The first window begins at place 0."),
            ),
            advice="A window has seq_len + 1 tokens. Each place where it fits is equally likely.",
            part=part,
            read=_starts(text, seq_len),
        ),
        batches(f"what sample_batch gives for a text of {seq_len + 1} tokens and seq_len {seq_len}", shortest),
        raises(
            f"the error for a text of {len(few)} tokens and seq_len {seq_len}",
            lambda code: code[25].sample_batch(few, 2, seq_len, np.random.default_rng(0)),
            str(len(few)),
            str(seq_len + 1),
            part=part,
            advice="Raise a ValueError that names how many tokens there are, and how many a window needs.",
        ),
    )


def _repeatable(answer: Any) -> str:
    one, again, other = ([np.asarray(ids) for ids, _ in batches] for batches in answer)
    if not all(np.array_equal(a, b) for a, b in zip(one, again, strict=True)):
        return "others with the same seed"
    if np.array_equal(one[0], one[1]):
        return "the same the second time"
    if np.array_equal(one[0], other[0]):
        return "the same with another seed"
    return "others the second time, the same with the same seed"


# --- plain Python: the loop ---------------------------------------------------------------------


class Recorder:
    """Stands for the trainer: notes what it is asked to do, and gives losses and norms that tell the calls apart."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def accumulate(self, input_ids: np.ndarray, targets: np.ndarray, share: float) -> float:
        """Notes the batch; the loss is the number of calls so far."""
        self.calls.append(["accumulate", np.asarray(input_ids), np.asarray(targets), float(share)])
        return float(len(self.calls))

    def update(self, rate: float, corrections: tuple[float, float]) -> float:
        """Notes the numbers; the norm is the number of calls so far, and a half."""
        self.calls.append(["update", float(rate), *(float(number) for number in corrections)])
        return len(self.calls) + 0.5


TEXT = (np.arange(40) * 7 % 41).astype(np.uint16)
PLAN: Settings = {"steps": 5, "batch_size": 2, "seq_len": 3, "accumulate": 2, "peak_learning_rate": 0.02,
                  "warmup_steps": 2, "final_learning_rate": 0.001, "betas": (0.7, 0.9), "seed": 11}  # fmt: skip


def _run(code: Code, plan: Settings, **more: Any) -> dict[str, object]:
    """Runs the loop: what it yields, and what it asks of the trainer; beside that, the windows of each step."""
    recorder = Recorder()
    config = code[25].TrainingConfig(**plan)
    yielded = [list(step) for step in code[25].train(recorder, TEXT, config, **more)]
    windows = []
    for step in range(plan["steps"]):
        rng = np.random.default_rng([plan["seed"], step])
        drawn = [
            code[25].sample_batch(TEXT, plan["batch_size"], plan["seq_len"], rng)
            for _ in range(plan.get("accumulate", 1))
        ]
        windows.append([[np.asarray(part) for part in batch] for batch in drawn])
    return {"yielded": yielded, "calls": recorder.calls, "windows": windows}


def _in_words(plan: Settings, start: int = 0) -> Callable[[Any], str]:
    """What is wrong with a run of the loop."""
    accumulate, betas = plan.get("accumulate", 1), plan.get("betas", (0.9, 0.95))
    rates = {
        "peak": plan["peak_learning_rate"],
        "warmup_steps": plan["warmup_steps"],
        "total_steps": plan["steps"],
        "final": plan["final_learning_rate"],
    }

    def read(answer: Any) -> str:
        calls, yielded, windows = list(answer["calls"]), answer["yielded"], answer["windows"]
        steps = range(start, plan["steps"])
        kinds = [call[0] for call in calls]
        if kinds != (["accumulate"] * accumulate + ["update"]) * len(steps):
            updates = kinds.count("update")
            return f"{kinds.count('accumulate')} calls of accumulate and {updates} of update, or in another order"
        if [row[0] for row in yielded] != list(steps):
            return f"steps {[row[0] for row in yielded]}"
        for index, step in enumerate(steps):
            first = index * (accumulate + 1)
            *batches, update = calls[first : first + accumulate + 1]
            for number, (_, ids, targets, share) in enumerate(batches):
                if not np.isclose(share, 1 / accumulate):
                    return f"a share of {share:g}"
                expected = windows[step][number]
                if not (np.array_equal(ids, expected[0]) and np.array_equal(targets, expected[1])):
                    return "other windows than those of a generator with the seed [seed, step]"
            losses = [first + 1 + number for number in range(accumulate)]
            if not np.isclose(yielded[index][1], np.mean(losses)):
                return f"a loss of {yielded[index][1]:g} where the batches had {', '.join(map(str, losses))}"
            if not np.isclose(yielded[index][2], first + accumulate + 1.5):
                return "another norm than `update` gave"
            if not np.isclose(update[1], numpy_adamw.learning_rate(step, **rates), rtol=1e-6):
                return f"a learning rate of {update[1]:g} in step {step}"
            if not np.allclose(update[2:], numpy_adamw.bias_corrections(step, betas), rtol=1e-6):
                return f"corrections of {update[2]:g} and {update[3]:g} in step {step}"
        return ALL_STEPS

    return read


ALL_STEPS = "every batch and every step as they should be"


def _lazily(code: Code, _: RunnableSubjects) -> int:
    """How often the trainer was called when the first step has come."""
    recorder = Recorder()
    next(iter(code[25].train(recorder, TEXT, code[25].TrainingConfig(**PLAN))))
    return len(recorder.calls)


def _train() -> tuple[Expectation, ...]:
    part = "train"
    single = {**PLAN, "accumulate": 1, "steps": 3, "seed": 0}
    wrong = (
        ("a share of 1", "Each batch has the share 1 / accumulate: then the totals are a mean."),
        (
            "other windows than those of a generator with the seed [seed, step]",
            "Make the generator in the loop, once a step: `np.random.default_rng([config.seed, step])`.",
        ),
    )
    return (
        Expectation(
            "what the loop does in 5 steps of 2 batches",
            lambda code, graphs: _run(code, PLAN),
            ALL_STEPS,
            wrong=wrong,
            advice="In each step: draw and accumulate `accumulate` batches, update once, and yield.",
            part=part,
            read=_in_words(PLAN),
        ),
        Expectation(
            "what the loop does in 3 steps of one batch, with the seed 0",
            lambda code, graphs: _run(code, single),
            ALL_STEPS,
            wrong=wrong,
            advice="In each step: draw and accumulate `accumulate` batches, update once, and yield.",
            part=part,
            read=_in_words(single),
        ),
        Expectation(
            "what the loop does if 3 of 5 steps were taken before",
            lambda code, graphs: _run(code, PLAN, start=3),
            ALL_STEPS,
            wrong=wrong,
            advice="Begin with step `start`: its windows, rate and corrections depend on its number alone.",
            part=part,
            read=_in_words(PLAN, start=3),
        ),
        Expectation(
            "what the loop does if all steps were taken before",
            lambda code, graphs: _run(code, PLAN, start=5)["calls"],
            [],
            part=part,
            advice="`range(start, config.steps)` is empty then.",
        ),
        Expectation(
            "how often the trainer is called before the first step is yielded",
            _lazily,
            3,
            advice="Yield after each step: whoever reads may stop at any time.",
            part=part,
        ),
    )


# --- plain Python: the held-out loss, and the checkpoint ----------------------------------------


def _held_out(tokens: np.ndarray, batch_size: int, seq_len: int, table: np.ndarray) -> Evaluate:
    """The mean over a table's numbers, one for each pair of tokens; and what the loss was asked."""

    def evaluate(code: Code, _: RunnableSubjects) -> object:
        asked: list[object] = []

        def loss(input_ids: np.ndarray, targets: np.ndarray) -> float:
            ids, after = np.asarray(input_ids), np.asarray(targets)
            asked.append([ids, after])
            return float(table[ids, after].mean())

        mean = code[25].held_out_loss(loss, tokens, batch_size=batch_size, seq_len=seq_len)
        return {"mean": float(mean), "asked": asked}

    return evaluate


def _held_out_in_words(tokens: np.ndarray, batch_size: int, seq_len: int, table: np.ndarray) -> Callable[[Any], str]:
    expected = float(table[tokens[:-1], tokens[1:]].mean())
    starts = range(0, len(tokens) - 1, seq_len)
    windows = sorted(tuple(map(int, tokens[start : min(start + seq_len, len(tokens) - 1)])) for start in starts)

    def read(answer: Any) -> str:
        rows: list[tuple[int, ...]] = []
        for ids, targets in answer["asked"]:
            for what, part in (("ids", ids), ("targets", targets)):
                if part.dtype != np.int64 or part.ndim != 2:
                    return f"{what} of type {part.dtype} with {part.ndim} axes"
            if len(ids) > batch_size:
                return f"{len(ids)} windows at once, and the most are {batch_size}"
            rows += [tuple(map(int, row)) for row in ids]
        if sorted(rows) != windows:
            count = sum(map(len, rows))
            return (
                f"{count} tokens predicted, and not {len(tokens) - 1}" if count != len(tokens) - 1 else "other windows"
            )
        if not np.isclose(answer["mean"], expected, rtol=1e-6):
            return f"{answer['mean']:.6g}"
        return f"{expected:.6g}"

    return read


def _held_out_loss(rng: np.random.Generator) -> tuple[Expectation, ...]:
    table = rng.random((30, 30))
    rows = []
    for length, batch_size, seq_len in ((26, 2, 5), (24, 3, 5), (16, 1, 4), (3, 4, 8), (2, 1, 1)):
        tokens = rng.integers(30, size=length).astype(np.uint16)
        expected = f"{float(table[tokens[:-1], tokens[1:]].mean()):.6g}"
        whole = (length - 1) // seq_len * seq_len
        rows.append(
            Expectation(
                f"the held-out loss of {length} tokens, with batch_size {batch_size} and seq_len {seq_len}",
                _held_out(tokens, batch_size, seq_len, table),
                expected,
                wrong=(
                    (
                        f"{whole} tokens predicted, and not {length - 1}",
                        "The last window predicts what is left, and may be shorter.",
                    ),
                ),
                advice="Weigh the mean of each batch by how many tokens it predicts, and divide by how many there are.",
                part="held_out_loss",
                read=_held_out_in_words(tokens, batch_size, seq_len, table),
            )
        )
    return tuple(rows)


VIEW = "a transposed view: `np.ascontiguousarray` lays it out row by row"


def _published(weights: Arrays) -> dict[str, np.ndarray]:
    kernels = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
    return {name: array.T if name.endswith(kernels) else array for name, array in weights.items()}


def _to_hugging_face(seed: int) -> Expectation:
    weights = random_numbers.parameters(SHAPES, seed=seed)
    expected = _published(weights)
    right = "every tensor as Hugging Face stores it"

    def evaluate(code: Code, _: RunnableSubjects) -> object:
        tensors = code[25].to_hugging_face({name: array.copy() for name, array in weights.items()})
        return {
            name: VIEW if isinstance(array, np.ndarray) and not array.flags.c_contiguous else np.asarray(array)
            for name, array in tensors.items()
        }

    def read(tensors: Any) -> str:
        if different := sorted(tensors.keys() ^ expected.keys()):
            return f"{different[0]} is {'missing' if different[0] in expected else 'there, and should not be'}"
        for name, array in expected.items():
            if isinstance(tensors[name], str):
                return f"{name} is {tensors[name]}"
            if not np.array_equal(tensors[name], array):
                turned = array.ndim == 2 and np.array_equal(tensors[name], array.T)
                return f"{name} is {'not transposed as it should be' if turned else 'other numbers'}"
        return right

    return Expectation(
        "the tensors of a checkpoint",
        evaluate,
        right,
        advice="Transpose the kernels in CONV1D, and nothing else. `np.ascontiguousarray` lays each out row by row, as "
        "a "
        "safetensors file needs it.",
        part="to_hugging_face",
        read=read,
    )


# --- ten steps ----------------------------------------------------------------------------------

TEN: Settings = {"steps": 10, "batch_size": 3, "seq_len": 5, "accumulate": 2, "peak_learning_rate": 0.01,
                 "warmup_steps": 3, "final_learning_rate": 0.001, "seed": 4, **HOW}  # fmt: skip


class GraphTrainer:
    """A trainer on the graphs of a check: all that it keeps are arrays."""

    def __init__(self, accumulate: RunnableSubject, update: RunnableSubject, parameters: Arrays) -> None:
        self._accumulate, self._update = accumulate, update
        self._kept = {kind: {group: 0 * x for group, x in end_to_end(parameters).items()} for kind in KINDS}
        self._kept["parameter"] = end_to_end(parameters)

    def accumulate(self, input_ids: np.ndarray, targets: np.ndarray, share: float) -> float:
        """Runs the graph, and keeps the totals."""
        ids, after = np.asarray(input_ids), np.asarray(targets)
        given = np.array(share, np.float32), *self._kept["total"].values()
        loss, *totals = self._accumulate(self._parameters(), ids, after, *given)
        self._kept["total"] = dict(zip(GROUPS, totals, strict=True))
        return float(loss)

    def update(self, rate: float, corrections: tuple[float, float]) -> float:
        """Runs the graph, and keeps everything."""
        numbers = np.array(rate, np.float32), np.array(corrections, np.float32)
        given = [array for kind in KINDS for array in self._kept[kind].values()]
        norm, *after = self._update({}, *numbers, *given)
        for index, kind in enumerate(KINDS):
            self._kept[kind] = dict(zip(GROUPS, after[len(GROUPS) * index :][: len(GROUPS)], strict=True))
        return float(norm)

    def _parameters(self) -> Arrays:
        arrays = {}
        for group, whole in self._kept["parameter"].items():
            start = 0
            for name in members(group):
                end = start + int(np.prod(SHAPES[name]))
                arrays[f"model.{name}"] = whole[start:end].reshape(SHAPES[name])
                start = end
        return arrays


def ten_steps_begin() -> tuple[np.ndarray, Arrays]:
    """The text, and the parameters, with which ten steps begin."""
    return np.random.default_rng(9).integers(MODEL["vocab_size"], size=80), random_numbers.parameters(SHAPES, seed=9)


@functools.cache
def ten_losses() -> list[float]:
    """The losses of ten steps in NumPy, in float64."""
    text, parameters = ten_steps_begin()
    model_parameters = {name: array.astype(np.float64) for name, array in parameters.items()}
    trainer = GraphTrainer(
        lambda parameters, *inputs: list(
            _accumulated(parameters, dict(zip(ACCUMULATE.inputs, inputs, strict=True))).values()
        ),
        lambda parameters, *inputs: _in_order(_updated(UPDATE.settings, dict(zip(UPDATE.inputs, inputs, strict=True)))),
        model_parameters,
    )
    losses = []
    for step in range(TEN["steps"]):
        rng, loss = np.random.default_rng([TEN["seed"], step]), 0.0
        for _ in range(TEN["accumulate"]):
            starts = rng.integers(len(text) - TEN["seq_len"], size=TEN["batch_size"])
            windows = np.stack([text[start : start + TEN["seq_len"] + 1] for start in starts])
            loss += trainer.accumulate(windows[:, :-1], windows[:, 1:], 1 / TEN["accumulate"]) / TEN["accumulate"]
        rate = numpy_adamw.learning_rate(
            step,
            peak=TEN["peak_learning_rate"],
            warmup_steps=TEN["warmup_steps"],
            total_steps=TEN["steps"],
            final=TEN["final_learning_rate"],
        )
        trainer.update(rate, numpy_adamw.bias_corrections(step, TEN["betas"]))
        losses.append(loss)
    return losses


def _in_order(after: Arrays) -> list[np.ndarray]:
    return [after["norm"], *(after[name] for name, spec in UPDATE.inputs.items() if spec.buffer)]


def _trained(code: Code, graphs: RunnableSubjects) -> list[float]:
    """The losses of ten steps, with the learner's loop and graphs, and windows of the reference's."""
    text, parameters = ten_steps_begin()
    trainer = GraphTrainer(graphs[ACCUMULATE.name], graphs[UPDATE.name], parameters)
    return [float(loss) for _, loss, _ in code[25].train(trainer, text, code[25].TrainingConfig(**TEN))]


def _falling(losses: Any) -> str:
    """Whether the loss fell as it does in the reference: which windows are drawn is the learner's own."""
    reference = ten_losses()
    first, last = float(np.mean(losses[:2])), float(np.mean(losses[-2:]))
    fall = float(np.mean(reference[:2]) - np.mean(reference[-2:]))
    if len(losses) != len(reference) or not np.all(np.isfinite(losses)):
        return f"{len(losses)} losses: {losses}"
    if np.allclose(losses, reference, rtol=1e-4):
        return FALLS
    return FALLS if first - last > fall / 2 else f"from {first:.3f} to {last:.3f}"


FALLS = "it falls as it does in the reference"


@functools.cache
def drawn(seed: int) -> tuple[Expectation, ...]:
    """The plain functions, with numbers that are drawn with this seed."""
    rng = np.random.default_rng([seed, 25])
    return (
        *_sample_batch(rng),
        *_train(),
        *_held_out_loss(rng),
        _to_hugging_face(int(rng.integers(1 << 30))),
        Expectation(
            "what the loss does in ten steps of your loop with your graphs",
            _trained,
            FALLS,
            advice="Each function is right by itself: look at the order in which the loop calls them.",
            needs=(ACCUMULATE.name, UPDATE.name),
            part="train",
            read=_falling,
        ),
    )


def _mistakes(function: str, *rows: tuple[str, str, Mapping[str, object]]) -> Sequence[Mistake]:
    return [Mistake(name, advice, {function: arguments}) for name, advice, arguments in rows]


CHECK = Check(
    names=(
        "TrainingConfig",
        "sample_batch",
        "accumulate_gradients",
        "update",
        "train",
        "held_out_loss",
        "to_hugging_face",
    ),
    subjects=(ACCUMULATE, UPDATE, BY_DEFAULT),
    cases=(
        Case(ACCUMULATE.name, {"batch": 2, "seq_len": 4}, seed=1, scale=0.25, given=_batch),
        Case(ACCUMULATE.name, {"batch": 1, "seq_len": 6}, seed=2, scale=1.0, given=_batch),
        Case(UPDATE.name, {"matrices": 7, "vectors": 4, "step": 2}, seed=3, scale=3.0, given=_state),
        Case(UPDATE.name, {"matrices": 5, "vectors": 1, "step": 0}, seed=4, scale=0.01, given=_state),
        Case(BY_DEFAULT.name, {"matrices": 3, "vectors": 6, "step": 5}, seed=5, scale=2.0, given=_state),
    ),
    drawn=drawn,
    numpy_model=numpy_model,
    explain={
        "SIGSEGV": "MAX 26.7.0's compiler crashes on a graph that clears a total before its gradient has been used: "
        "call "
        "`clear` at the end of `update`.",
    },
    mistakes=(
        *_mistakes(
            "accumulate_gradients",
            (
                "gradients that are added whole",
                "Multiply each gradient by `share` before you add it.",
                {"added": "gradient"},
            ),
            (
                "gradients that replace the total",
                "Add to what is there: other batches of the same step may have been before.",
                {"added": "replaced"},
            ),
            ("totals that stay as they were", "Add each gradient to its total, with `add_to`.", {"added": "nothing"}),
            (
                "totals that are multiplied by the share, too",
                "The share is that of the new gradient alone.",
                {"added": "share of both"},
            ),
            (
                "gradients that are divided by the share",
                "The share is a factor: 1 / accumulate.",
                {"added": "gradient / share"},
            ),
            (
                "a loss that is multiplied by the share",
                "Return the loss of the batch as it is.",
                {"loss": "share * loss"},
            ),
            (
                "gradients of the matrices alone",
                "Add to both totals: `matrices` and `vectors`.",
                {"order": "matrices alone"},
            ),
        ),
        *_mistakes(
            "update",
            (
                "clipping that shortens each group by itself",
                "Hand both groups to `clip_by_global_norm` at once: they have one norm.",
                {"clip": "each by itself"},
            ),
            (
                "gradients that are not clipped",
                "Use the gradients that `clip_by_global_norm` gives.",
                {"clip": "not at all"},
            ),
            ("a decay of the vectors, too", "Matrices decay, vectors do not.", {"decays": "all"}),
            ("a decay of the vectors alone", "Matrices decay, vectors do not.", {"decays": "vectors"}),
            ("no decay", "Hand `weight_decay=config.weight_decay` on for the matrices.", {"decays": "none"}),
            (
                "totals that are not cleared",
                "Clear each total at the end: the next step begins with 0.",
                {"cleared": False},
            ),
            (
                "the norm after clipping",
                "Return the norm that `clip_by_global_norm` gives: that of the gradients before.",
                {"returned": "after"},
            ),
            (
                "the betas of step 24's defaults",
                "Hand `betas=config.betas` on.",
                {"betas": (0.9, 0.95)},
            ),
            (
                "a max_norm of 1",
                "Hand `config.max_norm` on.",
                {"max_norm": 1.0},
            ),
            (
                "a weight_decay of 0.1",
                "Hand `config.weight_decay` on.",
                {"weight_decay": 0.1},
            ),
        ),
    ),
)
