"""The check of step 14: choosing tokens, and the loop around the model.

The logits are drawn for each check. `generate_next_token` and `generate_tokens` run a stand-in for the model, whose
logits at a position depend on the token there and on nothing else. What is drawn by chance is judged by how often
each token comes in many draws.
"""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutor.checking import stored_numbers
from tutor.checking.spec import Check, Code, Evaluate, Expectation, RunnableSubjects, bind
from tutor.checks.shared.expectations import raises
from tutor.checks.shared.stand_ins import VOCAB_SIZE, StandIn, Table, as_token, exchanged, until, watched
from tutor.checks.step_13 import SHIPPED

DRAWS = 1500
# The distance of two distributions is half the sum of the differences of their probabilities.
# With this many draws it is about 0.02 by chance alone.
SAME = 0.08

# The text that Hugging Face continues, 48 tokens of which are stored. So many are compared.
NEW_TOKENS = 16

SAME_TEXT = "the same tokens"
IN_ORDER = "temperature, then top_k, then top_p"
ALWAYS_THE_SAME = "the same token 20 times"
ONE_GENERATOR = "Make one `np.random.default_rng(seed)` before the loop, and pass it to every call as `rng`."
OTHERS_EACH_TIME = "other tokens each time"
SETTINGS = ("temperature", "top_k", "top_p", "rng")
Known = Mapping[str, np.ndarray]


def softmax(logits: np.ndarray) -> np.ndarray:
    """The probabilities that belong to logits; -inf gives 0."""
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def keep_top_k(logits: np.ndarray, k: int) -> np.ndarray:
    """Sets all but the k largest logits to -inf."""
    return np.where(logits >= np.sort(logits)[-k], logits, -np.inf)


def keep_top_p(logits: np.ndarray, p: float, *, over: bool = True) -> np.ndarray:
    """Sets all but the likeliest logits, up to a probability of p, to -inf; `over`: with the one that reaches p."""
    order = np.argsort(-logits)
    sums = np.cumsum(softmax(logits)[order])
    kept = int((sums < p).sum()) + (1 if over else 0)
    return np.where(np.isin(np.arange(logits.size), order[: max(kept, 1)]), logits, -np.inf)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Half the sum of the differences of two distributions' probabilities."""
    return float(np.abs(one - other).sum() / 2)


def are_apart(known: Known) -> bool:
    """Whether many draws tell these distributions apart."""
    pairs = itertools.combinations(map(softmax, known.values()), 2)
    return all(distance(one, other) > 2.5 * SAME for one, other in pairs)


@dataclass(frozen=True)
class Numbers:
    """What is drawn for one check: the stand-in's table, a prompt, and logits to choose from.

    The third token that follows the prompt is 0, which Python takes for nothing where a value is asked for its truth.
    """

    table: Table
    prompt: list[int]
    many: np.ndarray

    @property
    def logits(self) -> np.ndarray:
        """The logits after the prompt, float32."""
        return self.table.logits[self.prompt[-1]]

    @property
    def best_alone(self) -> np.ndarray:
        """The largest logit, -inf for the others."""
        return np.where(self.logits == self.logits.max(), self.logits, -np.inf)

    @property
    def best_of_all_positions(self) -> int:
        """The place of the largest logit among those of all positions, as one list."""
        return int(self.table.logits[self.prompt].argmax())

    def by_temperature(self, temperature: float) -> Known:
        """What a draw with this temperature may come from, with `logits / temperature` the right one."""
        logits = self.logits.astype(np.float64)
        return {
            "logits / temperature": logits / temperature,
            "logits * temperature": logits * temperature,
            "the logits as they are": logits,
            "the largest logit alone": self.best_alone,
        }

    def by_top_k(self) -> Known:
        """What a draw with top_k=3 may come from."""
        return {"the 3 largest": keep_top_k(self.logits, 3), "nothing cut off": self.logits}

    def by_top_p(self) -> Known:
        """What a draw with top_p=0.7 may come from."""
        return {
            "up to and including the one that reaches top_p": keep_top_p(self.logits, 0.7),
            "without the one that reaches top_p": keep_top_p(self.logits, 0.7, over=False),
            "nothing cut off": self.logits,
        }

    def by_order(self) -> Known:
        """What a draw with temperature=3, top_k=5 and top_p=0.5 may come from."""
        logits = self.logits.astype(np.float64)
        return {
            IN_ORDER: keep_top_p(keep_top_k(logits / 3, 5), 0.5),
            "the temperature last": keep_top_p(keep_top_k(logits, 5), 0.5) / 3,
            "top_p before top_k": keep_top_k(keep_top_p(logits / 3, 0.5), 5),
        }

    @property
    def tells(self) -> bool:
        """Whether the known mistakes can be told from what is right, and from one another."""
        chain = self.table.chain(self.prompt[-1], 6)
        return (
            self.table.best(self.prompt[0]) != chain[0]
            and self.best_of_all_positions >= VOCAB_SIZE
            and len(set(chain[:3])) == 3
            and chain[2] == 0
            and np.abs(np.cumsum(np.sort(softmax(self.logits))[::-1]) - 0.7).min() > 0.01
            # One after the other: most draws end at the first.
            and are_apart(self.by_temperature(0.5))
            and are_apart(self.by_temperature(3.0))
            and are_apart(self.by_top_k())
            and are_apart(self.by_top_p())
            and are_apart(self.by_order())
        )


