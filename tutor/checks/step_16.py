"""The check of step 16: the key-value cache.

The caches of the cases are full of random numbers from the start: those of the first `num_tokens`
places count, the others must have no effect. Hugging Face's cache holds the same numbers.
"""

from types import SimpleNamespace

import numpy as np

from tutor.checking import stored_numbers
from tutor.checking.spec import Case, Check, Code, Expectation, Mistake, RunnableSubjects
from tutor.checks.shared import cached_models, expectations
from tutor.checks.shared.cached_models import CACHES, StandIn, greedy_chain, read_in_chunks

PLAIN = cached_models.subject(16, "CachedGPT2LMHeadModel", "plain", cached_models.PLAIN)

PROMPT = [3, 1, 4]
SAME = "the same logits"
SAME_TEXT = "the same tokens"


def _case(batch: int, seq_len: int, num_tokens: int, *, seed: int, note: str = "") -> Case:
    return Case(PLAIN.name, {"batch": batch, "seq_len": seq_len, "num_tokens": num_tokens}, seed=seed, note=note)


def _cache_type(code: Code, executables: RunnableSubjects) -> str:
    from max.driver import CPU

    config = SimpleNamespace(n_head=3, n_positions=7, head_dim=5, n_embd=15, n_layer=2, vocab_size=11)
    type_ = code[16].cache_type(config, CPU())
    return f"{type(type_).__name__} of {type_.dtype.name} ({', '.join(str(dim) for dim in type_.shape)})"


def _chunks(code: Code, executables: RunnableSubjects) -> str:
    run, n = executables[PLAIN.name], 13
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


def _generate(code: Code, model: StandIn, prompt: list[int] = PROMPT, **options: object) -> list[int]:
    settings = {"n_positions": 8, "max_new_tokens": 5} | options
    return [int(token) for token in code[16].generate_with_cache(model, CACHES, prompt, **settings)]


def _tokens(code: Code, executables: RunnableSubjects) -> list[int]:
    return _generate(code, StandIn())


def _calls(code: Code, executables: RunnableSubjects) -> list[tuple[list[int], int]]:
    model = StandIn()
    _generate(code, model)
    return [(ids[0], num_tokens) for ids, num_tokens in model.seen]


def _calls_when_full(code: Code, executables: RunnableSubjects) -> list[tuple[list[int], int]]:
    model = StandIn()
    _generate(code, model, n_positions=4, max_new_tokens=6)
    return [(ids[0], num_tokens) for ids, num_tokens in model.seen]


def _caches_handed_on(code: Code, executables: RunnableSubjects) -> str:
    model = StandIn()
    _generate(code, model)
    return "the caches" if set(model.caches) == {CACHES} else f"{model.caches[0]!r}"


def _eos(code: Code, executables: RunnableSubjects) -> list[int]:
    return _generate(code, StandIn(), eos_token_id=greedy_chain(PROMPT[-1], 3)[-1])


def _lazily(code: Code, executables: RunnableSubjects) -> int:
    model = StandIn()
    next(iter(code[16].generate_with_cache(model, CACHES, PROMPT, n_positions=8, max_new_tokens=4)))
    return len(model.seen)


def _prompt_afterwards(code: Code, executables: RunnableSubjects) -> list[int]:
    prompt = list(PROMPT)
    _generate(code, StandIn(), prompt)
    return prompt


def _chosen(code: Code, executables: RunnableSubjects) -> list[int]:
    return _generate(code, StandIn(), choose=lambda logits: int(np.argmin(logits)), max_new_tokens=1)


def _greedy(code: Code, executables: RunnableSubjects) -> str:
    stored, model = stored_numbers.load_arrays(16), executables[PLAIN.name]
    expected = stored["greedy"].tolist()
    got = code[16].generate_with_cache(
        model.bind(cached_models.parameters_of(PLAIN, CHECK)),
        cached_models.as_caches(cached_models.dirty_caches(PLAIN, 1, seed=1)),
        stored["prompt"].tolist(),
        n_positions=PLAIN.settings["n_positions"],
        max_new_tokens=len(expected),
    )
    return SAME_TEXT if [int(token) for token in got] == expected else "other tokens"


_CHAIN = greedy_chain(PROMPT[-1], 6)
_TEXT = [*PROMPT, *_CHAIN]

UNNAMED = (
    "MAX cannot tell how long a slice between tensors is. Give its length with it, as a pair: `(slice(num_tokens, "
    'end), seq_len)`, or a new name: `(slice(0, end), "total_len")`.'
)

