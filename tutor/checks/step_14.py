"""The check of step 14: choosing tokens, and the loop around the model.

Most facts use a stand-in for the model: a table with one row of logits for each token, so
that the logits at a position depend on the token there and on nothing else. What is drawn
by chance is judged by how often each token comes in many draws.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tutor.checking import stored_numbers
from tutor.checking.spec import Check, Code, Expectation, RunnableSubjects
from tutor.checks.step_13 import SHIPPED

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

VOCAB_SIZE = 11
DRAWS = 2000
# The distance of two distributions is half the sum of the differences of their probabilities.
# With this many draws it is about 0.02 by chance alone.
SAME = 0.08

SAME_TEXT = "the same tokens"
ALWAYS_THE_SAME = "the same token 20 times"
ONE_DIE = "Make one `np.random.default_rng(seed)` before the loop, and pass it to every call as `rng`."

TABLE = 1.5 * np.random.default_rng(14).normal(size=(VOCAB_SIZE, VOCAB_SIZE)).astype(np.float32)
PROMPT = [3, 1, 4]
LOGITS = TABLE[PROMPT[-1]].astype(np.float64)


class StandIn:
    """Takes the place of a compiled model, and keeps what it was called with."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def __call__(self, input_ids: "Tensor") -> "Tensor":
        from max.experimental.tensor import Tensor

        ids = input_ids.to_numpy()
        self.seen.append(ids)
        return Tensor.from_dlpack(TABLE[ids])


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


def which_distribution(known: Mapping[str, np.ndarray], **sampling: float) -> Callable[[Code, RunnableSubjects], str]:
    """Makes the evaluation of a fact: the name of the distribution that the drawn tokens come from."""

    def evaluate(code: Code, executables: RunnableSubjects) -> str:
        rng, model = np.random.default_rng(0), StandIn()
        draws = [code[14].generate_next_token(model, list(PROMPT), rng=rng, **sampling) for _ in range(DRAWS)]
        drawn = np.bincount(draws, minlength=VOCAB_SIZE) / DRAWS
        for name, logits in known.items():
            expected = softmax(logits)
            if np.abs(drawn - expected).sum() / 2 < SAME and not drawn[expected == 0].any():
                return name
        return f"another distribution: token {drawn.argmax()} came in {100 * drawn.max():.0f} % of the draws"

    return evaluate


def error_of(call: Callable[[Code], object]) -> Callable[[Code, RunnableSubjects], str]:
    """Makes the evaluation of a fact: the type of the error that a call raises."""

    def evaluate(code: Code, executables: RunnableSubjects) -> str:
        try:
            result = call(code)
        except ValueError:
            return "ValueError"
        except NotImplementedError:
            raise
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return f"no error, but {result!r}"

    return evaluate


def tokens_of(**options: float) -> Callable[[Code, RunnableSubjects], list[int]]:
    """Makes the evaluation of a fact: the tokens that `generate_tokens` yields."""
    options = {"n_positions": 8, "max_new_tokens": 6} | options

    def evaluate(code: Code, executables: RunnableSubjects) -> list[int]:
        return [int(token) for token in code[14].generate_tokens(StandIn(), list(PROMPT), **options)]

    return evaluate


def greedy_chain(length: int) -> list[int]:
    """What greedy generation gives with the stand-in."""
    tokens = [int(TABLE[PROMPT[-1]].argmax())]
    while len(tokens) < length:
        tokens.append(int(TABLE[tokens[-1]].argmax()))
    return tokens


def _first_greedy(code: Code, executables: RunnableSubjects) -> int:
    return int(code[14].generate_next_token(StandIn(), list(PROMPT)))


def _what_the_model_gets(code: Code, executables: RunnableSubjects) -> str:
    model = StandIn()
    code[14].generate_next_token(model, list(PROMPT))
    return f"{model.seen[0].dtype} {model.seen[0].shape} {model.seen[0].ravel().tolist()}"


def _windows(code: Code, executables: RunnableSubjects) -> list[list[int]]:
    model = StandIn()
    list(code[14].generate_tokens(model, list(PROMPT), n_positions=4, max_new_tokens=4))
    return [ids[0].tolist() for ids in model.seen]


