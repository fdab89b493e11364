"""The check of step 18: six attentions.

Each helper is judged alone: `eager_attention`, `fused_attention` and `tiled_attention` on all cases, the six functions,
which only call them, on a small one each. The fused attentions have a graph for each function and each way to call it:
MAX finds its kernel by a pattern, and would not find it if two functions shared their scores.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Case, Check, Code, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.numpy import six_attentions as numpy_six
from tutor.checks.shared.subjects import SHIPPED
from tutor.graphs.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

KINDS = ("bidirectional", "causal")
NO_MASK = " without mask"
SAME = "the same numbers"
NUM_HEADS, HEAD_DIM = 3, 5

# The function that does the work of each two of the six, and its name.
HELPERS = {"eager": "eager_attention", "sdpa": "fused_attention", "flash": "tiled_attention"}


def _function(way: str, kind: str) -> str:
    return f"{way}_{kind}_attention"


FUNCTIONS = tuple(_function(way, kind) for way in HELPERS for kind in KINDS)


def _helped(code: Code, way: str, name: str) -> Callable[..., object]:
    """The function that one of the six hands its arguments to, called as that is called."""
    causal = "causal" in name
    if way == "flash":
        # It is given, and calls `tiled_attention` unless a GPU has a kernel for that.
        return lambda query, key, value, num_heads, head_dim, *lengths: code[18].flash_attention(
            query, key, value, num_heads, head_dim, causal, *lengths
        )
    helper = getattr(code[18], HELPERS[way])
    return lambda query, key, value, num_heads, head_dim, mask=None: helper(
        query, key, value, num_heads, head_dim, mask, causal
    )


def _subject(way: str, dtype: str, results: Sequence[str], *, part: str) -> Subject:
    """Some functions, called with the same arguments; a result is named by its function, and by how it is called.

    Args:
        way: which of the three.
        dtype: of queries, keys, values and results.
        results: names of the six functions, perhaps with `NO_MASK` behind.
        part: one of the six, which is then called itself; or the function that does its work.
    """
    n_embd, packed = NUM_HEADS * HEAD_DIM, way == "flash"
    dims = ("total_seq_len", n_embd) if packed else ("batch", "seq_len", n_embd)
    rest = (
        {"cu_seqlens": TensorSpec("uint32", ("num_offsets",)), "max_seqlen": TensorSpec("uint32", (1,), on_host=True)}
        if packed
        else {"mask": TensorSpec("bool", ("batch", "seq_len"))}
    )

    def build(code: Code) -> Callable[..., object]:
        from max.dtype import DType

        functions = {
            name: getattr(code[18], part) if part in FUNCTIONS else _helped(code, way, name) for name in results
        }

        def call(query: "Tensor", key: "Tensor", value: "Tensor", *rest: "Tensor") -> object:
            # NumPy has no bfloat16, so that the numbers come as float32.
            inputs = [x.cast(DType[dtype]) for x in (query, key, value)]
            given = {name: () if name.endswith(NO_MASK) else rest for name in results}
            returned = tuple(functions[name](*inputs, NUM_HEADS, HEAD_DIM, *given[name]) for name in results)
            return returned if len(results) > 1 else returned[0]

        return call

    kinds = [kind for kind in KINDS if all(_function(way, kind) in name for name in results)]
    without = NO_MASK if all(name.endswith(NO_MASK) for name in results) else ""
    called = part if part in FUNCTIONS else ", ".join([part, *kinds])
    return Subject(
        name=f"{called}{without}, {dtype}",
        build=build,
        inputs=dict.fromkeys(("query", "key", "value"), TensorSpec("float32", dims)) | rest,
        outputs=dict.fromkeys(results, TensorSpec(dtype, dims)),
        settings={"way": way, "num_heads": NUM_HEADS, "head_dim": HEAD_DIM, "dtype": dtype},
        part=part,
    )


def _both(way: str, *calls: str) -> tuple[str, ...]:
    return tuple(f"{_function(way, kind)}{call}" for call in calls for kind in KINDS)


def _helpers(way: str, dtype: str, *groups: Sequence[str]) -> tuple[Subject, ...]:
    return tuple(_subject(way, dtype, group, part=HELPERS[way]) for group in groups)


(EAGER,) = _helpers("eager", "float32", _both("eager", "", NO_MASK))
MASKED = _helpers("sdpa", "float32", *([name] for name in _both("sdpa", "")))
UNMASKED = _helpers("sdpa", "float32", *([name] for name in _both("sdpa", NO_MASK)))
(FLASH,) = _helpers("flash", "float32", _both("flash", ""))
BFLOAT16 = (
    *_helpers("eager", "bfloat16", _both("eager", "")),
    *_helpers("sdpa", "bfloat16", *([name] for name in _both("sdpa", ""))),
    *_helpers("flash", "bfloat16", _both("flash", "")),
)
# The six themselves. Each has graphs of its own, so that MAX finds its kernel in each.
SIX = tuple(
    _subject(way, "float32", results, part=_function(way, kind))
    for way in HELPERS
    for kind in KINDS
    for results in {
        "eager": [[_function(way, kind), _function(way, kind) + NO_MASK]],
        "sdpa": [[_function(way, kind)], [_function(way, kind) + NO_MASK]],
        "flash": [[_function(way, kind)]],
    }[way]
)

_PADDED, _PACKED = ("batch", "seq_len"), ("total_seq_len",)
_MERGED = (NUM_HEADS * HEAD_DIM,)


def _in_heads(dims: tuple[str, ...]) -> TensorSpec:
    return TensorSpec("float32", (*dims[:-1], NUM_HEADS, dims[-1], HEAD_DIM))


def _split(code: Code) -> Callable[..., object]:
    from max.dtype import DType

    def call(padded: "Tensor", packed: "Tensor") -> tuple[object, object]:
        split = code[18].split_heads
        return split(padded, NUM_HEADS, HEAD_DIM), split(packed.cast(DType.bfloat16), NUM_HEADS, HEAD_DIM)

    return call


def _merge(code: Code) -> Callable[..., object]:
    from max.dtype import DType

    def call(padded: "Tensor", packed: "Tensor") -> tuple[object, object]:
        return code[18].merge_heads(padded, DType.float32), code[18].merge_heads(packed, DType.bfloat16)

    return call


SPLIT = Subject(
    name="split_heads",
    build=_split,
    inputs={"padded": TensorSpec("float32", _PADDED + _MERGED), "packed": TensorSpec("float32", _PACKED + _MERGED)},
    outputs={"float32 heads": _in_heads(_PADDED), "heads of bfloat16": _in_heads(_PACKED)},
    settings={"way": "heads"},
    part="split_heads",
)
MERGE = Subject(
    name="merge_heads",
    build=_merge,
    inputs={"padded": _in_heads(_PADDED), "packed": _in_heads(_PACKED)},
    outputs={
        "float32": TensorSpec("float32", _PADDED + _MERGED),
        "bfloat16": TensorSpec("bfloat16", _PACKED + _MERGED),
    },
    settings={"way": "heads"},
    part="merge_heads",
)
RANGE = Subject(
    name="visible_range",
    build=lambda code: lambda *given: (*code[18].visible_range(*given, False), *code[18].visible_range(*given, True)),
    inputs={"cu_seqlens": TensorSpec("int64", ("num_offsets",)), "rows": TensorSpec("int64", ("tokens",))},
    outputs={f"{which} key, {kind}": TensorSpec("int64", ("tokens",)) for kind in KINDS for which in ("first", "last")},
    settings={"way": "flash"},
    part="visible_range",
)
_STATE = {
    "running_max": TensorSpec("float32", (NUM_HEADS, "queries", 1)),
    "running_sum": TensorSpec("float32", (NUM_HEADS, "queries", 1)),
    "accumulator": TensorSpec("float32", (NUM_HEADS, "queries", HEAD_DIM)),
}
ONLINE = Subject(
    name="online_softmax_step",
    build=lambda code: code[18].online_softmax_step,
    inputs={
        "scores": TensorSpec("float32", (NUM_HEADS, "queries", "keys")),
        "values": TensorSpec("float32", (NUM_HEADS, "keys", HEAD_DIM)),
        **_STATE,
    },
    outputs=_STATE,
    settings={"way": "flash"},
    part="online_softmax_step",
)


def _three_ways(num_heads: int, head_dim: int) -> Subject:
    """One text with the causal attention of each kind. The tiles are gone through by themselves, on a GPU too."""
    names = ("eager_causal_attention", "sdpa_causal_attention", "tiled_attention")
    dims = (1, "seq_len", num_heads * head_dim)

    def build(code: Code) -> Callable[..., object]:
        def call(
            query: "Tensor", key: "Tensor", value: "Tensor", mask: "Tensor", cu_seqlens: "Tensor"
        ) -> tuple[object, ...]:
            eager, fused, tiled = (getattr(code[18], name) for name in names)
            padded, packed = (query, key, value), (x.squeeze(0) for x in (query, key, value))
            return (
                *(attention(*padded, num_heads, head_dim, mask) for attention in (eager, fused)),
                tiled(*packed, num_heads, head_dim, cu_seqlens, True),
            )

        return call

    results = [TensorSpec("float32", dims)] * 2 + [TensorSpec("float32", dims[1:])]
    return Subject(
        name=f"num_heads={num_heads}, head_dim={head_dim}",
        build=build,
        inputs={
            **dict.fromkeys(("query", "key", "value"), TensorSpec("float32", dims)),
            "mask": TensorSpec("bool", (1, "seq_len")),
            "cu_seqlens": TensorSpec("uint32", (2,)),
        },
        outputs=dict(zip(names, results, strict=True)),
        settings={"way": "three", "num_heads": num_heads, "head_dim": head_dim, "n_embd": num_heads * head_dim},
    )


ON_TEXT = _three_ways(SHIPPED["n_head"], SHIPPED["n_embd"] // SHIPPED["n_head"])


def _inputs(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws a case. The numbers are multiples of 1/8, so that the file with them is small."""
    rng = np.random.default_rng(case.seed)
    shape = subject.inputs["query"].shape(case.dims)
    query, key, value = (np.round(8 * rng.normal(size=shape)).astype(np.float32) / 8 for _ in range(3))
    lengths = {name: np.asarray(array, subject.inputs[name].dtype) for name, array in case.inputs.items()}
    return {}, {"query": case.scale * query, "key": case.scale * key, "value": value, **lengths}