@functools.cache
def numbers(seed: int) -> Numbers:
    """Draws until the known mistakes can be told apart."""
    rng = np.random.default_rng([seed, 14])
    while True:
        table = Table.draw(rng)
        prompt: list[int] = rng.choice(VOCAB_SIZE, size=3, replace=False).tolist()
        third = table.chain(prompt[-1], 3)[-1]
        many = (rng.permutation(1000) / 4 - 300).astype(np.float32)  # no two are equal, and all are below 0
        drawn = Numbers(table.exchanged(third, 0), exchanged(prompt, third, 0), many)
        if drawn.tells:
            return drawn


# --- choose_token -----------------------------------------------------------------------------


def _which_distribution(
    name: str,
    known: Known,
    right: str,
    given: Numbers,
    *,
    shift: float = 0.0,
    draws: int = DRAWS,
    advice: str = "",
    wrong: Sequence[tuple[object, str]] = (),
    **sampling: object,
) -> Expectation:
    """Expects that many draws come from a distribution; `known` are the logits of those that may be met.

    `shift` is added to the logits: that changes no distribution.
    """
    logits = given.logits + np.float32(shift)

    def evaluate(code: Code, _: RunnableSubjects) -> list[object]:
        rng = np.random.default_rng(0)
        return [as_token(code[14].choose_token(logits.copy(), rng=rng, **sampling)) for _ in range(draws)]

    def read(answer: Any) -> str:
        if (odd := _no_token(answer, draws)) is not None:
            return odd
        drawn = np.bincount(answer, minlength=VOCAB_SIZE) / draws
        for known_name, logits in known.items():
            expected = softmax(logits)
            if distance(drawn, expected) < SAME and not drawn[expected == 0].any():
                return known_name
        return f"another distribution: token {drawn.argmax()} was drawn {100 * drawn.max():.0f} % of the time"

    return Expectation(name, evaluate, right, wrong=tuple(wrong), advice=advice, part="choose_token", read=read)


def _no_token(answer: object, count: int) -> str | None:
    """What is wrong with a list of so many tokens, if anything is."""
    if not isinstance(answer, list) or len(answer) != count:
        return "no tokens"
    odd = next((token for token in answer if type(token) is not int or not 0 <= token < VOCAB_SIZE), None)
    return None if odd is None else f"{odd!r}, which is no token"


def _drawn_twice(given: Numbers) -> Evaluate:
    """20 tokens from a generator, and again from another one in the same state."""

    def evaluate(code: Code, _: RunnableSubjects) -> list[list[object]]:
        generators = [np.random.default_rng(8), np.random.default_rng(8)]
        return [
            [as_token(code[14].choose_token(given.logits.copy(), temperature=1e3, rng=rng)) for _draw in range(20)]
            for rng in generators
        ]

    return evaluate