def _calls_for_first_token(code: Code, executables: RunnableSubjects) -> int:
    model = StandIn()
    next(iter(code[14].generate_tokens(model, list(PROMPT), n_positions=8, max_new_tokens=4)))
    return len(model.seen)


def _prompt_afterwards(code: Code, executables: RunnableSubjects) -> list[int]:
    prompt = list(PROMPT)
    list(code[14].generate_tokens(StandIn(), prompt, n_positions=8, max_new_tokens=2))
    return prompt


def _seeds(code: Code, executables: RunnableSubjects) -> str:
    runs = [tokens_of(temperature=1.0, seed=seed, max_new_tokens=20)(code, {}) for seed in (5, 5, 6)]
    again, other = ("same" if runs[0] == run else "other" for run in runs[1:])
    return f"{again} tokens again, {other} with another seed"


def _flat_draws(code: Code, executables: RunnableSubjects) -> str:
    # At this temperature all tokens are equally likely, whatever came before.
    tokens = tokens_of(temperature=1e6, seed=5, max_new_tokens=20)(code, {})
    return "tokens of all kinds" if len(set(tokens)) > 1 else ALWAYS_THE_SAME


def _greedy_shipped(code: Code, executables: RunnableSubjects) -> str:
    shipped = executables[SHIPPED.name]
    parameters = stored_numbers.shipped_parameters(SHIPPED)
    stored = stored_numbers.load_arrays(14)
    expected = stored["greedy"].tolist()
    tokens = code[14].generate_tokens(
        shipped.bind(parameters), stored["prompt"].tolist(), n_positions=256, max_new_tokens=len(expected)
    )
    got = [int(token) for token in tokens]
    if got == expected:
        return SAME_TEXT
    first = next(
        (i for i, (g, e) in enumerate(zip(got, expected, strict=False)) if g != e), min(len(got), len(expected))
    )
    return f"other tokens from number {first} on: {got[first : first + 5]} in place of {expected[first : first + 5]}"


FIRST_POSITION = (
    "These are the logits of the first position. The prediction for the next token is at the last one: `[0, -1]`."
)
TEMPERATURE = (
    ("logits * temperature", "The temperature is multiplied. Divide the logits by it: a high one must flatten them."),
    ("the logits as they are", "The temperature has no effect. Divide the logits by it before the softmax."),
    ("the largest logit alone", "This is always the best token. With a temperature above 0, draw by chance."),
)
GREEDY = np.where(LOGITS.max() == LOGITS, LOGITS, -np.inf)
NOT_CUT = (("nothing cut off", "All tokens can still come. Set the logits that fall away to -inf before the softmax."),)