CHECK = Check(
    names=("cache_type", "extend", "attend", "CachedGPT2LMHeadModel", "generate_with_cache"),
    subjects=(PLAIN,),
    cases=(
        _case(1, 5, 0, seed=1, note="empty caches"),
        _case(2, 1, 7, seed=2),
        _case(3, 4, 6, seed=3),
        _case(1, 1, 0, seed=4, note="one token"),
        _case(2, 9, 7, seed=5, note="full afterwards"),
    ),
    expectations=(
        Expectation(
            "cache_type gives a buffer with room for n_positions tokens",
            _cache_type,
            "BufferType of float32 (batch, 3, 7, 5)",
            advice='A `BufferType`, not a `TensorType`; its shape is ("batch", n_head, n_positions, head_dim).',
        ),
        expectations.is_graph_operation(16, "extend"),
        expectations.is_graph_operation(16, "attend"),
        Expectation(
            "a text gives the same logits at once, token by token and in random pieces",
            _chunks,
            SAME,
            needs=(PLAIN.name,),
            advice="What a token sees must not depend on where the pieces end. Check positions, mask and place.",
        ),
        Expectation(
            "generate_with_cache appends each token and goes on from it",
            _tokens,
            _CHAIN[:5],
            wrong=((PROMPT + _CHAIN[:5], "Yield the new tokens alone, without the prompt."),),
        ),
        Expectation(
            "the model reads the prompt once, then one token at a time, and is told how many it has read",
            _calls,
            [(PROMPT, 0), *(([token], 3 + i) for i, token in enumerate(_CHAIN[:4]))],
            wrong=(
                (
                    [(_TEXT[: 3 + i], 0) for i in range(5)],
                    "The whole text is read each time: hand on only the tokens that are not in the caches yet.",
                ),
            ),
            advice="Each pair is what the model gets: the new tokens, and the number of those in the caches.",
        ),
        Expectation(
            "when the caches are full, the last half of the text is read anew",
            _calls_when_full,
            [
                (PROMPT, 0),
                ([_CHAIN[0]], 3),
                (_TEXT[3:5], 0),
                ([_CHAIN[2]], 2),
                ([_CHAIN[3]], 3),
                (_TEXT[6:8], 0),
            ],
            advice="Before each call: if num_tokens + len(new) is above n_positions, the new tokens are the last "
            "n_positions // 2 of the text, and num_tokens is 0.",
        ),
        Expectation("the caches that are given go to the model", _caches_handed_on, "the caches"),
        Expectation(
            "generation stops after the end-of-text token, which is yielded too",
            _eos,
            _CHAIN[:3],
            wrong=(
                (_CHAIN[:5], "It goes on after eos_token_id."),
                (_CHAIN[:2], "Yield the end-of-text token before you stop."),
            ),
        ),
        Expectation(
            "each token is yielded before the next one is computed",
            _lazily,
            1,
            advice="Write a generator: `yield` each token inside the loop.",
        ),
        Expectation(
            "the caller's list is as it was before",
            _prompt_afterwards,
            PROMPT,
            advice="Copy the prompt with `list(input_ids)` before you append to it.",
        ),
        Expectation(
            "`choose` picks the token",
            _chosen,
            [int(cached_models.TABLE[PROMPT[-1]].argmin())],
            advice="Call `choose` with the logits of the one row, of shape (vocab_size,).",
        ),
        Expectation(
            "an empty prompt is refused",
            cached_models.refusal(lambda code: _generate(code, StandIn(), [])),
            "ValueError",
        ),
        Expectation(
            "your model with caches continues a text as Hugging Face's does, token for token",
            _greedy,
            SAME_TEXT,
            needs=(PLAIN.name,),
        ),
    ),
    numpy_model=cached_models.numpy_model,
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
            "a model whose mask is turned round",
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
            "Store what is new behind what is there: at num_tokens.",
            {"stored": "at 0"},
        ),
        Mistake(
            "a cache that is never written",
            "Store the new keys and values with `ops.buffer_store_slice` before you read the cache.",
            {"stored": "not at all"},
        ),
        Mistake(
            "a model that swaps keys and values",
            "The caches come in pairs: `caches[::2]` are the keys, `caches[1::2]` the values.",
            {"layers": "swapped"},
        ),
        Mistake(
            "a model whose layers share one pair of caches",
            "Each layer has its own keys and values: go through blocks and caches together with `zip`.",
            {"layers": "one for all"},
        ),
        Mistake(
            "attention without the 1/sqrt(head_dim) scale",
            "Divide the scores by the root of head_dim, as in step 08.",
            {"scale": "none"},
        ),
        Mistake(
            "a model that predicts from the first new token",
            "What comes next is decided at the last position: `x[:, -1]`.",
            {"logits": "first"},
        ),
        Mistake(
            "a model with the final layer norm forgotten",
            "Apply `ln_f` before the head.",
            {"final_norm": "none"},
        ),
    ),
    explain={
        "expected source to have shape": "The slice that is written must be as long as what is new: "
        "`(slice(num_tokens, end), seq_len)` names its length.",
        "Unsupported slice inputs": UNNAMED,
        # What MAX says when it loads such a slice.
        "AssertionError: no message": UNNAMED,
        "should be a BufferValue": "A cache is a buffer: hint it as `BufferValue`, then it comes as one.",
    },
    tolerance=1e-4,
)