class _Special(TypedDict, total=False):
    """What may be special about a case; see `Case`."""

    note: str
    scale: float
    tolerance: float


def _eighths(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws multiples of 1/8, which bfloat16 has too."""
    _, inputs = random_numbers.case(subject, replace(case, given=None))
    return {}, {name: np.round(8 * array).astype(np.float32) / 8 for name, array in inputs.items()}


def _unfinished(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws a tile of scores, some hidden, and a softmax that has seen other keys, or none yet."""
    rng = np.random.default_rng(case.seed)
    queries, keys, seen = case.dims["queries"], case.dims["keys"], case.dims["seen"]
    scores = 2 * rng.normal(size=(NUM_HEADS, queries, keys))
    hidden = rng.random(scores.shape) < 1 / 3
    hidden[:, 0] = True  # a query that sees nothing of this tile
    before = 2 * rng.normal(size=(NUM_HEADS, queries, seen))
    running_max = before.max(-1, keepdims=True) if seen else np.full((NUM_HEADS, queries, 1), LOWEST)
    weights = np.exp(before - running_max)
    given = {
        "scores": np.where(hidden, -np.inf, scores),
        "values": rng.normal(size=(NUM_HEADS, keys, HEAD_DIM)),
        "running_max": running_max,
        "running_sum": weights.sum(-1, keepdims=True),
        "accumulator": weights @ rng.normal(size=(NUM_HEADS, seen, HEAD_DIM)),
    }
    return {}, {name: array.astype(np.float32) for name, array in given.items()}


def _tokens_of(lengths: Sequence[int], rows: Sequence[int], *, seed: int, note: str = "") -> Case:
    """A case of tokens in sequences with these lengths."""
    offsets = [0, *itertools.accumulate(lengths)]
    dims = {"num_seqs": len(lengths), "tokens": len(rows)}
    inputs = {"cu_seqlens": offsets, "rows": rows}
    return Case(RANGE.name, dims, seed=seed, note=note, inputs=inputs, redrawn=False)


LOWEST = -1e30  # as in the skeleton


def _padded(subject: Subject, rows: Sequence[str], *, seed: int, **more: Unpack[_Special]) -> Case:
    """A case of texts that are given by their masks, such as "##.": two tokens and padding."""
    mask = [[place == "#" for place in row] for row in rows]
    assert len({len(row) for row in rows}) == 1
    dims = {"batch": len(rows), "seq_len": len(rows[0])}
    return Case(subject.name, dims, seed=seed, inputs={"mask": mask}, given=_inputs, **more)


def _packed(subject: Subject, lengths: Sequence[int], *, seed: int, **more: Unpack[_Special]) -> Case:
    """A case of sequences with these lengths."""
    offsets = [0, *itertools.accumulate(lengths)]
    dims = {"total_seq_len": offsets[-1], "num_seqs": len(lengths)}
    inputs = {"cu_seqlens": offsets, "max_seqlen": [max(lengths)]}
    return Case(subject.name, dims, seed=seed, inputs=inputs, given=_inputs, **more)


# Scores of 1e5: 300 * 300 * a typical product of 2.2, divided by the root of 5. Float32 knows them to a hundredth.
LARGE: _Special = {"scale": 300.0, "note": "logits of 1e5", "tolerance": 1e-4}
ROUGH: _Special = {"tolerance": 6e-3}


def _cases_with_mask(subject: Subject) -> list[Case]:
    return [
        _padded(subject, ["#####", "###..", "..###"], seed=1, note="padding before and after"),
        _padded(subject, ["#######", ".......", ".#.##.#"], seed=2, note="a row of padding, and holes"),
        _padded(subject, ["#", "."], seed=3, note="one token"),
        _padded(subject, ["######", "..####"], seed=4, **LARGE),
    ]


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 18 in NumPy. `mistake` says in which `ways` and `kinds` a mistake is made, and which."""
    settings = subject.settings
    ways = mistake.pop("ways", ())
    mistaken = settings["way"] in ways
    kinds = mistake.pop("kinds", KINDS)
    if subject in (SPLIT, MERGE):
        # The heads are the same for all: a mistake in them is one in every attention.
        return _heads_in_numpy(subject, inputs, mistake if ways == EVERYWHERE else {})
    if subject in (RANGE, ONLINE):
        mistake = mistake if mistaken else {}
        return _range_in_numpy(inputs, kinds, mistake) if subject is RANGE else _online_in_numpy(inputs, mistake)
    if subject is ON_TEXT:
        query, key, value, mask, cu_seqlens = inputs.values()
        settings = {"num_heads": settings["num_heads"], "causal": True}
        whole = numpy_six.padded(query, key, value, mask, **settings)
        tiled = numpy_six.packed(query[0], key[0], value[0], cu_seqlens, **settings)
        return dict(zip(subject.outputs, (whole, whole, tiled), strict=True))
    given = dict(inputs)
    if settings["dtype"] == "bfloat16":
        given |= {name: numpy_six.to_bfloat16(given[name]) for name in ("query", "key", "value")}
    query, key, value = (given[name] for name in ("query", "key", "value"))
    outputs = {}
    for name in subject.outputs:
        causal = "causal" in name
        more = {"num_heads": settings["num_heads"], "causal": causal}
        if mistaken and KINDS[causal] in kinds:
            more |= mistake
        if settings["way"] == "flash":
            outputs[name] = numpy_six.packed(query, key, value, given["cu_seqlens"], **more)
        else:
            mask = None if name.endswith(NO_MASK) else given["mask"]
            outputs[name] = numpy_six.padded(query, key, value, mask, **more)
    return outputs


def _heads_in_numpy(subject: Subject, inputs: Arrays, mistake: Mapping[str, str]) -> Arrays:
    way = mistake.get("heads" if subject is SPLIT else "merge", "transposed")
    outputs = {}
    for name, (given, array) in zip(subject.outputs, inputs.items(), strict=True):
        batch = array if given == "padded" else array[None]
        heads = (
            numpy_gpt2.split_heads(batch, NUM_HEADS, way=way)
            if subject is SPLIT
            else numpy_gpt2.merge_heads(batch, way=way)
        )
        outputs[name] = heads if given == "padded" else heads[0]
    return outputs


def _range_in_numpy(inputs: Arrays, kinds: Sequence[str], mistake: Mapping[str, str]) -> Arrays:
    outputs = {}
    for kind in KINDS:
        chosen = {name: mistake[name] for name in ("sequences", "sees") if name in mistake and kind in kinds}
        first, last = numpy_six.visible_range(inputs["cu_seqlens"], inputs["rows"], causal=kind == "causal", **chosen)
        outputs |= {f"first key, {kind}": first, f"last key, {kind}": last}
    return outputs


def _online_in_numpy(inputs: Arrays, mistake: Mapping[str, str]) -> Arrays:
    chosen: dict[str, Any] = {name: mistake[name] for name in ("sum_of", "accumulator_of") if name in mistake}
    state = numpy_six.online_softmax_step(**inputs, **chosen)
    return dict(zip(_STATE, state, strict=True))


# --- expectations of the graphs ---------------------------------------------------------------


def _other_padding(graphs: RunnableSubjects, *subjects: Subject) -> list[str]:
    """The functions that give real tokens other numbers when the padding has other content."""
    changed = []
    for subject in subjects:
        case = next(case for case in CHECK.cases if case.subject == subject.name)
        _, inputs = random_numbers.case(subject, case)
        padding = ~inputs["mask"][..., None]
        noise = 50 * np.random.default_rng(0).normal(size=inputs["query"].shape).astype(np.float32)
        other = {**inputs, **{name: np.where(padding, noise, inputs[name]) for name in ("query", "key", "value")}}
        results = [graphs[subject.name]({}, *given.values()) for given in (inputs, other)]
        for name, before, after in zip(subject.outputs, *results, strict=True):
            if not name.endswith(NO_MASK) and not np.array_equal(before[inputs["mask"]], after[inputs["mask"]]):
                changed.append(name)
    return changed


def _more_padding(graphs: RunnableSubjects, *subjects: Subject) -> list[str]:
    """The functions that give a text other numbers when there is padding around it."""
    changed = []
    for subject in subjects:
        _, inputs = random_numbers.case(subject, _padded(subject, ["####"], seed=11))
        around = {name: np.pad(inputs[name], ((0, 0), (2, 3), (0, 0))) for name in ("query", "key", "value")}
        around["mask"] = np.pad(inputs["mask"], ((0, 0), (2, 3)))
        results = [graphs[subject.name]({}, *given.values()) for given in (inputs, around)]
        for name, alone, padded in zip(subject.outputs, *results, strict=True):
            if not name.endswith(NO_MASK) and not np.allclose(alone, padded[:, 2:-3], rtol=0, atol=1e-5):
                changed.append(name)
    return changed


def _in_company(code: Code, graphs: RunnableSubjects) -> str:
    """Whether sequences get the numbers that they get alone."""
    run = graphs[FLASH.name]
    lengths = [4, 1, 270, 9]
    inputs = random_numbers.case(FLASH, _packed(FLASH, lengths, seed=12))[1]
    together = run({}, *inputs.values())
    for (start, end), length in zip(itertools.pairwise(inputs["cu_seqlens"]), lengths, strict=True):
        alone = [inputs[name][start:end] for name in ("query", "key", "value")]
        results = run({}, *alone, np.array([0, length], np.uint32), np.array([length], np.uint32))
        for name, one, many in zip(FLASH.outputs, results, together, strict=True):
            if not np.allclose(one, many[start:end], rtol=0, atol=1e-5):
                return f"others in {name}, for the sequence of {length}"
    return SAME


# --- mistakes ---------------------------------------------------------------------------------

PADDED, EVERYWHERE = ("eager", "sdpa"), ("eager", "sdpa", "flash")
NAMES = {("eager",): "eager", ("sdpa",): "fused", ("flash",): "flash", PADDED: "eager and fused", EVERYWHERE: "every"}

# What may be wrong in one of the three, in the two that are padded, or in all: name, advice, mistake.
_IN_EACH = (
    (
        "without the 1/sqrt(head_dim) scale",
        "Divide the scores, or the queries, by sqrt(head_dim).",
        {"scale": "none"},
    ),
    (
        "divided by head_dim instead of its square root",
        "Take the square root: divide by sqrt(head_dim).",
        {"scale": "1/head_dim"},
    ),
    (
        "scaled by the square root of num_heads * head_dim",
        "Each head compares vectors of head_dim numbers: divide by sqrt(head_dim).",
        {"scale": "1/sqrt(n_embd)"},
    ),
    (
        "with interleaved heads",
        "Head 0 owns the first head_dim entries, head 1 the next: reshape to (…, num_heads, head_dim), in this order.",
        {"heads": "interleaved", "merge": "interleaved"},
    ),
    (
        "with the heads merged without the transpose",
        "In `merge_heads`, move the token axis back in front of the heads, then reshape.",
        {"merge": "reshaped"},
    ),
)
_IN_PADDED = (
    (
        "with the mask inverted",
        "The mask is True where a token takes part: hide where it is False.",
        {"padding": "inverted"},
    ),
    (
        "that sees padding",
        "Hide the keys for which the mask is False: give the mask the shape (batch, 1, 1, seq_len) first.",
        {"padding": "visible"},
    ),
    (
        "with the mask on the queries in place of the keys",
        "Scores are (…, queries, keys), and padding must not be seen: the mask belongs to the last axis.",
        {"padding": "queries"},
    ),
    (
        "with the mask on the queries too",
        "Only keys are hidden: what padding itself gets does no harm, and is what PyTorch gives it.",
        {"padding": "both"},
    ),
    (
        "with weights set to 0 after the softmax",
        "Hide scores before the softmax, so that the weights that remain still sum to 1.",
        {"masking": "after the softmax"},
    ),
    (
        "that gives NaN to a token that sees nothing",
        "Its result must be zeros. Where all weights are 0, so is their sum, and 0 / 0 is NaN; -inf - -inf is, too.",
        {"nothing": "nan"},
    ),
    (
        "that gives the average of all values to a token that sees nothing",
        "Its result must be zeros. If all scores are the same low number, the softmax makes equal weights of them: set "
        "the result to 0 where nothing is visible.",
        {"nothing": "mean"},
    ),
    (
        "that hides with -1e4",
        "Real scores may be lower than that. Hide with -inf, or with -1e30.",
        {"hidden": -1e4},
    ),
    (
        "that hides with -1e4",
        "Real scores may be lower than that. Hide with -inf, or with -1e30, and set the result to 0 where nothing is "
        "visible.",
        {"hidden": -1e4, "nothing": "as it comes"},
    ),
)
_IN_CAUSAL = (
    ("that sees the future", "Hide the keys that come after the query's own.", {"sees": "everything"}),
    (
        "with the diagonal hidden too",
        "Off by one: a token may look at itself.",
        {"sees": "up to the one before"},
    ),
    (
        "off by one: each token sees the next",
        "The last key that a token may see is its own.",
        {"sees": "up to the next"},
    ),
)


def _shared_mistakes() -> list[Mistake]:
    made = []
    for ways in (("eager",), ("sdpa",), PADDED, ("flash",), EVERYWHERE):
        for name, advice, mistake in _IN_EACH:
            made.append(Mistake(f"{NAMES[ways]} attention {name}", advice, {"ways": ways} | mistake))
    for ways in (("eager",), ("sdpa",), PADDED):
        for name, advice, mistake in _IN_PADDED:
            made.append(Mistake(f"{NAMES[ways]} attention {name}", advice, {"ways": ways} | mistake))
    for ways in (("eager",), ("sdpa",), ("flash",), EVERYWHERE):
        for name, advice, mistake in _IN_CAUSAL:
            causal = {"ways": ways, "kinds": ("causal",)} | mistake
            made.append(Mistake(f"{NAMES[ways]} causal attention {name}", advice, causal))
    for way in EVERYWHERE:
        made.append(
            Mistake(
                f"{NAMES[way,]} bidirectional attention that hides later tokens",
                "Only the causal function hides them: pass `causal=False`.",
                {"ways": (way,), "kinds": ("bidirectional",), "causal": True},
            )
        )
    return made


_LOST = (
    "If you do add a table: MAX 26.7 misreads one that is made of a row and a column, by comparing or adding them, "
    "inside its kernel. Make the table with `F.band_part`."
)
_EAGER_ALONE = (
    Mistake(
        "eager attention whose weights do not sum to 1",
        "Divide by the sum of the weights.",
        {"ways": ("eager",), "normalised": False},
    ),
    Mistake(
        "eager attention that does not subtract the largest score",
        "exp of a score of 1e5 is beyond every number. Subtract the largest score of each query first.",
        {"ways": ("eager",), "shifted": False},
    ),
)
_SDPA_ALONE = (
    Mistake(
        "fused attention that hides with -inf",
        "MAX's kernel takes the keys in tiles of 128. Where a query sees nothing of its first tiles, their maximum is "
        "-inf, and -inf - -inf is NaN. Hide with -1e30, and set the result to 0 where nothing is visible.",
        {"ways": ("sdpa",), "nothing": "nan, by tiles"},
    ),
    Mistake(
        "fused attention in which 0 meets -inf",
        "0 * -inf is NaN. MAX 26.7 makes such a product of `F.where(mask, scores, -inf)` too, to fit its kernel. Add a "
        "table of 0 and -1e30 to the scores instead.",
        {"ways": ("sdpa",), "table": "a product"},
    ),
    Mistake(
        "fused causal attention that sees the future if there is a mask",
        _LOST,
        {"ways": ("sdpa",), "sees": "everything with a mask"},
    ),
    Mistake(
        "fused causal attention that hides neither the future nor padding",
        _LOST,
        {"ways": ("sdpa",), "kinds": ("causal",), "table": "lost"},
    ),
    Mistake(
        "fused causal attention that hides neither the future nor padding if there is a mask",
        _LOST,
        {"ways": ("sdpa",), "kinds": ("causal",), "table": "lost with a mask"},
    ),
)
_FLASH_ALONE = (
    Mistake(
        "flash attention in which the sequences see each other",
        "A token sees the keys from the first of its own sequence to the last. `cu_seqlens` says where these are.",
        {"ways": ("flash",), "sequences": "together"},
    ),
    Mistake(
        "flash attention that is causal from the first token of all, and not from that of the sequence",
        "A causal token sees the keys from the first of its own sequence on, not those of earlier sequences.",
        {"ways": ("flash",), "sequences": "together if causal"},
    ),
    Mistake(
        "flash attention in which a sequence sees the first token of the next",
        "`cu_seqlens[i + 1]` is where the next sequence begins: the last key is one before.",
        {"ways": ("flash",), "sequences": "one too far"},
    ),
    Mistake(
        "flash attention that does not correct its running sum",
        "The old weights were made with the old maximum: multiply their sum by exp(old maximum - new maximum).",
        {"ways": ("flash",), "sum_of": "uncorrected"},
    ),
    Mistake(
        "flash attention that does not correct what is blended so far",
        "The old weights were made with the old maximum: multiply what they blended by exp(old maximum - new maximum).",
        {"ways": ("flash",), "accumulator_of": "uncorrected"},
    ),
    Mistake(
        "flash attention that corrects nothing for a new maximum",
        "Multiply the sum and the blended values so far by exp(old maximum - new maximum), then add the tile's.",
        {"ways": ("flash",), "sum_of": "uncorrected", "accumulator_of": "uncorrected"},
    ),
    Mistake(
        "flash attention that forgets the tiles before the last",
        "Add the tile's sum and its blended values to what there is already.",
        {"ways": ("flash",), "sum_of": "last tile", "accumulator_of": "last tile"},
    ),
    Mistake(
        "flash attention whose sum forgets the tiles before the last",
        "Add the tile's sum to what there is already.",
        {"ways": ("flash",), "sum_of": "last tile"},
    ),
    Mistake(
        "flash attention without its last tile of keys",
        "The last tile is rarely full: of n keys, there are (n - 1) // TILE + 1 tiles.",
        {"ways": ("flash",), "tiles": "without the last"},
    ),
    Mistake(
        "flash attention whose running maximum starts at 0",
        "If all scores are far below 0, all weights become 0. Start below every score: at LOWEST.",
        {"ways": ("flash",), "start": 0.0},
    ),
    Mistake(
        "flash attention whose weights do not sum to 1",
        "When all tiles are in, divide by the running sum.",
        {"ways": ("flash",), "divided": False},
    ),
)

_HIDDEN = "Not a single bit may change: a hidden key has a weight of exactly 0."

CHECK = Check(
    names=(
        "split_heads",
        "merge_heads",
        "eager_attention",
        "fused_attention",
        "visible_range",
        "online_softmax_step",
        "tiled_attention",
        *FUNCTIONS,
    ),
    subjects=(SPLIT, MERGE, EAGER, *MASKED, *UNMASKED, RANGE, ONLINE, FLASH, *BFLOAT16, *SIX),
    cases=(
        *(
            Case(subject.name, {"batch": 2, "seq_len": 4, "total_seq_len": 5}, seed=41, given=_eighths)
            for subject in (SPLIT, MERGE)
        ),
        _tokens_of([2, 3, 4], range(9), seed=42),
        _tokens_of([3, 0, 5], [7, 2, 3, 7], seed=43, note="an empty sequence"),
        *(
            Case(ONLINE.name, {"queries": 4, "keys": 6, "seen": seen}, seed=44, note=note, given=_unfinished)
            for seen, note in ((5, ""), (0, "the first tile"))
        ),
        *(case for subject in (EAGER, *MASKED) for case in _cases_with_mask(subject)),
        *(
            _padded(subject, ["." * 140 + "#" * 6], seed=5, note="padding before, longer than a tile")
            for subject in MASKED
        ),
        *(_padded(subject, ["#####"] * 2, seed=6) for subject in UNMASKED),
        *(_padded(subject, ["#" * 6], seed=7, **LARGE) for subject in UNMASKED),
        _packed(FLASH, [2, 3, 4], seed=21),
        _packed(FLASH, [1], seed=22, note="one token"),
        _packed(FLASH, [3, 0, 5], seed=23, note="an empty sequence"),
        _packed(FLASH, [5, 8], seed=24, **LARGE),
        _packed(FLASH, [2, 300, 1, 30], seed=25, note="more than one tile"),
        *(_padded(subject, ["#######", "..###.."], seed=31, **ROUGH) for subject in BFLOAT16[:-1]),
        _packed(BFLOAT16[-1], [6, 1, 11], seed=32, **ROUGH),
        *(
            _packed(subject, [2, 3], seed=51) if subject.settings["way"] == "flash" else _padded(subject, rows, seed=51)
            for subject in SIX
            for rows in [["####"] if subject.name.partition(",")[0].endswith(NO_MASK) else ["####", ".##."]]
        ),
    ),
    expectations=(
        Expectation(
            "the functions in which other numbers in the padding change what real tokens get",
            lambda code, graphs: _other_padding(graphs, EAGER),
            [],
            needs=(EAGER.name,),
            advice=_HIDDEN,
            part="eager_attention",
            of_graphs=True,
        ),
        Expectation(
            "the functions in which padding around a text changes its numbers",
            lambda code, graphs: _more_padding(graphs, EAGER),
            [],
            needs=(EAGER.name,),
            part="eager_attention",
            of_graphs=True,
        ),
        Expectation(
            "the functions in which other numbers in the padding change what real tokens get",
            lambda code, graphs: _other_padding(graphs, *MASKED),
            [],
            needs=tuple(subject.name for subject in MASKED),
            advice=_HIDDEN,
            part="fused_attention",
            of_graphs=True,
        ),
        Expectation(
            "the functions in which padding around a text changes its numbers",
            lambda code, graphs: _more_padding(graphs, *MASKED),
            [],
            needs=tuple(subject.name for subject in MASKED),
            part="fused_attention",
            of_graphs=True,
        ),
        Expectation(
            "each sequence gives the numbers that it gives alone",
            _in_company,
            SAME,
            needs=(FLASH.name,),
            advice="A token sees the keys of its own sequence, and none of its neighbours'.",
            part="tiled_attention",
            of_graphs=True,
        ),
    ),
    on_text=ON_TEXT,
    numpy_model=numpy_model,
    compiler_fault="The attention kernel of MAX 26.7.0 for a CPU has two known faults. It takes the keys in tiles of "
    "128, and gives NaN where a whole tile is hidden with -inf: hide with -1e30, and set the result to 0 where nothing "
    "is visible. And it misreads a table that is made of a row and a column, by comparing or adding them: make the "
    "table with `F.band_part`.",
    mistakes=(*_shared_mistakes(), *_EAGER_ALONE, *_SDPA_ALONE, *_FLASH_ALONE),
    explain={
        "does not dominate": "The body of an inner loop cannot read what was made outside of the outer loop. Pass it "
        "through the state of the outer loop, or make it in the outer loop's body.",
    },
)
