"""The check of step 16: the key-value cache.

The caches of the cases are full of random numbers from the start: those of the first `num_tokens` positions count, the
others must have no effect. Hugging Face's cache holds the same numbers. The loop runs a stand-in for the model, whose
logits are drawn for each check.
"""

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor import sizes
from tutor.checking import random_numbers, stored_numbers
from tutor.checking.spec import (
    Arrays,
    Case,
    Check,
    Code,
    Evaluate,
    Expectation,
    Mistake,
    RunnableSubjects,
    Subject,
    bind,
)
from tutor.checks.numpy import cache as numpy_cache
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared import cached_models, expectations
from tutor.checks.shared.cached_models import read_in_chunks, with_axis_named
from tutor.checks.shared.models import numpy_settings
from tutor.checks.shared.stand_ins import (
    CACHES,
    VOCAB_SIZE,
    CachedStandIn,
    Table,
    as_token,
    exchanged,
    row_of_logits,
    until,
)
from tutor.checks.shared.subjects import SHIPPED
from tutor.graphs.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

SAME = "the same logits"
TOO_MANY = "This is one token too many: go through the loop exactly `max_new_tokens` times."
SAME_TEXT = "the same tokens"
PREDICT, FORWARD = "CachedGPT2LMHeadModel.predict", "CachedGPT2LMHeadModel.forward"

# --- what is run ------------------------------------------------------------------------------

N_HEAD, N_POSITIONS, HEAD_DIM = 3, 7, 5
_NUM_TOKENS = TensorSpec("int64", (), on_host=True)
_HEADS = {name: TensorSpec("float32", ("batch", N_HEAD, name, HEAD_DIM)) for name in ("seq_len", "total_len")}


def _extend(code: Code) -> Callable[..., object]:
    return lambda *arguments: with_axis_named(code[16].extend(*arguments), 2, "total_len")


def _predict(code: Code) -> Callable[..., object]:
    """A model that hands what it is given to `predict`."""

    class Predicting(code[16].CachedGPT2LMHeadModel):
        def forward(
            self, input_ids: "Tensor", num_tokens: "Tensor", positions: "Tensor", mask: object, *caches: "Tensor"
        ) -> object:
            # The keys may have any name for their length, so the mask gets theirs.
            with contextlib.suppress(NotImplementedError):  # `predict` itself may not be filled in either
                keys = code[16].extend(caches[0], 0.0 * _heads_of(input_ids, caches[0]), num_tokens)
                mask = with_axis_named(mask, 1, str(keys.shape[2]))
            return self.predict(input_ids, num_tokens, positions, mask, caches)

    return Predicting(code[1].GPT2Config(**SMALL))


def _heads_of(input_ids: "Tensor", cache: "Tensor") -> "Tensor":
    """A tensor with the shape of new keys: (batch, n_head, seq_len, head_dim)."""
    from max.dtype import DType
    from max.experimental import functional as F

    batch, seq_len = input_ids.shape
    ones = input_ids.cast(DType.float32).reshape([batch, 1, seq_len, 1])
    return F.broadcast_to(ones, [batch, cache.shape[1], seq_len, cache.shape[3]])


SMALL = {"vocab_size": 23, "n_positions": 9, "n_embd": 12, "n_layer": 2, "n_head": 3}
PLAIN = cached_models.subject(16, "CachedGPT2LMHeadModel", "plain", cached_models.PLAIN, part=FORWARD)
ON_TEXT = cached_models.subject(16, "CachedGPT2LMHeadModel", "shipped", SHIPPED, part=FORWARD)
EXTEND = Subject(
    name="extend",
    build=_extend,
    inputs={
        "cache": TensorSpec("float32", ("batch", N_HEAD, N_POSITIONS, HEAD_DIM), buffer=True),
        "new": _HEADS["seq_len"],
        "num_tokens": _NUM_TOKENS,
    },
    outputs={"keys": _HEADS["total_len"]},
    part="extend",
)
ATTEND = Subject(
    name="attend",
    build=lambda code: code[16].attend,
    inputs={
        "query": _HEADS["seq_len"],
        "keys": _HEADS["total_len"],
        "values": _HEADS["total_len"],
        "mask": TensorSpec("float32", ("seq_len", "total_len")),
    },
    outputs={"y": _HEADS["seq_len"]},
    part="attend",
)
GIVEN = Subject(
    name="predict",
    build=_predict,
    inputs=cached_models.subject(
        16,
        "CachedGPT2LMHeadModel",
        "",
        SMALL,
        ("positions", TensorSpec("int64", ("seq_len",))),
        ("mask", TensorSpec("float32", ("seq_len", "total_len"))),
    ).inputs,
    outputs={"logits": TensorSpec("float32", ("batch", SMALL["vocab_size"]))},
    parameters=sizes.language_model(SMALL),
    settings=SMALL,
    part=PREDICT,
)


