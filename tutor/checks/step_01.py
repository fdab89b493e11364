"""The check of step 01: the configuration. Nothing is compiled: it is asked for sizes that are drawn for each check."""

import functools
from collections.abc import Callable, Sequence

import numpy as np

from tutor.checking.spec import Check, Evaluate, Expectation
from tutor.checks.shared.expectations import NO_ERROR, error_in_words, outcome
from tutor.sizes import Settings

# Those of Hugging Face's `GPT2Config`; a test compares them.
DEFAULTS: Settings = {
    "vocab_size": 50257,
    "n_positions": 1024,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_inner": None,
    "layer_norm_epsilon": 1e-5,
}


def value(name: str, **fields: object) -> Evaluate:
    """Evaluates one attribute of a configuration."""
    return lambda code, _: getattr(code[1].GPT2Config(**fields), name)


def error(**fields: object) -> Evaluate:
    """Evaluates which error these fields raise."""
    return lambda code, _: outcome(lambda: code[1].GPT2Config(**fields))


def refusal(name: str, size: int) -> Callable[[object], str]:
    """Reads whether the error for a bad size is a ValueError that names the field and the size."""
    # A bad n_inner is also a bad intermediate_size: either name tells the reader enough.
    names = ("n_inner", "intermediate_size") if name == "n_inner" else (name,)

    def read(answer: object) -> str:
        message = error_in_words(answer)
        named = any(known in message for known in names) and str(size) in message
        return refused(name, size) if message.startswith("ValueError") and named else message

    return read


def refused(name: str, size: int) -> str:
    """The right answer to `refusal`."""
    return f"a ValueError whose message contains {name} and {size}"


def written(fields: Settings) -> str:
    """A call of `GPT2Config` as source code."""
    return f"GPT2Config({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


SIZES: Sequence[str] = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner")
CHECKED, HEAD_DIM, WIDTH = "GPT2Config.__post_init__", "GPT2Config.head_dim", "GPT2Config.intermediate_size"


def _defaults() -> tuple[Expectation, ...]:
    return tuple(
        Expectation(
            f"GPT2Config().{name}",
            value(name),
            expected,
            advice="The defaults are those of Hugging Face's `GPT2Config`: GPT-2 small (124M).",
            wrong=((3072, "Leave `n_inner` None by default: `intermediate_size` works out the width."),)
            if name == "n_inner"
            else (),
            part=CHECKED,
        )
        for name, expected in DEFAULTS.items()
    )


def _fields(rng: np.random.Generator) -> Settings:
    """A configuration with other values than the defaults, no two of them equal."""
    n_head, head_dim, *others = (int(size) for size in 2 + rng.permutation(40)[:6])
    names = ("vocab_size", "n_positions", "n_layer", "n_inner")
    sizes = dict(zip(names, others, strict=True)) | {"n_head": n_head, "n_embd": n_head * head_dim}
    return {name: sizes[name] for name in SIZES} | {"layer_norm_epsilon": float(rng.integers(1, 100)) / 1000}


@functools.cache
def drawn(seed: int) -> tuple[Expectation, ...]:
    """The expectations, about sizes that are drawn with this seed."""
    rng = np.random.default_rng([seed, 1])
    other = _fields(rng)
    heads = [{}, *({name: fields[name] for name in ("n_embd", "n_head")} for fields in map(_fields, [rng] * 2))]
    widths = [{}, {"n_embd": 12 * int(rng.integers(2, 60))}, {"n_embd": 24, "n_inner": int(rng.integers(30, 90))}]
    multiple, rest = int(rng.integers(2, 60)), int(rng.integers(1, 7))
    not_divisible: tuple[Settings, ...] = (
        {"n_embd": 512, "n_head": 7},
        {"n_embd": 8 * multiple + rest, "n_head": 8},
        {"n_embd": multiple, "n_head": 2 * multiple},
    )
    ones: Settings = {name: 1 for name in SIZES}
    negative = -int(rng.integers(1, 100))
    return (
        *(
            Expectation(
                f"GPT2Config(..., {name}={given!r}).{name}",
                value(name, **other),
                given,
                advice=f"`{name}` must be a field of the dataclass, and keep the value that it is given.",
                part=CHECKED,
            )
            for name, given in other.items()
        ),
        *(
            Expectation(
                f"the error that GPT2Config({name}={size}) raises",
                error(**{name: size}),
                refused(name, size),
                wrong=((NO_ERROR, f"A size must be at least 1. Check `{name}` in `__post_init__`, with `<= 0`."),),
                advice="Raise a ValueError that names the field and its value, before you divide by anything.",
                part=CHECKED,
                read=refusal(name, size),
            )
            for name in SIZES
            for size in (0, negative)
        ),
        Expectation(
            f"the error that {written(ones)} raises",
            error(**ones),
            NO_ERROR,
            advice="A size of 1 is small, but possible: reject only what is below 1, with `<= 0`.",
            part=CHECKED,
            read=error_in_words,
        ),
        *(
            Expectation(
                f"the error that {written(fields)} raises",
                error(**fields),
                f"ValueError: n_embd ({fields['n_embd']}) must be divisible by n_head ({fields['n_head']})",
                wrong=((NO_ERROR, "Compare `n_embd % n_head` with 0 in `__post_init__`, and raise a ValueError."),),
                advice="Raise a ValueError with exactly this message, and with the numbers that were given.",
                part=CHECKED,
                read=error_in_words,
            )
            for fields in not_divisible
        ),
        *(
            Expectation(
                f"{written(fields)}.head_dim",
                value("head_dim", **fields),
                expected,
                wrong=((float(expected), "Divide with `//`: a width is an integer, and `/` gives a float."),),
                advice="`head_dim` is a property: n_embd // n_head.",
                part=HEAD_DIM,
            )
            for fields in heads
            for expected in [fields.get("n_embd", 768) // fields.get("n_head", 12)]
        ),
        *(
            Expectation(
                f"{written(fields)}.intermediate_size",
                value("intermediate_size", **fields),
                fields.get("n_inner", 4 * fields.get("n_embd", 768)),
                wrong=((None, "If `n_inner` is None, the width is 4 * n_embd."),),
                advice="`intermediate_size` is a property: `n_inner` if it is set, else 4 * n_embd.",
                part=WIDTH,
            )
            for fields in widths
        ),
    )


CHECK = Check(
    names=("GPT2Config",),
    explain={
        "cannot assign to field": "The dataclass is frozen: its fields keep the values that they were created with. "
        "Compute the width in the property `intermediate_size` instead.",
        "'NoneType' and 'int'": "`n_inner` may be None, which cannot be compared with a number. "
        "Test `size is not None` first.",
    },
    expectations=_defaults(),
    drawn=drawn,
)
