"""The check of step 17: batches of prompts of different lengths.

Padding is in the cases as random tokens, and in the caches as random numbers: none of it may have an effect. So what a
model keeps for padding is not compared: it depends on the position that padding gets, and every valid one will do. That
includes negative ones, which count from the end of the table. The loop runs a stand-in for the model, whose logits are
drawn for each check.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tutor.checking import stored_numbers
from tutor.checking.spec import Case, Check, Code, Evaluate, Expectation, Mistake, RunnableSubjects, bind
from tutor.checks.shared import cached_models, expectations
from tutor.checks.shared.cached_models import read_in_chunks
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
from tutor.graphs.tensor_spec import TensorSpec

FORWARD = "BatchedGPT2LMHeadModel.forward"
BETWEEN = (("starts", TensorSpec("int64", ("batch",))),)
PLAIN = cached_models.subject(17, "BatchedGPT2LMHeadModel", "plain", cached_models.PLAIN, *BETWEEN, part=FORWARD)

SAME = "the same logits"
TOO_MANY = "This is one token too many: go through the loop exactly `max_new_tokens` times."
NOTHING = "A softmax over nothing but -inf is 0 / 0, and that spreads. Hide with -1e30: `mask_of(visible, -1e30)`."
SAME_TEXT = "the same tokens"


def _case(starts: list[int], seq_len: int, num_tokens: int, *, seed: int) -> Case:
    dims = {"batch": len(starts), "seq_len": seq_len, "num_tokens": num_tokens}
    note = f"starts {', '.join(map(str, starts))}"
    return Case(PLAIN.name, dims, seed=seed, note=note, inputs={"starts": starts})


def _rows(seed: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    lengths = [1, 12, *rng.integers(2, 12, size=3)]
    return [rng.integers(PLAIN.settings["vocab_size"], size=length).tolist() for length in lengths]


def _padded_by_us(rows: list[list[int]], width: int) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([[7] * (width - len(row)) + row for row in rows], dtype=np.int64)
    return ids, np.array([width - len(row) for row in rows], dtype=np.int64)


def _alone(_: Code, graphs: RunnableSubjects) -> str:
    run = graphs[PLAIN.name]
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


def _nothing_but_padding(_: Code, graphs: RunnableSubjects) -> str:
    run = graphs[PLAIN.name]
    parameters = cached_models.parameters_of(PLAIN, CHECK)
    ids, starts = _padded_by_us([[], [1, 2, 3]], 3)
    logits = read_in_chunks(run, PLAIN, parameters, ids, [], starts)
    return "numbers" if np.isfinite(logits).all() else "NaN"


@dataclass(frozen=True)
class Numbers:
    """What is drawn for one check: the stand-in's table, and prompts of different lengths."""

    table: Table
    prompts: list[list[int]]

    @property
    def chains(self) -> list[list[int]]:
        """What follows each prompt."""
        return [self.table.chain(prompt[-1], 6) for prompt in self.prompts]

    @property
    def eos(self) -> int:
        """A token that ends the first row after two: 0, which Python takes for nothing."""
        return self.chains[0][1]

    @property
    def starts(self) -> list[int]:
        """The column of each prompt's first token."""
        return [5 - len(prompt) for prompt in self.prompts]

    def until_eos(self, row: int) -> list[int]:
        """What follows a prompt, up to the end-of-text token."""
        return until(self.chains[row], self.eos)

    def calls(self, n_positions: int, max_new_tokens: int) -> list[tuple[list[list[int]], int]]:
        """What the model must get in each call: the new tokens of each row, without padding, and how many columns are
        in the caches."""
        texts, num_tokens = [list(prompt) for prompt in self.prompts], 0
        chains = [self.table.chain(prompt[-1], max_new_tokens) for prompt in self.prompts]
        new, calls = texts, []
        for step in range(max_new_tokens):
            width = max(map(len, new))
            if num_tokens + width > n_positions:
                new, num_tokens = [text[-max(1, n_positions // 2) :] for text in texts], 0
                width = max(map(len, new))
            calls.append(([list(row) for row in new], num_tokens))
            num_tokens += width
            new = [[chain[step]] for chain in chains]
            texts = [text + row for text, row in zip(texts, new, strict=True)]
        return calls

    @property
    def tells(self) -> bool:
        """Whether the known mistakes can be told from what is right."""
        first = [chain[0] for chain in self.chains]
        return (
            len(set(first)) == len(first)
            and self.eos == 0
            and first[0] != self.eos
            and max(len(self.until_eos(row)) for row in range(len(first))) > 3
        )


@functools.cache
def numbers(seed: int) -> Numbers:
    """Draws until the known mistakes can be told apart."""
    rng = np.random.default_rng([seed, 17])
    while True:
        lengths = rng.permutation([1, 3, 5])
        prompts: list[list[int]] = [rng.choice(VOCAB_SIZE, size=length, replace=False).tolist() for length in lengths]
        table = Table.draw(rng)
        second = table.chain(prompts[0][-1], 2)[-1]
        drawn = Numbers(table.exchanged(second, 0), [exchanged(prompt, second, 0) for prompt in prompts])
        if drawn.tells:
            return drawn


def _padded(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> list[np.ndarray]:
        ids, starts = code[17].pad_left([list(prompt) for prompt in given.prompts])
        return [np.asarray(ids), np.asarray(starts)]

    return evaluate


def _rows_of(answer: object) -> object:
    """Shape and dtype of padded ids, the starts and their dtype, and each row from its start on."""
    if not isinstance(answer, list) or not all(isinstance(array, np.ndarray) for array in answer):
        return "no arrays"
    ids, starts = answer
    if ids.ndim != 2 or starts.shape != ids.shape[:1]:
        return f"ids of shape {ids.shape} and starts of shape {starts.shape}"
    real = [row[int(start) :].tolist() for row, start in zip(ids, starts, strict=True)]
    return ids.shape, ids.dtype.name, starts.tolist(), starts.dtype.name, real


def _generate(
    code: Code,
    model: CachedStandIn,
    prompts: list[list[int]],
    choose: Callable[[int, np.ndarray], int] | None = None,
    /,
    **options: object,
) -> list[tuple[object, object]]:
    settings = {"n_positions": 12, "max_new_tokens": 4} | options
    if choose is not None:
        settings["choose"] = lambda row, logits: choose(row, row_of_logits(logits))
    pairs = code[17].generate_batch(model, CACHES, [list(prompt) for prompt in prompts], **settings)
    return [(as_token(row), as_token(token)) for row, token in pairs]


def _pairs(given: Numbers, choose: Callable[[int, np.ndarray], int] | None = None, /, **options: object) -> Evaluate:
    """Makes the evaluation of an expectation: the pairs of row and token that `generate_batch` yields."""
    return lambda code, _: _generate(code, CachedStandIn(given.table, batched=True), given.prompts, choose, **options)


def _each_in_turn() -> Callable[[int, np.ndarray], int]:
    """Chooses 0 for a row, then 1, and so on, whatever the logits are."""
    chosen = [0, 0, 0]

    def choose(row: int, logits: np.ndarray) -> int:
        chosen[row] += 1
        return (chosen[row] - 1) % VOCAB_SIZE

    return choose


def _by_row(answer: object) -> object:
    """The tokens of each row, of such pairs."""
    if not isinstance(answer, list) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in answer):
        return "no pairs"
    return [[token for owner, token in answer if owner == row] for row in range(3)]


def _calls(given: Numbers, **options: object) -> Evaluate:
    """What the model gets in each call: the shape of the ids, the number of columns in the caches, and the starts."""

    def evaluate(code: Code, _: RunnableSubjects) -> list[tuple[tuple[int, ...], int, list[int]]]:
        model = CachedStandIn(given.table, batched=True)
        _generate(code, model, given.prompts, **options)
        return [
            (ids.shape, num_tokens, starts)
            for ids, num_tokens, starts in zip(model.seen, model.num_tokens, model.starts, strict=True)
        ]

    return evaluate


def _calls_of_rooms(given: Numbers, rooms: Mapping[int, int]) -> Evaluate:
    """What the model gets with several n_positions: the tokens of each row, and the number of columns in the caches."""

    def evaluate(code: Code, _: RunnableSubjects) -> list[list[tuple[list[list[int]], int]]]:
        answers = []
        for n_positions, count in rooms.items():
            model = CachedStandIn(given.table, batched=True)
            _generate(code, model, given.prompts, n_positions=n_positions, max_new_tokens=count)
            answers.append(
                [
                    # In a call of single columns, `starts` are far behind.
                    (
                        [row[start if width > 1 else 0 :].tolist() for row, start in zip(ids, starts, strict=True)],
                        number,
                    )
                    for ids, number, starts in zip(model.seen, model.num_tokens, model.starts, strict=True)
                    for width in [ids.shape[1]]
                ]
            )
        return answers

    return evaluate


def _calls_until_all_ended(given: Numbers, prompts: list[list[int]], eos: int) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> int:
        model = CachedStandIn(given.table, batched=True)
        _generate(code, model, prompts, eos_token_id=eos, max_new_tokens=6)
        return len(model.seen)

    return evaluate


def _prompts_afterwards(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> list[list[int]]:
        prompts = [list(prompt) for prompt in given.prompts]
        model = CachedStandIn(given.table, batched=True)
        list(code[17].generate_batch(model, CACHES, prompts, n_positions=12, max_new_tokens=2))
        return prompts

    return evaluate


def _lazily(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> int:
        model, prompts = CachedStandIn(given.table, batched=True), [list(prompt) for prompt in given.prompts]
        next(iter(code[17].generate_batch(model, CACHES, prompts, n_positions=12, max_new_tokens=4)))
        return len(model.seen)

    return evaluate


def _continue(code: Code, graphs: RunnableSubjects) -> list[tuple[object, object]]:
    stored, model = stored_numbers.load_arrays(17), graphs[PLAIN.name]
    prompt = stored["prompt"].tolist()
    pairs = code[17].generate_batch(
        bind(model, cached_models.parameters_of(PLAIN, CHECK)),
        cached_models.as_caches(cached_models.dirty_caches(PLAIN, 2, seed=1)),
        [prompt[-2:], prompt],
        n_positions=PLAIN.settings["n_positions"],
        max_new_tokens=len(stored["greedy"]),
    )
    return [(as_token(row), as_token(token)) for row, token in pairs]


def _same_text(expected: list[int]) -> Callable[[object], str]:
    def read(answer: object) -> str:
        rows = _by_row(answer)
        return SAME_TEXT if isinstance(rows, list) and rows[1] == expected else "other tokens"

    return read


@functools.cache
def drawn(seed: int) -> tuple[Expectation, ...]:
    """The expectations, about numbers that are drawn with this seed."""
    given = numbers(seed)
    best = [[chain[:4] for chain in given.chains], [given.until_eos(row) for row in range(3)]]
    rooms = {1: 3, 2: 4, 4: 4, 5: 6, 7: 6, 12: 6}
    picked = [given.table.logits[prompt[-1]] for prompt in given.prompts]
    return (
        Expectation(
            "pad_left fills up on the left, and says where each row starts",
            _padded(given),
            ((3, 5), "int64", given.starts, "int64", given.prompts),
            advice="The ids and the starts are int64 arrays. Each row ends with its prompt, which begins in the column "
            "that the starts give.",
            part="pad_left",
            read=_rows_of,
        ),
        Expectation(
            "where pad_left starts each row, whichever is the longest",
            lambda code, _: [
                np.asarray(code[17].pad_left(given.prompts[first:] + given.prompts[:first])[1]).tolist()
                for first in range(3)
            ],
            [given.starts[first:] + given.starts[:first] for first in range(3)],
            advice="A row starts in the column seq_len - len(prompt), where seq_len is the length of the longest.",
            part="pad_left",
        ),
        Expectation(
            "pad_left pads two rows of one length, and one row, with nothing",
            lambda code, _: [
                [array.tolist() for array in map(np.asarray, code[17].pad_left(prompts))]
                for prompts in ([given.prompts[0], given.prompts[0][::-1]], given.prompts[1:2])
            ],
            [[[given.prompts[0], given.prompts[0][::-1]], [0, 0]], [given.prompts[1:2], [0]]],
            part="pad_left",
        ),
        Expectation(
            "generate_batch continues each row from its own last token",
            _pairs(given, lambda row, logits: int(logits.argmax())),
            best[0],
            wrong=(([chain[:5] for chain in given.chains], TOO_MANY),),
            advice="Each list is what one row got. The new tokens of a row follow from its own logits.",
            read=_by_row,
        ),
        Expectation(
            "the model reads all prompts once, then one column at a time",
            _calls(given),
            [((3, 5), 0, given.starts), *(((3, 1), 5 + i, given.starts) for i in range(3))],
            advice="Each entry is what the model gets: the shape of the ids, the number of columns in the caches, "
            "and the starts, which stay the same.",
        ),
        Expectation(
            "a row ends after its end-of-text token, and the others go on",
            _pairs(given, eos_token_id=given.eos, max_new_tokens=6),
            best[1],
            wrong=(
                (
                    given.chains,
                    "Rows go on after their end-of-text token. Keep the set of rows that are still going, and compare "
                    "with `eos_token_id` itself: 0 is a token like any other.",
                ),
                (
                    [row[:-1] if given.eos in row else row for row in best[1]],
                    "Yield the end-of-text token before the row ends.",
                ),
            ),
            advice="Keep the set of rows that are still going; the others take part in the computation, "
            "but none of their tokens are yielded.",
            read=_by_row,
        ),
        Expectation(
            "how often the model runs if all rows end with their second token",
            _calls_until_all_ended(given, given.prompts[:1] * 2, given.eos),
            2,
            advice="Return when no row is going any more, before you run the model again.",
        ),
        Expectation(
            "how often the model runs if all rows end with their first token",
            _calls_until_all_ended(given, given.prompts[:1] * 2, given.chains[0][0]),
            1,
            advice="Return when no row is going any more, before you run the model again.",
        ),
        Expectation(
            "max_new_tokens=0 yields nothing, and does not run the model",
            lambda code, graphs: [
                _pairs(given, max_new_tokens=0)(code, graphs),
                _calls(given, max_new_tokens=0)(code, graphs),
            ],
            [[], []],
            advice="Go through the loop `max_new_tokens` times: `for _ in range(max_new_tokens)`.",
        ),
        Expectation(
            "without eos_token_id, no token ends a row",
            lambda code, graphs: _pairs(given, _each_in_turn(), max_new_tokens=VOCAB_SIZE)(code, graphs),
            [list(range(VOCAB_SIZE))] * len(given.prompts),
            advice="`eos_token_id` is None unless it is given, and None is no token.",
            read=_by_row,
        ),
        Expectation(
            "a single prompt is continued too",
            lambda code, _: _generate(code, CachedStandIn(given.table, batched=True), given.prompts[:1]),
            [(0, token) for token in given.chains[0][:4]],
        ),
        Expectation(
            "the caller's lists are as they were before",
            _prompts_afterwards(given),
            given.prompts,
            advice="Copy each prompt with `list(prompt)` before you append to it.",
        ),
        Expectation(
            "when the caches are full, the last half of each row is read again",
            _calls(given, n_positions=6, max_new_tokens=4),
            [
                ((3, 5), 0, given.starts),
                ((3, 1), 5, given.starts),
                ((3, 3), 0, [0, 0, 0]),
                ((3, 1), 3, [0, 0, 0]),
            ],
            advice="As in step 16, for each row: its last n_positions // 2 tokens, padded again.",
        ),
        Expectation(
            "the same with n_positions=1, 2, 4, 5, 7 and 12, some of which are less than the longest prompt",
            _calls_of_rooms(given, rooms),
            [given.calls(n, count) for n, count in rooms.items()],
            advice="Each list is what the model gets with one n_positions: the tokens of each row from its start on, "
            "and the number of columns in the caches. It never gets more columns than it has room for. Rows are read "
            "again from their last max(1, n_positions // 2) tokens; those that are shorter are padded again.",
        ),
        Expectation(
            "rows go on with their own tokens after that",
            _pairs(given, n_positions=6, max_new_tokens=4),
            best[0],
            read=_by_row,
        ),
        Expectation(
            "the number of times that the model has run when the first token is yielded",
            _lazily(given),
            1,
            advice="Write a generator: `yield` the row and the token inside the loop.",
        ),
        Expectation(
            "`choose` picks the token of each row",
            _pairs(given, lambda row, logits: int(np.argsort(-logits)[row]), max_new_tokens=1),
            [[int(np.argsort(-logits)[row])] for row, logits in enumerate(picked)],
            wrong=(
                (
                    [[int(logits.argmax())] for logits in picked],
                    "A row's own way to choose is ignored: call `choose(row, logits[row])`, not `choose_token`.",
                ),
            ),
            advice="Call `choose(row, logits[row])`.",
            read=_by_row,
        ),
        *(
            expectations.raises(
                f"generate_batch rejects {prompts}, where a prompt is empty",
                lambda code, prompts=prompts: _generate(code, CachedStandIn(given.table, batched=True), prompts),
                part="generate_batch",
                advice="Raise a ValueError that says which prompt is empty, before you run the model.",
            )
            for prompts in ([[1], []], [[], [1]], [[]])
        ),
        Expectation(
            "beside a shorter prompt, your model continues a text as Hugging Face's does, token for token",
            _continue,
            SAME_TEXT,
            needs=(PLAIN.name,),
            read=_same_text(stored_numbers.load_arrays(17)["greedy"].tolist()),
        ),
    )


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
            "each row gives the logits that it gives alone, in any split into pieces",
            _alone,
            SAME,
            needs=(PLAIN.name,),
            part=FORWARD,
            of_graphs=True,
        ),
        Expectation(
            "a row of nothing but padding gives numbers",
            _nothing_but_padding,
            "numbers",
            wrong=(("NaN", NOTHING),),
            needs=(PLAIN.name,),
            part=FORWARD,
            of_graphs=True,
        ),
    ),
    drawn=drawn,
    numpy_model=cached_models.numpy_model,
    compiler_fault="Where two comparisons are joined in one mask, MAX 26.7.0 on a CPU loses one of them. Give the "
    "padding's keys the column NEVER, compare once, and make the mask with `mask_of`.",
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