def _case(batch: int, seq_len: int, num_tokens: int, *, seed: int, note: str = "", subject: Subject = PLAIN) -> Case:
    dims = {"batch": batch, "seq_len": seq_len, "num_tokens": num_tokens, "total_len": num_tokens + seq_len}
    if subject is PLAIN:
        del dims["total_len"]
    return Case(subject.name, dims, seed=seed, note=note, given=None if subject in (PLAIN, EXTEND) else _with_mask)


def _with_mask(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws a case with a mask of its own, in which each query sees some keys, and positions in any order."""
    rng = np.random.default_rng([case.seed, 16])
    shape = case.dims["seq_len"], case.dims["total_len"]
    visible = rng.random(shape) < 1 / 2
    visible[:, 0] |= ~visible.any(-1)
    given: dict[str, np.ndarray] = {"mask": np.where(visible, 0.0, -np.inf).astype(np.float32)}
    if "positions" in subject.inputs:
        given["positions"] = rng.permutation(subject.settings["n_positions"])[: shape[0]]
    parameters = random_numbers.parameters(subject.parameters, seed=16)
    drawn = random_numbers.inputs(subject, replace(case, inputs=given))
    return parameters, drawn


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 16 in NumPy. A mistake is made in those of the functions that can make it."""
    if subject in (PLAIN, ON_TEXT):
        return cached_models.numpy_model(subject, parameters, inputs, **mistake)
    if subject is EXTEND:
        cache = inputs["cache"].copy()
        chosen = {name: mistake[name] for name in ("stored", "read") if name in mistake}
        keys = numpy_cache.extend(cache, inputs["new"], int(inputs["num_tokens"]), **chosen)
        return {"keys": keys, "cache": cache}
    if subject is ATTEND:
        attending: dict[str, Any] = {name: mistake[name] for name in ("scale", "masking", "order") if name in mistake}
        query, keys, values, mask = inputs.values()
        visible = None if mistake.get("mask_read") == "ignored" else mask == 0
        return {"y": numpy_gpt2.attend(query, keys, values, visible, **attending).output}
    caches = {name: array for name, array in inputs.items() if subject.inputs[name].buffer}
    settings = {**numpy_settings(subject.settings), **mistake}
    for name in ("positions", "sees"):  # they are given
        settings.pop(name, None)
    logits, after = numpy_cache.predict(
        inputs["input_ids"],
        int(inputs["num_tokens"]),
        inputs["positions"],
        inputs["mask"] == 0,
        list(caches.values()),
        parameters,
        **settings,
    )
    return {"logits": logits, **dict(zip(caches, after, strict=True))}


# --- expectations -----------------------------------------------------------------------------


def _chunks(_: Code, graphs: RunnableSubjects) -> str:
    run, n = graphs[PLAIN.name], 13
    parameters = cached_models.parameters_of(PLAIN, CHECK)
    rng = np.random.default_rng(16)
    ids = rng.integers(PLAIN.settings["vocab_size"], size=(2, n))
    whole = read_in_chunks(run, PLAIN, parameters, ids, [])
    splits = {"one token at a time": range(1, n), "two halves": [n // 2]}
    for number in range(3):
        splits[f"random pieces, number {number + 1}"] = sorted(rng.choice(np.arange(1, n), size=4, replace=False))
    for name, cuts in splits.items():
        if not np.allclose(read_in_chunks(run, PLAIN, parameters, ids, list(cuts)), whole, rtol=0, atol=1e-4):
            return f"other logits with {name}"
    return SAME


@dataclass(frozen=True)
class Numbers:
    """What is drawn for one check: the stand-in's table, and a prompt."""

    table: Table
    prompt: list[int]

    @property
    def chain(self) -> list[int]:
        """What follows the prompt: the third token is 0, which Python takes for nothing."""
        return self.table.chain(self.prompt[-1], 6)

    def calls(self, n_positions: int, max_new_tokens: int) -> list[tuple[list[int], int]]:
        """What the model must get in each call: the new tokens, and how many are in the caches."""
        text, made, new, num_tokens = list(self.prompt), self.table.chain(self.prompt[-1], max_new_tokens), [], 0
        calls = []
        for token in made:
            new = new or text
            if num_tokens + len(new) > n_positions:
                new, num_tokens = text[-max(1, n_positions // 2) :], 0
            calls.append((list(new), num_tokens))
            num_tokens += len(new)
            text, new = [*text, token], [token]
        return calls


@functools.cache
def numbers(seed: int) -> Numbers:
    """Draws until no two of the first tokens are equal: then the known mistakes can be told apart."""
    rng = np.random.default_rng([seed, 16])
    while True:
        table = Table.draw(rng)
        prompt: list[int] = rng.choice(VOCAB_SIZE, size=3, replace=False).tolist()
        third = table.chain(prompt[-1], 3)[-1]
        drawn = Numbers(table.exchanged(third, 0), exchanged(prompt, third, 0))
        if len({*drawn.prompt, *drawn.chain[:3]}) == 6 and drawn.chain[2] == 0:
            return drawn


def _cache_type(config: Mapping[str, int]) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> str:
        from max.driver import CPU
        from max.graph import DeviceRef

        type_ = code[16].cache_type(SimpleNamespace(**config), CPU())
        if not hasattr(type_, "shape"):
            return f"a {type(type_).__name__}"
        where = "on the device" if type_.device == DeviceRef.from_device(CPU()) else "elsewhere"
        return f"{type(type_).__name__} of {type_.dtype.name} ({', '.join(str(dim) for dim in type_.shape)}) {where}"

    return evaluate


def _generate(
    code: Code,
    model: CachedStandIn,
    prompt: list[int],
    choose: Callable[[np.ndarray], int] | None = None,
    /,
    **options: object,
) -> list[object]:
    settings = {"n_positions": 8, "max_new_tokens": 5} | options
    if choose is not None:
        settings["choose"] = lambda logits: choose(row_of_logits(logits))
    return [as_token(token) for token in code[16].generate_with_cache(model, CACHES, prompt, **settings)]


def _each_in_turn() -> Callable[[np.ndarray], int]:
    """Chooses 0, then 1, and so on, whatever the logits are."""
    tokens = iter(range(VOCAB_SIZE))
    return lambda logits: next(tokens)


def _tokens(given: Numbers, choose: Callable[[np.ndarray], int] | None = None, /, **options: object) -> Evaluate:
    return lambda code, _: _generate(code, CachedStandIn(given.table), list(given.prompt), choose, **options)


def _calls(given: Numbers, **options: object) -> Evaluate:
    """What the model gets in each call: the new tokens, and how many are in the caches."""

    def evaluate(code: Code, _: RunnableSubjects) -> list[tuple[list[int], int]]:
        model = CachedStandIn(given.table)
        _generate(code, model, list(given.prompt), **options)
        return [(ids[0].tolist(), num_tokens) for ids, num_tokens in zip(model.seen, model.num_tokens, strict=True)]

    return evaluate


def _calls_of_rooms(given: Numbers, rooms: Mapping[int, int]) -> Evaluate:
    """The calls for several n_positions; `rooms` are the numbers of new tokens for each."""

    def evaluate(code: Code, graphs: RunnableSubjects) -> list[object]:
        return [_calls(given, n_positions=n, max_new_tokens=count)(code, graphs) for n, count in rooms.items()]

    return evaluate


def _caches_passed_on(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> list[tuple[object, ...]]:
        model = CachedStandIn(given.table)
        _generate(code, model, list(given.prompt))
        return [tuple(caches) for caches in model.caches]

    return evaluate


def _lazily(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> int:
        model, prompt = CachedStandIn(given.table), list(given.prompt)
        next(iter(code[16].generate_with_cache(model, CACHES, prompt, n_positions=8, max_new_tokens=4)))
        return len(model.seen)

    return evaluate


def _prompt_afterwards(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> list[int]:
        prompt = list(given.prompt)
        _generate(code, CachedStandIn(given.table), prompt)
        return prompt

    return evaluate


def _continue(code: Code, graphs: RunnableSubjects) -> list[object]:
    stored, model = stored_numbers.load_arrays(16), graphs[PLAIN.name]
    tokens = code[16].generate_with_cache(
        bind(model, cached_models.parameters_of(PLAIN, CHECK)),
        cached_models.as_caches(cached_models.dirty_caches(PLAIN, 1, seed=1)),
        stored["prompt"].tolist(),
        n_positions=PLAIN.settings["n_positions"],
        max_new_tokens=len(stored["greedy"]),
    )
    return [as_token(token) for token in tokens]


@functools.cache
def drawn(seed: int) -> tuple[Expectation, ...]:
    """The expectations, about numbers that are drawn with this seed."""
    given, rng = numbers(seed), np.random.default_rng([seed, 61])
    n_head, n_positions, head_dim = (int(size) for size in 2 + rng.permutation(7)[:3])
    config = {"n_head": n_head, "n_positions": n_positions, "head_dim": head_dim, "n_embd": n_head * head_dim}
    chain, text = given.chain, [*given.prompt, *given.chain]
    rooms = {1: 3, 2: 4, 3: 4, 5: 8, 8: 6, 9: 6}
    greedy = stored_numbers.load_arrays(16)["greedy"].tolist()
    return (
        Expectation(
            "cache_type gives a buffer with room for n_positions tokens",
            _cache_type(config | {"n_layer": 2, "vocab_size": 11}),
            f"BufferType of float32 (batch, {n_head}, {n_positions}, {head_dim}) on the device",
            advice='A `BufferType`, not a `TensorType`; its shape is ("batch", n_head, n_positions, head_dim), '
            "and its device the one that is given.",
            part="cache_type",
        ),
        Expectation(
            "generate_with_cache appends each token and goes on from it",
            _tokens(given, lambda logits: int(logits.argmax())),
            chain[:5],
            wrong=(
                (given.prompt + chain[:5], "Yield the new tokens alone, without the prompt."),
                (chain[:6], TOO_MANY),
            ),
        ),
        Expectation(
            "the model reads the prompt once, then one token at a time, and is told how many it has read",
            _calls(given),
            [(given.prompt, 0), *(([token], 3 + i) for i, token in enumerate(chain[:4]))],
            wrong=(
                (
                    [(text[: 3 + i], 0) for i in range(5)],
                    "The whole text is read each time: pass on only the tokens that are not in the caches yet.",
                ),
            ),
            advice="Each pair is what the model gets: the new tokens, and the number of those in the caches.",
        ),
        Expectation(
            "when the caches are full, the last half of the text is read again",
            _calls(given, n_positions=4, max_new_tokens=6),
            [
                (given.prompt, 0),
                ([chain[0]], 3),
                (text[3:5], 0),
                ([chain[2]], 2),
                ([chain[3]], 3),
                (text[6:8], 0),
            ],
            advice="Before each call: if num_tokens + len(new) is above n_positions, the new tokens are the last "
            "n_positions // 2 of the text, and num_tokens is 0.",
        ),
        Expectation(
            "the same with n_positions=1, 2, 3, 5, 8 and 9, some of which are less than the prompt",
            _calls_of_rooms(given, rooms),
            [given.calls(n, count) for n, count in rooms.items()],
            advice="Each list is what the model gets with one n_positions. It never gets more than it has room for: if "
            "num_tokens + len(new) is above n_positions, the new tokens are the last max(1, n_positions // 2) of the "
            "text. Where that is 1, `ids[-1:]` is the last token, while `ids[-0:]` would be all of them.",
        ),
        Expectation("the caches that are given go to the model", _caches_passed_on(given), [CACHES] * 5),
        *(
            Expectation(
                f"generation stops after the end-of-text token {eos}, which is yielded too",
                _tokens(given, eos_token_id=eos),
                chain[:count],
                wrong=(
                    (
                        chain[:5],
                        "It goes on after eos_token_id."
                        + (" 0 is a token like any other: compare with None, with `is None`." if eos == 0 else ""),
                    ),
                    (chain[: count - 1], "Yield the end-of-text token before you stop."),
                ),
            )
            for count in (3, 1)
            for eos in chain[count - 1 : count]
        ),
        Expectation(
            "without eos_token_id, no token ends the text",
            lambda code, graphs: _tokens(given, _each_in_turn(), max_new_tokens=VOCAB_SIZE)(code, graphs),
            list(range(VOCAB_SIZE)),
            advice="`eos_token_id` is None unless it is given, and None is no token.",
        ),
        Expectation(
            "an end-of-text token in the prompt ends nothing",
            _tokens(given, eos_token_id=given.prompt[1]),
            until(chain[:5], given.prompt[1]),
            advice="Compare the new token with `eos_token_id`, not those of the prompt.",
        ),
        Expectation(
            "max_new_tokens=0 yields nothing, and does not run the model",
            lambda code, graphs: [
                _tokens(given, max_new_tokens=0)(code, graphs),
                _calls(given, max_new_tokens=0)(code, graphs),
            ],
            [[], []],
            advice="Go through the loop `max_new_tokens` times: `for _ in range(max_new_tokens)`.",
        ),
        Expectation(
            "the number of times that the model has run when the first token is yielded",
            _lazily(given),
            1,
            advice="Write a generator: `yield` each token inside the loop.",
        ),
        Expectation(
            "the caller's list is as it was before",
            _prompt_afterwards(given),
            given.prompt,
            advice="Copy the prompt with `list(input_ids)` before you append to it.",
        ),
        Expectation(
            "`choose` picks the token",
            _tokens(given, lambda logits: int(np.argmin(logits)), max_new_tokens=1),
            [int(given.table.logits[given.prompt[-1]].argmin())],
            advice="Call `choose` with the logits of the one row, of shape (vocab_size,).",
        ),
        expectations.raises(
            "generate_with_cache rejects an empty prompt",
            lambda code: _generate(code, CachedStandIn(given.table), []),
            part="generate_with_cache",
            advice="Raise a ValueError that says what is wrong, before you run the model.",
        ),
        Expectation(
            "your model with caches continues a text as Hugging Face's does, token for token",
            _continue,
            SAME_TEXT,
            needs=(PLAIN.name,),
            read=lambda answer: SAME_TEXT if answer == greedy else "other tokens",
        ),
    )


CHECK = Check(
    names=("cache_type", "extend", "attend", "CachedGPT2LMHeadModel", "generate_with_cache"),
    subjects=(EXTEND, ATTEND, GIVEN, PLAIN),
    cases=(
        _case(2, 3, 2, seed=11, subject=EXTEND),
        _case(1, 1, 0, seed=12, note="an empty cache", subject=EXTEND),
        _case(2, 2, 5, seed=13, note="full afterwards", subject=EXTEND),
        _case(2, 3, 2, seed=14, subject=ATTEND),
        _case(1, 1, 5, seed=15, subject=ATTEND),
        _case(2, 3, 4, seed=16, subject=GIVEN),
        _case(1, 5, 0, seed=1, note="empty caches"),
        _case(2, 1, 7, seed=2),
        _case(3, 4, 6, seed=3),
        _case(1, 1, 0, seed=4, note="one token"),
        _case(2, 9, 7, seed=5, note="full afterwards"),
    ),
    expectations=(
        expectations.is_graph_operation(16, "extend"),
        expectations.is_graph_operation(16, "attend"),
        Expectation(
            "a text gives the same logits at once, token by token and in random pieces",
            _chunks,
            SAME,
            needs=(PLAIN.name,),
            advice="What a token sees must not depend on where the pieces end. Check the positions, the mask, and "
            "where `extend` writes.",
            part=FORWARD,
            of_graphs=True,
        ),
    ),
    drawn=drawn,
    on_text=ON_TEXT,
    numpy_model=numpy_model,
    compiler_fault="The attention kernel of MAX 26.7.0 for a CPU misreads a mask that is made by comparing a row "
    "with a column. `mask_of` writes the mask down as a table first, with `F.band_part`: use its result as it is.",
    mistakes=(
        Mistake(
            "a model that takes the first new token for the first of the text",
            "The first new token has position num_tokens: those before it are in the caches. Add num_tokens to the "
            "positions, then the mask is right too.",
            {"positions": "from 0", "sees": "up to itself without the cache"},
        ),
        Mistake(
            "a model whose mask is not shifted by the cache",
            "Query i is the token at position num_tokens + i, and may see every key up to there. A square mask hides "
            "the past: the trap of step 02.",
            {"sees": "up to itself without the cache"},
        ),
        Mistake(
            "a model without a mask",
            "Several new tokens may come at once: add 0 where key <= query, and -inf elsewhere.",
            {"sees": "everything"},
        ),
        Mistake(
            "a model whose tokens see one too far",
            "A token sees itself and what is before it: key <= query.",
            {"sees": "up to the next"},
        ),
        Mistake(
            "a model whose mask is transposed",
            "A token sees the keys up to its own: key <= query.",
            {"sees": "from itself on"},
        ),
        Mistake(
            "a model that numbers the new tokens from 0",
            "The first new token has position num_tokens: those before it are in the caches.",
            {"positions": "from 0"},
        ),
        Mistake(
            "a model that numbers positions from 1",
            "The first new token has position num_tokens.",
            {"positions": "from 1"},
        ),
        Mistake(
            "a cache that is written from its beginning",
            "Write what is new behind what is there: at num_tokens.",
            {"stored": "at 0"},
        ),
        Mistake(
            "a cache that is never written",
            "Write the new keys and values with `ops.buffer_store_slice` before you read the cache.",
            {"stored": "not at all"},
        ),
        Mistake(
            "a model that swaps keys and values",
            "The caches come in pairs: `caches[::2]` are the keys, `caches[1::2]` the values.",
            {"layers": "swapped"},
        ),
        Mistake(
            "a model whose layers share one pair of caches",
            "Each layer has its own keys and values: loop over blocks and caches together with `zip`.",
            {"layers": "one for all"},
        ),
        Mistake(
            "a cache that is written one position too far",
            "The first new key goes to position num_tokens: positions start at 0.",
            {"stored": "one too far"},
        ),
        Mistake(
            "attention without the 1/sqrt(head_dim) scale",
            "Divide the scores by the square root of head_dim, as in step 08.",
            {"scale": "none"},
        ),
        Mistake(
            "attention divided by head_dim instead of its square root",
            "Take the square root: divide by sqrt(head_dim).",
            {"scale": "1/head_dim"},
        ),
        Mistake(
            "attention that ignores its mask",
            "Add the mask to the scores before the softmax.",
            {"mask_read": "ignored"},
        ),
        Mistake(
            "attention with the mask added after the softmax",
            "Add the mask to the scores, and take the softmax of the sum: the softmax turns -inf into 0.",
            {"masking": "added after the softmax"},
        ),
        Mistake(
            "attention with keys and values swapped",
            "Compare the query with the keys, and blend the values with the weights.",
            {"order": "query value key"},
        ),
        Mistake(
            "a model that predicts from the first new token",
            "The prediction for the next token is at the last position: `x[:, -1]`.",
            {"logits": "first"},
        ),
        Mistake(
            "a model without its final layer norm",
            "Apply `ln_f` before the head.",
            {"final_norm": "none"},
        ),
    ),
    explain={
        "expected source to have shape": "The slice that is written must be as long as what is new: "
        "`(slice(num_tokens, end), seq_len)` names its length.",
        "should be a BufferValue": "A cache is a buffer: annotate it as `BufferValue`, and it arrives as one.",
    },
    tolerance=1e-4,
)
