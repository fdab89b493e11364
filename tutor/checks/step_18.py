"""The check of step 18: six attentions.

The fused attentions have a graph for each function and each way to call it: MAX finds its
kernel by a pattern, and would not find it if two functions shared their scores.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Case, Check, Code, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.numpy import six_attentions as numpy_six
from tutor.graphs.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

KINDS = ("bidirectional", "causal")
NO_MASK = " without mask"
SAME = "the same numbers"


def _function(way: str, kind: str) -> str:
    return f"{way}_{kind}_attention"


FUNCTIONS = tuple(_function(way, kind) for way in ("eager", "sdpa", "flash") for kind in KINDS)


def _subject(way: str, dtype: str, num_heads: int, head_dim: int, results: Sequence[str]) -> Subject:
    """Some functions, called with the same arguments; a result is named by its function, and by how it is called."""
    n_embd, packed = num_heads * head_dim, way == "flash"
    dims = ("total_seq_len", n_embd) if packed else ("batch", "seq_len", n_embd)
    rest = (
        {"cu_seqlens": TensorSpec("uint32", ("num_offsets",)), "max_seqlen": TensorSpec("uint32", (1,), on_host=True)}
        if packed
        else {"mask": TensorSpec("bool", ("batch", "seq_len"))}
    )

    def build(code: Code) -> Callable[..., object]:
        from max.dtype import DType

        functions = {name: getattr(code[18], name.removesuffix(NO_MASK)) for name in results}

        def call(query: "Tensor", key: "Tensor", value: "Tensor", *rest: "Tensor") -> object:
            # NumPy has no bfloat16, so that the numbers come as float32.
            inputs = [x.cast(DType[dtype]) for x in (query, key, value)]
            given = {name: () if name.endswith(NO_MASK) else rest for name in results}
            returned = tuple(functions[name](*inputs, num_heads, head_dim, *given[name]) for name in results)
            return returned if len(results) > 1 else returned[0]

        return call

    called = results[0] if len(results) == 1 else _function(way, "*")
    return Subject(
        name=f"{called}, num_heads={num_heads}, head_dim={head_dim}, {dtype}",
        build=build,
        inputs=dict.fromkeys(("query", "key", "value"), TensorSpec("float32", dims)) | rest,
        outputs=dict.fromkeys(results, TensorSpec(dtype, dims)),
        settings={"way": way, "num_heads": num_heads, "head_dim": head_dim, "dtype": dtype},
    )


def _both(way: str, *calls: str) -> tuple[str, ...]:
    return tuple(f"{_function(way, kind)}{call}" for call in calls for kind in KINDS)


EAGER = _subject("eager", "float32", 3, 5, _both("eager", "", NO_MASK))
MASKED = tuple(_subject("sdpa", "float32", 3, 5, [name]) for name in _both("sdpa", ""))
UNMASKED = tuple(_subject("sdpa", "float32", 3, 5, [name]) for name in _both("sdpa", NO_MASK))
FLASH = _subject("flash", "float32", 3, 5, _both("flash", ""))
BFLOAT16 = (
    _subject("eager", "bfloat16", 3, 5, _both("eager", "")),
    *(_subject("sdpa", "bfloat16", 3, 5, [name]) for name in _both("sdpa", "")),
    _subject("flash", "bfloat16", 3, 5, _both("flash", "")),
)


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
    mistaken = settings["way"] in mistake.pop("ways", ())
    kinds = mistake.pop("kinds", KINDS)
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


# --- facts ------------------------------------------------------------------------------------


def _other_padding(code: Code, executables: RunnableSubjects) -> list[str]:
    """Which functions give real tokens other numbers when the padding has other content."""
    changed = []
    for subject in (EAGER, *MASKED):
        case = next(case for case in CHECK.cases if case.subject == subject.name)
        _, inputs = random_numbers.case(subject, case)
        padding = ~inputs["mask"][..., None]
        noise = 50 * np.random.default_rng(0).normal(size=inputs["query"].shape).astype(np.float32)
        other = {**inputs, **{name: np.where(padding, noise, inputs[name]) for name in ("query", "key", "value")}}
        results = [executables[subject.name]({}, *given.values()) for given in (inputs, other)]
        for name, before, after in zip(subject.outputs, *results, strict=True):
            if not name.endswith(NO_MASK) and not np.array_equal(before[inputs["mask"]], after[inputs["mask"]]):
                changed.append(name)
    return changed


def _more_padding(code: Code, executables: RunnableSubjects) -> list[str]:
    """Which functions give a text other numbers when there is padding around it."""
    changed = []
    for subject in (EAGER, *MASKED):
        _, inputs = random_numbers.case(subject, _padded(subject, ["####"], seed=11))
        around = {name: np.pad(inputs[name], ((0, 0), (2, 3), (0, 0))) for name in ("query", "key", "value")}
        around["mask"] = np.pad(inputs["mask"], ((0, 0), (2, 3)))
        results = [executables[subject.name]({}, *given.values()) for given in (inputs, around)]
        for name, alone, padded in zip(subject.outputs, *results, strict=True):
            if not name.endswith(NO_MASK) and not np.allclose(alone, padded[:, 2:-3], rtol=0, atol=1e-5):
                changed.append(name)
    return changed


def _in_company(code: Code, executables: RunnableSubjects) -> str:
    """Whether sequences get the numbers that they get alone."""
    run = executables[FLASH.name]
    lengths = [4, 1, 270, 9]
    _, inputs = random_numbers.case(FLASH, _packed(FLASH, lengths, seed=12))
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
        "divided by head_dim instead of its root",
        "Take the square root: divide by sqrt(head_dim).",
        {"scale": "1/head_dim"},
    ),
    (
        "scaled by the root of num_heads * head_dim",
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
        "In `merge_heads`, bring the tokens in front of the heads again, then reshape.",
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
        "Zeros are promised there. Where all weights are 0, so is their sum, and 0 / 0 is NaN; -inf - -inf is, too.",
        {"nothing": "nan"},
    ),
    (
        "that gives the average of all values to a token that sees nothing",
        "Zeros are promised there. If all scores are the same low number, the softmax makes equal weights of them: set "
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

CHECK = Check(
    names=FUNCTIONS,
    subjects=(EAGER, *MASKED, *UNMASKED, FLASH, *BFLOAT16),
    cases=(
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
    ),
    expectations=(
        Expectation(
            "padding with other content gives real tokens other numbers in",
            _other_padding,
            [],
            needs=(EAGER.name, *(subject.name for subject in MASKED)),
            advice="Not one bit may change: a hidden key has a weight of exactly 0.",
        ),
        Expectation(
            "padding around a text gives it other numbers in",
            _more_padding,
            [],
            needs=(EAGER.name, *(subject.name for subject in MASKED)),
        ),
        Expectation(
            "each sequence gives the numbers that it gives alone",
            _in_company,
            SAME,
            needs=(FLASH.name,),
            advice="A token sees the keys of its own sequence, and none of its neighbours'.",
        ),
    ),
    numpy_model=numpy_model,
    mistakes=(*_shared_mistakes(), *_EAGER_ALONE, *_SDPA_ALONE, *_FLASH_ALONE),
    explain={
        "does not dominate": "The body of an inner loop cannot read what was made outside of the outer loop. Hand it "
        "through the state of the outer loop, or make it in the outer loop's body.",
    },
)
