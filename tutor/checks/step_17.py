"""The check of step 17: batches of prompts of different lengths.

Padding is in the cases as random tokens, and in the caches as random numbers: none of it
may have an effect.
"""

import numpy as np

from tutor.checking import stored_numbers
from tutor.checking.spec import Case, Check, Code, Expectation, Mistake, RunnableSubjects
from tutor.checks.shared import cached_models
from tutor.checks.shared.cached_models import CACHES, StandIn, greedy_chain, read_in_chunks
from tutor.graphs.tensor_spec import TensorSpec

BETWEEN = (("starts", TensorSpec("int64", ("batch",))),)
PLAIN = cached_models.subject(17, "BatchedGPT2LMHeadModel", "plain", cached_models.PLAIN, *BETWEEN)

PROMPTS = [[3, 1, 4], [1], [5, 9, 2, 6, 5]]
SAME = "the same logits"
NOTHING = "A softmax over nothing but -inf is 0 / 0, and that spreads. Hide with -1e30: `mask_of(visible, -1e30)`."
SAME_TEXT = "the same tokens"


def _case(starts: list[int], seq_len: int, num_tokens: int, *, seed: int) -> Case:
    dims = {"batch": len(starts), "seq_len": seq_len, "num_tokens": num_tokens}
    note = f"starts {', '.join(map(str, starts))}"
    return Case(PLAIN.name, dims, seed=seed, note=note, inputs={"starts": starts})


def _padded(code: Code, executables: RunnableSubjects) -> tuple[object, ...]:
    ids, starts = (np.asarray(array) for array in code[17].pad_left(PROMPTS))
    real = [row[start:].tolist() for row, start in zip(ids, starts, strict=True)]
    return ids.shape, ids.dtype.name, starts.tolist(), starts.dtype.name, real