def _choose_token(given: Numbers) -> tuple[Expectation, ...]:
    temperature_advice = (
        (
            "logits * temperature",
            "The temperature is multiplied. Divide the logits by it: a high temperature must flatten the distribution.",
        ),
        ("the logits as they are", "The temperature has no effect. Divide the logits by it before the softmax."),
        (
            "the largest logit alone",
            "This is always the most likely token. With a temperature above 0, draw a token at random.",
        ),
    )
    not_cut = (
        ("nothing cut off", "All tokens can still be drawn. Set the logits to cut off to -inf before the softmax."),
    )
    rows = given.table.logits
    return (
        Expectation(
            "with temperature 0, the next token is the one with the largest logit",
            lambda code, _: [as_token(code[14].choose_token(row.copy())) for row in rows],
            rows.argmax(-1).tolist(),
            wrong=((rows.argmin(-1).tolist(), "These are the smallest logits: use `np.argmax`."),),
            advice="Return the index of the largest logit, as an int.",
            part="choose_token",
        ),
        Expectation(
            "with temperature 0, top_k and top_p change nothing",
            lambda code, _: as_token(
                code[14].choose_token(given.logits.copy(), temperature=0.0, top_k=3, top_p=0.5, rng=None)
            ),
            int(given.logits.argmax()),
            advice="Return the index of the largest logit before you cut anything off.",
            part="choose_token",
        ),
        *(
            raises(
                f"choose_token(logits, {', '.join(f'{name}={value}' for name, value in bad.items())}) is rejected",
                lambda code, bad=bad: code[14].choose_token(given.logits.copy(), **bad),
                part="choose_token",
                advice="Raise a ValueError that says what is wrong and what is allowed, before you look at the logits.",
            )
            for bad in (
                {"temperature": -1.0},
                {"temperature": -1e-3},
                {"temperature": float("nan")},
                {"temperature": float("inf")},
                {"temperature": float("-inf")},
                {"temperature": 1.0, "top_k": 0},
                {"temperature": 1.0, "top_p": 0.0},
                {"temperature": 1.0, "top_p": 1.5},
                # NumPy has errors of its own where nothing is left to draw from; with temperature 0 nothing is drawn.
                {"top_k": 0},
                {"top_k": -1},
                {"top_p": 0.0},
                {"top_p": -0.5},
                {"top_p": 1.5},
                {"top_p": float("nan")},
            )
        ),
        *(
            _which_distribution(
                f"with temperature {temperature}, tokens are drawn from softmax(logits / temperature)",
                given.by_temperature(temperature),
                "logits / temperature",
                given,
                wrong=temperature_advice,
                temperature=temperature,
            )
            for temperature in (0.5, 3.0)
        ),
        *(
            _which_distribution(
                f"with temperature 0.01 and {size} logits, tokens are still drawn from softmax(logits / temperature)",
                {
                    "logits / temperature": (given.logits + np.float32(shift)).astype(np.float64) / 0.01,
                    **{name: logits for name, logits in given.by_temperature(0.01).items() if "as they are" in name},
                },
                "logits / temperature",
                given,
                shift=shift,
                advice="Subtract the largest logit from all of them before you take `np.exp`: then the largest "
                "exponential is exp(0) = 1, and none can overflow.",
                temperature=0.01,
            )
            for size, shift in (("large", 30.0), ("very negative", -30.0))
        ),
        _which_distribution(
            "with top_k=3, only the three tokens with the largest logits are drawn",
            given.by_top_k(),
            "the 3 largest",
            given,
            wrong=not_cut,
            advice="Keep the three largest logits, set the others to -inf, and draw from the softmax of what is left.",
            temperature=1.0,
            top_k=3,
        ),
        _which_distribution(
            "top_k larger than the vocabulary and top_p=1 change nothing",
            {"all tokens": given.logits},
            "all tokens",
            given,
            advice="Cut off only if there is something to cut: `if top_k is not None and top_k < logits.size`.",
            temperature=1.0,
            top_k=VOCAB_SIZE + 5,
            top_p=1.0,
        ),
        _which_distribution(
            "with top_p=0.7, only the likeliest tokens that together reach 0.7 are drawn",
            given.by_top_p(),
            "up to and including the one that reaches top_p",
            given,
            wrong=(
                *not_cut,
                (
                    "without the one that reaches top_p",
                    "The token that brings the sum to top_p still belongs to the set.",
                ),
            ),
            advice="Sort by probability, sum from the top, and keep a token if those before it have not reached top_p.",
            temperature=1.0,
            top_p=0.7,
        ),
        _which_distribution(
            "top_k=1 leaves the most likely token",
            {"the largest logit alone": given.best_alone},
            "the largest logit alone",
            given,
            draws=50,
            temperature=3.0,
            top_k=1,
        ),
        _which_distribution(
            "with temperature=3, top_k=5 and top_p=0.5, each works on what the one before it left",
            given.by_order(),
            IN_ORDER,
            given,
            wrong=(
                ("the temperature last", "Divide by the temperature first: top_p sums the probabilities after that."),
                (
                    "top_p before top_k",
                    "Apply top_k before top_p, which sums the probabilities of the tokens that top_k has left.",
                ),
            ),
            advice="First divide by the temperature, then apply top_k, then top_p, and draw from the softmax of what "
            "is left.",
            temperature=3.0,
            top_k=5,
            top_p=0.5,
        ),
        Expectation(
            "without `rng`, choose_token draws other tokens each time",
            lambda code, _: _twice(lambda: code[14].choose_token(given.logits.copy(), temperature=1e3)),
            OTHERS_EACH_TIME,
            advice="Where `rng` is None, make a generator without a seed, `np.random.default_rng()`. Draw with the "
            "generator: `rng.choice(…)`, not `np.random.choice(…)`.",
            part="choose_token",
            read=_whether_random,
        ),
        Expectation(
            "which of 1000 tokens are ever drawn with top_k=2, 5 and 8",
            _all_that_are_drawn(given),
            [sorted(np.argsort(-given.many)[:k].tolist()) for k in (2, 5, 8)],
            advice="top_k=k keeps the k largest logits, wherever they are, and with any vocabulary.",
            part="choose_token",
            read=lambda answer: [sorted(set(tokens)) for tokens in answer],
        ),
        Expectation(
            "how many of four equally likely tokens are drawn with top_p=0.5",
            lambda code, _: len(
                {
                    as_token(code[14].choose_token(np.zeros(4, np.float32), temperature=1.0, top_p=0.5, rng=rng))
                    for rng in [np.random.default_rng(0)]
                    for _draw in range(100)
                }
            ),
            2,
            wrong=(
                (
                    3,
                    "Two of them have the probability 0.5 together, so the set is complete: it must reach top_p, and "
                    "need not exceed it.",
                ),
            ),
            advice="Keep the smallest set whose probabilities sum to at least top_p.",
            part="choose_token",
        ),
        _which_distribution(
            "a very small top_p leaves the most likely token",
            {"the largest logit alone": given.best_alone},
            "the largest logit alone",
            given,
            draws=50,
            advice="The set is never empty: the most likely token always stays.",
            temperature=1.0,
            top_p=1e-6,
        ),
        Expectation(
            "with the same generator, choose_token draws the same tokens",
            _drawn_twice(given),
            True,
            wrong=((False, "Draw with the generator that is given: `rng.choice(…)`, not `np.random.choice(…)`."),),
            part="choose_token",
            read=lambda answer: (
                answer[0] == answer[1] if isinstance(answer, list) and len(answer) == 2 else "no tokens"
            ),
        ),
    )