CHECK = Check(
    names=("generate_next_token", "generate_tokens"),
    subjects=(SHIPPED,),
    expectations=(
        Expectation(
            "with temperature 0, the token that follows is the one with the largest logit",
            _first_greedy,
            int(TABLE[PROMPT[-1]].argmax()),
            wrong=((int(TABLE[PROMPT[0]].argmax()), FIRST_POSITION),),
            advice="Take the logits of the last position, and the index of the largest of them.",
        ),
        Expectation(
            "the model gets the tokens as int64 of shape (1, seq_len)",
            _what_the_model_gets,
            f"int64 (1, {len(PROMPT)}) {PROMPT}",
            advice="Make an array of [input_ids] with dtype np.int64, and hand it on with Tensor.from_dlpack.",
        ),
        *(
            Expectation(
                f"with temperature {temperature}, tokens are drawn from softmax(logits / temperature)",
                which_distribution(
                    {
                        "logits / temperature": LOGITS / temperature,
                        "logits * temperature": LOGITS * temperature,
                        "the logits as they are": LOGITS,
                        "the largest logit alone": GREEDY,
                    },
                    temperature=temperature,
                ),
                "logits / temperature",
                wrong=TEMPERATURE,
            )
            for temperature in (0.5, 3.0)
        ),
        Expectation(
            "with top_k=3, only the three tokens with the largest logits come",
            which_distribution(
                {"the 3 largest": keep_top_k(LOGITS, 3), "nothing cut off": LOGITS}, temperature=1.0, top_k=3
            ),
            "the 3 largest",
            wrong=NOT_CUT,
            advice="Keep the three largest logits, set the others to -inf, and draw from the softmax of what is left.",
        ),
        Expectation(
            "with top_p=0.7, only the likeliest tokens come that together reach 0.7",
            which_distribution(
                {
                    "up to and with the one that reaches top_p": keep_top_p(LOGITS, 0.7),
                    "without the one that reaches top_p": keep_top_p(LOGITS, 0.7, over=False),
                    "nothing cut off": LOGITS,
                },
                temperature=1.0,
                top_p=0.7,
            ),
            "up to and with the one that reaches top_p",
            wrong=(
                *NOT_CUT,
                (
                    "without the one that reaches top_p",
                    "The token that brings the sum to top_p still belongs to the set.",
                ),
            ),
            advice="Sort by probability, sum from the top, and keep a token if those before it have not reached top_p.",
        ),
        Expectation(
            "a very small top_p leaves the best token",
            which_distribution({"the largest logit alone": GREEDY}, temperature=1.0, top_p=1e-6),
            "the largest logit alone",
            advice="The set never becomes empty: the likeliest token always stays.",
        ),
        Expectation(
            "top_k larger than the vocabulary changes nothing",
            which_distribution({"all tokens": LOGITS}, temperature=1.0, top_k=VOCAB_SIZE + 5),
            "all tokens",
        ),
        *(
            Expectation(
                f"{name} is refused",
                error_of(lambda code, bad=bad: code[14].generate_next_token(StandIn(), *bad[0], **bad[1])),
                "ValueError",
                advice="Raise a ValueError that says what is wrong and what is allowed.",
            )
            for name, bad in {
                "an empty prompt": (([],), {}),
                "a negative temperature": ((PROMPT,), {"temperature": -1.0}),
                "a temperature that is not a number": ((PROMPT,), {"temperature": float("nan")}),
                "an infinite temperature": ((PROMPT,), {"temperature": float("inf")}),
                "top_k=0": ((PROMPT,), {"temperature": 1.0, "top_k": 0}),
                "top_p=0": ((PROMPT,), {"temperature": 1.0, "top_p": 0.0}),
                "top_p=1.5": ((PROMPT,), {"temperature": 1.0, "top_p": 1.5}),
            }.items()
        ),
        Expectation(
            "generate_tokens appends each token and goes on from it",
            tokens_of(),
            greedy_chain(6),
            wrong=(
                (greedy_chain(1) * 6, "The same token comes again and again: append each new one to the input."),
                (PROMPT + greedy_chain(6), "Yield the new tokens alone, without the prompt."),
            ),
        ),
        Expectation(
            "generation stops after the end-of-text token, which is yielded too",
            tokens_of(eos_token_id=greedy_chain(3)[-1]),
            greedy_chain(3),
            wrong=(
                (greedy_chain(6), "It goes on after eos_token_id."),
                (greedy_chain(2), "Yield the end-of-text token before you stop."),
            ),
        ),
        Expectation(
            "the model never sees more than n_positions tokens, and always the last ones",
            _windows,
            [(PROMPT + greedy_chain(4))[max(0, n - 4) : n] for n in range(3, 7)],
            advice="Hand on `ids[-n_positions:]`.",
        ),
        Expectation(
            "each token is yielded before the next one is computed",
            _calls_for_first_token,
            1,
            advice="Write a generator: `yield` each token inside the loop, so that text can be shown as it comes.",
        ),
        Expectation(
            "the caller's list is as it was before",
            _prompt_afterwards,
            PROMPT,
            advice="Copy the prompt with `list(input_ids)` before you append to it.",
        ),
        Expectation(
            "the same seed gives the same tokens, another seed other ones",
            _seeds,
            "same tokens again, other with another seed",
            advice=ONE_DIE,
        ),
        Expectation(
            "with a very high temperature, one run draws tokens of all kinds",
            _flat_draws,
            "tokens of all kinds",
            wrong=((ALWAYS_THE_SAME, f"A new die for each token begins with the same throw each time. {ONE_DIE}"),),
        ),
        Expectation(
            "your whole model continues a text as Hugging Face's does, token for token",
            _greedy_shipped,
            SAME_TEXT,
            needs=(SHIPPED.name,),
        ),
    ),
)