def _rows(seed: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    lengths = [1, 12, *rng.integers(2, 12, size=3)]
    return [rng.integers(PLAIN.settings["vocab_size"], size=length).tolist() for length in lengths]


def _padded_by_us(rows: list[list[int]], width: int) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([[7] * (width - len(row)) + row for row in rows], dtype=np.int64)
    return ids, np.array([width - len(row) for row in rows], dtype=np.int64)


def _alone(code: Code, executables: RunnableSubjects) -> str:
    run = executables[PLAIN.name]
    parameters = cached_models.parameters_of(PLAIN, CHECK)
    for seed in range(3):
        rows = _rows(seed)
        ids, starts = _padded_by_us(rows, 12)
        for cuts in ([], [5], range(1, 12)):
            together = read_in_chunks(run, PLAIN, parameters, ids, list(cuts), starts, seed=seed)
            for number, row in enumerate(rows):
                (alone,) = read_in_chunks(run, PLAIN, parameters, np.array([row]), [], np.zeros(1, np.int64), seed=9)
                if not np.allclose(together[number], alone, rtol=0, atol=1e-4):
                    return f"other logits in the row of {len(row)} tokens beside one of 12"
    return SAME


def _nothing_but_padding(code: Code, executables: RunnableSubjects) -> str:
    run = executables[PLAIN.name]
    parameters = cached_models.parameters_of(PLAIN, CHECK)
    ids, starts = _padded_by_us([[], [1, 2, 3]], 3)
    logits = read_in_chunks(run, PLAIN, parameters, ids, [], starts)
    return "numbers" if np.isfinite(logits).all() else "NaN"


def _generate(
    code: Code, model: StandIn, prompts: list[list[int]] = PROMPTS, **options: object
) -> list[tuple[int, int]]:
    settings = {"n_positions": 12, "max_new_tokens": 4} | options
    copies = [list(prompt) for prompt in prompts]
    return [(int(row), int(token)) for row, token in code[17].generate_batch(model, CACHES, copies, **settings)]


def _by_row(pairs: list[tuple[int, int]], rows: int = len(PROMPTS)) -> list[list[int]]:
    return [[token for owner, token in pairs if owner == row] for row in range(rows)]


def _tokens(code: Code, executables: RunnableSubjects) -> list[list[int]]:
    return _by_row(_generate(code, StandIn()))


def _calls(code: Code, executables: RunnableSubjects) -> list[tuple[tuple[int, int], int, list[int]]]:
    model = StandIn()
    _generate(code, model)
    shapes = [((len(ids), len(ids[0])), num_tokens) for ids, num_tokens in model.seen]
    return [(shape, num_tokens, starts) for (shape, num_tokens), starts in zip(shapes, model.starts, strict=True)]


def _ends(code: Code, executables: RunnableSubjects) -> list[list[int]]:
    return _by_row(_generate(code, StandIn(), eos_token_id=_EOS, max_new_tokens=6))


def _calls_until_all_ended(code: Code, executables: RunnableSubjects) -> int:
    model = StandIn()
    prompts = [PROMPTS[0], PROMPTS[0]]
    _generate(code, model, prompts, eos_token_id=greedy_chain(PROMPTS[0][-1], 2)[-1], max_new_tokens=6)
    return len(model.seen)


def _when_full(code: Code, executables: RunnableSubjects) -> list[tuple[tuple[int, int], int, list[int]]]:
    model = StandIn()
    _generate(code, model, n_positions=6, max_new_tokens=4)
    return [
        ((len(ids), len(ids[0])), num_tokens, starts)
        for (ids, num_tokens), starts in zip(model.seen, model.starts, strict=True)
    ]


def _tokens_when_full(code: Code, executables: RunnableSubjects) -> list[list[int]]:
    return _by_row(_generate(code, StandIn(), n_positions=6, max_new_tokens=4))


def _lazily(code: Code, executables: RunnableSubjects) -> int:
    model = StandIn()
    next(iter(code[17].generate_batch(model, CACHES, PROMPTS, n_positions=12, max_new_tokens=4)))
    return len(model.seen)


def _chosen(code: Code, executables: RunnableSubjects) -> list[list[int]]:
    pairs = _generate(
        code, StandIn(), max_new_tokens=1, choose=lambda row, logits: int((np.argmax, np.argmin)[row % 2](logits))
    )
    return _by_row(pairs)


def _greedy(code: Code, executables: RunnableSubjects) -> str:
    stored, model = stored_numbers.load_arrays(17), executables[PLAIN.name]
    expected, prompt = stored["greedy"].tolist(), stored["prompt"].tolist()
    pairs = code[17].generate_batch(
        model.bind(cached_models.parameters_of(PLAIN, CHECK)),
        cached_models.as_caches(cached_models.dirty_caches(PLAIN, 2, seed=1)),
        [prompt[-2:], prompt],
        n_positions=PLAIN.settings["n_positions"],
        max_new_tokens=len(expected),
    )
    return SAME_TEXT if [int(token) for row, token in pairs if row == 1] == expected else "other tokens"


_CHAINS = [greedy_chain(prompt[-1], 6) for prompt in PROMPTS]
_EOS = _CHAINS[0][1]


def _until(chain: list[int]) -> list[int]:
    return chain[: chain.index(_EOS) + 1] if _EOS in chain else chain


CHECK = Check(
    names=("pad_left", "BatchedGPT2LMHeadModel", "generate_batch"),
    subjects=(PLAIN,),
    cases=(
        _case([0, 3, 1], 5, 0, seed=1),
        _case([2, 0], 1, 6, seed=2),
        _case([0, 4, 7], 4, 5, seed=3),
        _case([0], 6, 2, seed=4),
        _case([9, 1], 6, 8, seed=5),
    ),
    expectations=(
        Expectation(
            "pad_left fills up on the left, and says where each row starts",
            _padded,
            ((3, 5), "int64", [2, 4, 0], "int64", PROMPTS),
            advice="The expected answer is: shape and dtype of the ids, the starts and their dtype, and each row "
            "from its start on.",
        ),
        Expectation(
            "each row gives the logits that it gives alone, in any split into pieces",
            _alone,
            SAME,
            needs=(PLAIN.name,),
        ),
        Expectation(
            "a row of nothing but padding gives numbers",
            _nothing_but_padding,
            "numbers",
            wrong=(("NaN", NOTHING),),
            needs=(PLAIN.name,),
        ),
        Expectation(
            "generate_batch continues each row from its own last token",
            _tokens,
            [chain[:4] for chain in _CHAINS],
            advice="Each list is what one row got. The new tokens of a row follow from its own logits.",
        ),
        Expectation(
            "the model reads all prompts once, then one column at a time",
            _calls,
            [((3, 5), 0, [2, 4, 0]), *(((3, 1), 5 + i, [2, 4, 0]) for i in range(3))],
            advice="Each entry is what the model gets: the shape of the ids, the number of columns in the caches, "
            "and the starts, which stay the same.",
        ),
        Expectation(
            "a row ends after its end-of-text token, and the others go on",
            _ends,
            [_until(chain) for chain in _CHAINS],
            advice="Keep the set of rows that are still going; the others take part in the computation, "
            "but nothing of them is yielded.",
        ),
        Expectation(
            "when all rows have ended, the model is not called again",
            _calls_until_all_ended,
            2,
        ),
        Expectation(
            "when the caches are full, the last half of each row is read anew",
            _when_full,
            [((3, 5), 0, [2, 4, 0]), ((3, 1), 5, [2, 4, 0]), ((3, 3), 0, [0, 0, 0]), ((3, 1), 3, [0, 0, 0])],
            advice="As in step 16, for each row: its last n_positions // 2 tokens, padded again.",
        ),
        Expectation(
            "rows go on with their own tokens after that",
            _tokens_when_full,
            [chain[:4] for chain in _CHAINS],
        ),
        Expectation(
            "each token is yielded as soon as it is chosen",
            _lazily,
            1,
            advice="Write a generator: `yield` the row and the token inside the loop.",
        ),
        Expectation(
            "`choose` picks the token of each row",
            _chosen,
            [
                [int(cached_models.TABLE[prompt[-1]].argmin() if row % 2 else cached_models.TABLE[prompt[-1]].argmax())]
                for row, prompt in enumerate(PROMPTS)
            ],
            advice="Call `choose(row, logits[row])`.",
        ),
        Expectation(
            "an empty prompt is refused",
            cached_models.refusal(lambda code: _generate(code, StandIn(), [[1], []])),
            "ValueError",
        ),
        Expectation(
            "beside a shorter prompt, your model continues a text as Hugging Face's does, token for token",
            _greedy,
            SAME_TEXT,
            needs=(PLAIN.name,),
        ),
    ),
    numpy_model=cached_models.numpy_model,
    mistakes=(
        Mistake(
            "a model whose padding looks at nothing",
            NOTHING,
            {"padding": "hidden with -inf"},
        ),
        Mistake(
            "a model that sees the padding",
            "A token may see no key before its row's start: give these keys the column NEVER.",
            {"padding": "visible"},
        ),
        Mistake(
            "a model that counts padding as positions",
            "The first real token of each row has position 0: subtract the row's start.",
            {"positions": "columns"},
        ),
        Mistake(
            "a model that takes the first new column for the first of all",
            "The first new column is num_tokens: those before it are in the caches. Number the queries from there, "
            "then positions and mask are right.",
            {"positions": "from 0", "sees": "up to itself without the cache"},
        ),
        Mistake(
            "a model that numbers the new tokens from 0",
            "The first new column is num_tokens: those before it are in the caches.",
            {"positions": "from 0"},
        ),
        Mistake(
            "a model that numbers positions from 1",
            "The first real token of each row has position 0.",
            {"positions": "from 1"},
        ),
        Mistake(
            "a model whose tokens see the future",
            "The mask has two bounds: from the row's start, and up to the token itself. If you join two comparisons, "
            "MAX 26.7 loses one of them on a CPU: give the padding's keys the column NEVER, and compare once.",
            {"sees": "everything"},
        ),
        Mistake(
            "a model whose mask is not shifted by the cache",
            "Query i is in column num_tokens + i.",
            {"sees": "up to itself without the cache"},
        ),
        Mistake(
            "a model whose tokens see one too far",
            "A token sees itself and what is before it: key <= query.",
            {"sees": "up to the next"},
        ),
    ),
    tolerance=1e-4,
)