def _twice(draw: Callable[[], object]) -> list[list[object]]:
    """Two runs of 20 draws. NumPy's old global generator starts with the same seed in both: it is no source."""
    runs = []
    for _run in range(2):
        np.random.seed(0)
        runs.append([as_token(draw()) for _draw in range(20)])
    return runs


def _all_that_are_drawn(given: Numbers) -> Evaluate:
    """Many draws at a temperature so high that all that is left is equally likely, with top_k=2, 5 and 8."""

    def evaluate(code: Code, _: RunnableSubjects) -> list[list[object]]:
        rng = np.random.default_rng(0)
        return [
            [
                as_token(code[14].choose_token(given.many.copy(), temperature=1e6, top_k=k, rng=rng))
                for _draw in range(200)
            ]
            for k in (2, 5, 8)
        ]

    return evaluate


def _whether_random(answer: Any) -> str:
    """Whether two runs of 20 draws each are different, and each draws different tokens."""
    if not isinstance(answer, list) or len(answer) != 2 or any(_no_token(run, 20) for run in answer):
        return "no tokens"
    if min(len(set(run)) for run in answer) <= 3:
        return ALWAYS_THE_SAME
    return OTHERS_EACH_TIME if answer[0] != answer[1] else "the same tokens each time"


# --- generate_next_token ----------------------------------------------------------------------


def _next(code: Code, given: Numbers, model: StandIn | None = None, /, **sampling: object) -> object:
    model = StandIn(given.table) if model is None else model
    with watched(code[14]):
        return as_token(code[14].generate_next_token(model, list(given.prompt), **sampling))


def _what_the_model_gets(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> list[list[list[int]]]:
        model = StandIn(given.table)
        _next(code, given, model)
        return [ids.tolist() for ids in model.seen]

    return evaluate


def _handed_on(given: Numbers) -> Evaluate:
    """Tokens that come out otherwise if a setting does not reach `choose_token`."""

    def evaluate(code: Code, _: RunnableSubjects) -> dict[str, list[object]]:
        runs = []
        for _round in range(2):
            rng = np.random.default_rng(3)
            runs.append([_next(code, given, rng=rng, temperature=1e3) for _draw in range(20)])
        return {
            "temperature": [_next(code, given, rng=np.random.default_rng(seed), temperature=1e3) for seed in range(30)],
            "top_k": [
                _next(code, given, rng=np.random.default_rng(seed), top_k=1, temperature=1e3) for seed in range(30)
            ],
            "top_p": [
                _next(code, given, rng=np.random.default_rng(seed), top_p=1e-6, temperature=1e3) for seed in range(30)
            ],
            "rng": [token for run in runs for token in run],
        }

    return evaluate


def _not_handed_on(given: Numbers) -> Callable[[object], object]:
    """Which settings do not reach `choose_token`, by the tokens of `_handed_on`."""

    def read(answer: object) -> object:
        if not isinstance(answer, dict) or any(_no_token(answer.get(name), n) for name, n in lengths.items()):
            return "no tokens"
        first, second = answer["rng"][:20], answer["rng"][20:]
        # With a very high temperature and top_p=1e-6, what stays is the most likely token all the same.
        reached = {
            "temperature": len(set(answer["temperature"])) > 3,
            "top_k": set(answer["top_k"]) == {int(given.logits.argmax())},
            "top_p": set(answer["top_p"]) == {int(given.logits.argmax())},
            "rng": first == second and len(set(first)) > 3,
        }
        return [name for name in SETTINGS if not reached[name]]

    lengths = {"temperature": 30, "top_k": 30, "top_p": 30, "rng": 40}
    return read


def _generate_next_token(given: Numbers) -> tuple[Expectation, ...]:
    part = "generate_next_token"
    first_position = (
        "These are the logits of the first position. The prediction for the next token is at the last one: `[0, -1]`."
    )
    return (
        Expectation(
            "generate_next_token shows the model all tokens at once",
            _what_the_model_gets(given),
            [[given.prompt]],
            advice="Make an array of [input_ids] with dtype np.int64, and pass it to the model with "
            "Tensor.from_dlpack.",
            part=part,
        ),
        Expectation(
            "generate_next_token gives the token with the largest logit at the last position",
            lambda code, _: _next(code, given),
            given.table.best(given.prompt[-1]),
            wrong=(
                (given.table.best(given.prompt[0]), first_position),
                (
                    given.best_of_all_positions,
                    "This is the place of the largest logit among those of all positions. Take the last position of "
                    "the only row: `logits[0, -1]`.",
                ),
            ),
            advice="Take the logits of the last position, and hand them to `choose_token`.",
            part=part,
        ),
        Expectation(
            "the settings that generate_next_token does not pass on to choose_token",
            _handed_on(given),
            [],
            advice="Pass `temperature`, `top_k`, `top_p` and `rng` on by their names.",
            part=part,
            read=_not_handed_on(given),
        ),
        Expectation(
            "without `rng`, generate_next_token draws other tokens each time",
            lambda code, _: _twice(lambda: _next(code, given, temperature=1e6)),
            OTHERS_EACH_TIME,
            advice="`rng`, `top_k` and `top_p` are None unless they are given.",
            part=part,
            read=_whether_random,
        ),
        Expectation(
            "generate_next_token reads a prompt of one token too",
            lambda code, _: as_token(code[14].generate_next_token(StandIn(given.table), given.prompt[:1])),
            given.table.best(given.prompt[0]),
            part=part,
        ),
        raises(
            "generate_next_token rejects an empty prompt",
            lambda code: code[14].generate_next_token(StandIn(given.table), []),
            part=part,
            advice="Raise a ValueError that says what is wrong, before you run the model.",
        ),
    )


# --- generate_tokens --------------------------------------------------------------------------


def _tokens_of(given: Numbers, **options: float | None) -> Evaluate:
    """Makes the evaluation of an expectation: the tokens that `generate_tokens` yields."""
    options = {"n_positions": 8, "max_new_tokens": 6} | options

    def evaluate(code: Code, _: RunnableSubjects) -> list[object]:
        tokens = code[14].generate_tokens(StandIn(given.table), list(given.prompt), **options)
        return [as_token(token) for token in tokens]

    return evaluate


def _windows(given: Numbers, *sizes: int) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> list[list[list[int]]]:
        windows = []
        for n_positions in sizes:
            model = StandIn(given.table)
            list(code[14].generate_tokens(model, list(given.prompt), n_positions=n_positions, max_new_tokens=4))
            windows.append([ids[0].tolist() for ids in model.seen])
        return windows

    return evaluate


def _calls_for_first_token(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> int:
        model = StandIn(given.table)
        next(iter(code[14].generate_tokens(model, list(given.prompt), n_positions=8, max_new_tokens=4)))
        return len(model.seen)

    return evaluate


def _prompt_afterwards(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> list[int]:
        prompt = list(given.prompt)
        list(code[14].generate_tokens(StandIn(given.table), prompt, n_positions=8, max_new_tokens=2))
        return prompt

    return evaluate


def _runs(given: Numbers, seeds: Sequence[int | None], **options: float | None) -> Evaluate:
    """Makes the evaluation of an expectation: what `generate_tokens` yields with each of some seeds."""
    options = {"temperature": 3.0, "max_new_tokens": 20} | options

    def evaluate(code: Code, graphs: RunnableSubjects) -> list[object]:
        given_seeds: list[dict[str, float | None]] = [{} if seed is None else {"seed": seed} for seed in seeds]
        return [_tokens_of(given, **seed, **options)(code, graphs) for seed in given_seeds]

    return evaluate


def _settings_of_the_loop(given: Numbers) -> Evaluate:
    """Tokens that come out otherwise if a setting does not reach `generate_next_token`."""
    settings: dict[str, dict[str, float]] = {"temperature": {}, "top_k": {"top_k": 1}, "top_p": {"top_p": 1e-6}}

    def evaluate(code: Code, graphs: RunnableSubjects) -> dict[str, object]:
        return {
            name: _tokens_of(given, temperature=1e6, seed=5, max_new_tokens=20, **setting)(code, graphs)
            for name, setting in settings.items()
        }

    return evaluate


def _not_passed_by_the_loop(given: Numbers) -> Callable[[Any], object]:
    def read(answer: Any) -> object:
        if not isinstance(answer, dict) or any(_no_token(answer.get(name), 20) for name in SETTINGS[:3]):
            return "no tokens"
        best = given.table.chain(given.prompt[-1], 20)
        # At this temperature, what is left of a very small top_p is the most likely token by a hair's breadth.
        reached = {
            "temperature": len(set(answer["temperature"])) > 3 and answer["temperature"] != best,
            "top_k": answer["top_k"] == best,
            "top_p": answer["top_p"] == best,
        }
        return [name for name, arrives in reached.items() if not arrives]

    return read


def _calls_for_no_token(given: Numbers) -> Evaluate:
    def evaluate(code: Code, _: RunnableSubjects) -> tuple[list[object], int]:
        model = StandIn(given.table)
        tokens = list(code[14].generate_tokens(model, list(given.prompt), n_positions=8, max_new_tokens=0))
        return tokens, len(model.seen)

    return evaluate


def _compare_runs(answer: object) -> str:
    if not isinstance(answer, list) or len(answer) != 3 or any(_no_token(run, 20) for run in answer):
        return "no tokens"
    again, other = ("the same" if answer[0] == run else "different" for run in answer[1:])
    return f"{again} tokens with the same seed, {other} tokens with another"


def _kinds(answer: Any) -> str:
    if (odd := _no_token(answer, 20)) is not None:
        return odd
    return "many different tokens" if len(set(answer)) > 3 else ALWAYS_THE_SAME


def _continue(code: Code, graphs: RunnableSubjects) -> list[object]:
    """Continues a text with the shipped checkpoint."""
    model = bind(graphs[SHIPPED.name], stored_numbers.shipped_parameters(SHIPPED))
    prompt = stored_numbers.load_arrays(14)["prompt"].tolist()
    tokens = code[14].generate_tokens(model, prompt, n_positions=256, max_new_tokens=NEW_TOKENS)
    return [as_token(token) for token in tokens]


def _same_text(expected: list[int]) -> Callable[[object], str]:
    def read(answer: object) -> str:
        if answer == expected:
            return SAME_TEXT
        if not isinstance(answer, list):
            return "no tokens"
        pairs = enumerate(itertools.zip_longest(answer, expected))
        first = next(index for index, (got, wanted) in pairs if got != wanted)
        return f"different tokens from number {first} on: {answer[first : first + 5]} in place of " + str(
            expected[first : first + 5]
        )

    return read


def _generate_tokens(given: Numbers) -> tuple[Expectation, ...]:
    chain, windows = given.table.chain(given.prompt[-1], 6), (4, 2, 1, 7)
    return (
        Expectation(
            "generate_tokens appends each token and goes on from it",
            _tokens_of(given),
            chain,
            wrong=(
                (chain[:1] * 6, "The same token comes again and again: append each new one to the input."),
                (given.prompt + chain, "Yield the new tokens alone, without the prompt."),
                (
                    given.table.chain(given.prompt[-1], 7),
                    "This is one token too many: go through the loop exactly `max_new_tokens` times.",
                ),
            ),
        ),
        *(
            Expectation(
                f"generation stops after the end-of-text token {eos}, which is yielded too",
                _tokens_of(given, eos_token_id=eos),
                chain[:count],
                wrong=(
                    (
                        chain,
                        "It goes on after eos_token_id."
                        + (" 0 is a token like any other: compare with None, with `is None`." if eos == 0 else ""),
                    ),
                    (chain[: count - 1], "Yield the end-of-text token before you stop."),
                ),
            )
            for count in (3, 2, 1)
            for eos in chain[count - 1 : count]
        ),
        Expectation(
            "an end-of-text token in the prompt ends nothing",
            _tokens_of(given, eos_token_id=given.prompt[1]),
            until(chain, given.prompt[1]),
            advice="Compare the new token with `eos_token_id`, not those of the prompt.",
        ),
        Expectation(
            "max_new_tokens=0 yields nothing, and does not run the model",
            _calls_for_no_token(given),
            ([], 0),
            advice="Go through the loop `max_new_tokens` times: `for _ in range(max_new_tokens)`.",
        ),
        Expectation(
            "with n_positions=4, 2, 1 and 7, the model never sees more tokens than that, and always the last ones",
            _windows(given, *windows),
            [[(given.prompt + chain)[max(0, n - n_positions) : n] for n in range(3, 7)] for n_positions in windows],
            advice="For each n_positions, these are the tokens that the model gets. Show it `ids[-n_positions:]`.",
        ),
        Expectation(
            "the number of times that the model has run when the first token is yielded",
            _calls_for_first_token(given),
            1,
            advice="Write a generator: `yield` each token inside the loop, so that text can be shown as it comes.",
        ),
        Expectation(
            "the caller's list is as it was before",
            _prompt_afterwards(given),
            given.prompt,
            advice="Copy the prompt with `list(input_ids)` before you append to it.",
        ),
        Expectation(
            "the same seed gives the same tokens, another seed gives others",
            _runs(given, (0, 0, 6)),
            "the same tokens with the same seed, different tokens with another",
            wrong=(
                (
                    "different tokens with the same seed, different tokens with another",
                    f"Here the seed is 0, a number like any other. {ONE_GENERATOR}",
                ),
            ),
            advice=ONE_GENERATOR,
            read=_compare_runs,
        ),
        Expectation(
            "without a seed, generate_tokens draws other tokens each time",
            _runs(given, (None, None), temperature=1e6),
            OTHERS_EACH_TIME,
            advice="`np.random.default_rng(None)` gives another generator each time: pass the seed on as it comes.",
            read=_whether_random,
        ),
        raises(
            "generate_tokens rejects an empty prompt",
            lambda code: list(code[14].generate_tokens(StandIn(given.table), [], n_positions=8, max_new_tokens=1)),
            part="generate_tokens",
            advice="`generate_next_token` raises a ValueError already: let it pass.",
        ),
        Expectation(
            "with a very high temperature, one run draws many different tokens",
            # At this temperature all tokens are equally likely, whatever came before.
            _tokens_of(given, temperature=1e6, seed=5, max_new_tokens=20),
            "many different tokens",
            wrong=(
                (
                    ALWAYS_THE_SAME,
                    f"A new random generator for each token starts with the same number each time. {ONE_GENERATOR}",
                ),
            ),
            read=_kinds,
        ),
        Expectation(
            "the settings that generate_tokens does not pass on to generate_next_token",
            _settings_of_the_loop(given),
            [],
            advice="Pass `temperature`, `top_k` and `top_p` on by their names, and the generator as `rng`.",
            read=_not_passed_by_the_loop(given),
        ),
        Expectation(
            "your whole model continues a text as Hugging Face's does, token for token",
            _continue,
            SAME_TEXT,
            needs=(SHIPPED.name,),
            read=_same_text(stored_numbers.load_arrays(14)["greedy"][:NEW_TOKENS].tolist()),
        ),
    )


@functools.cache
def drawn(seed: int) -> tuple[Expectation, ...]:
    """The expectations, about numbers that are drawn with this seed."""
    given = numbers(seed)
    return (*_choose_token(given), *_generate_next_token(given), *_generate_tokens(given))


CHECK = Check(
    names=("choose_token", "generate_next_token", "generate_tokens"),
    subjects=(SHIPPED,),
    drawn=drawn,
    explain={
        "contain NaN": "Subtract the largest logit from all of them before you take `np.exp`. Otherwise a small "
        "temperature makes them so large that `np.exp` overflows, or so low that all exponentials are 0.",
        "do not sum to 1": "Convert the logits to float64 before the softmax: in float32, the rounded "
        "probabilities do not sum to 1 closely enough for `rng.choice`.",
    },
)
