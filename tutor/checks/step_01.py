"""The check of step 01: the configuration. Nothing is compiled: there are only expectations."""

from collections.abc import Callable

from tutor.checking.spec import Check, Code, Evaluate, Expectation, RunnableSubjects
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

OTHER: Settings = {
    "vocab_size": 61,
    "n_positions": 32,
    "n_embd": 36,
    "n_layer": 2,
    "n_head": 3,
    "n_inner": 40,
    "layer_norm_epsilon": 1e-3,
}


def value(name: str, **fields: object) -> Evaluate:
    """Evaluates one attribute of a configuration."""
    return lambda code, _: getattr(code[1].GPT2Config(**fields), name)


def error(**fields: object) -> Callable[[Code, RunnableSubjects], str]:
    """Evaluates which error these fields raise."""

    def evaluate(code: Code, _: RunnableSubjects) -> str:
        try:
            code[1].GPT2Config(**fields)
        except Exception as raised:
            return f"{type(raised).__name__}: {raised}"
        return NO_ERROR

    return evaluate


def refusal(name: str, size: int) -> Evaluate:
    """Evaluates whether the error for a bad size is a ValueError that names the field and the size."""
    # A bad n_inner is also a bad intermediate_size: either name tells the reader enough.
    names = ("n_inner", "intermediate_size") if name == "n_inner" else (name,)

    def evaluate(code: Code, subjects: RunnableSubjects) -> str:
        message = error(**{name: size})(code, subjects)
        named = any(known in message for known in names) and str(size) in message
        return refused(name, size) if message.startswith("ValueError") and named else message

    return evaluate


def refused(name: str, size: int) -> str:
    """The right answer to `refusal`."""
    return f"a ValueError whose message contains {name} and {size}"


def written(fields: Settings) -> str:
    """A call of `GPT2Config` as source code."""
    return f"GPT2Config({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


NO_ERROR = "no error"
SIZES = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner")
NOT_DIVISIBLE = ({"n_embd": 512, "n_head": 7}, {"n_embd": 36, "n_head": 8})

CHECK = Check(
    names=("GPT2Config",),
    explain={
        "cannot assign to field": "The dataclass is frozen: its fields keep the values that they were created with. "
        "Compute the width in the property `intermediate_size` instead.",
        "'NoneType' and 'int'": "`n_inner` may be None, which cannot be compared with a number. "
        "Test `size is not None` first.",
    },
    expectations=(
        *(
            Expectation(
                f"GPT2Config().{name}",
                value(name),
                expected,
                advice="The defaults are those of Hugging Face's `GPT2Config`: GPT-2 small (124M).",
                wrong=((3072, "Leave `n_inner` None by default: `intermediate_size` works out the width."),)
                if name == "n_inner"
                else (),
            )
            for name, expected in DEFAULTS.items()
        ),
        *(
            Expectation(
                f"GPT2Config(..., {name}={given!r}).{name}",
                value(name, **OTHER),
                given,
                advice=f"`{name}` must be a field of the dataclass, and keep the value that it is given.",
            )
            for name, given in OTHER.items()
        ),
        *(
            Expectation(
                f"{written(fields)}.head_dim",
                value("head_dim", **fields),
                expected,
                wrong=((float(expected), "Divide with `//`: a width is an integer, and `/` gives a float."),),
                advice="`head_dim` is a property: n_embd // n_head.",
            )
            for fields, expected in (({}, 64), ({"n_embd": 36, "n_head": 4}, 9), ({"n_embd": 10, "n_head": 1}, 10))
        ),
        *(
            Expectation(
                f"{written(fields)}.intermediate_size",
                value("intermediate_size", **fields),
                expected,
                wrong=((None, "If `n_inner` is None, the width is 4 * n_embd."),),
                advice="`intermediate_size` is a property: `n_inner` if it is set, else 4 * n_embd.",
            )
            for fields, expected in (({}, 3072), ({"n_embd": 36}, 144), ({"n_embd": 36, "n_inner": 40}, 40))
        ),
        *(
            Expectation(
                f"the error that {written(fields)} raises",
                error(**fields),
                f"ValueError: n_embd ({fields['n_embd']}) must be divisible by n_head ({fields['n_head']})",
                wrong=((NO_ERROR, "Compare `n_embd % n_head` with 0 in `__post_init__`, and raise a ValueError."),),
                advice="Raise a ValueError with exactly this message, and with the numbers that were given.",
            )
            for fields in NOT_DIVISIBLE
        ),
        *(
            Expectation(
                f"the error that GPT2Config({name}={size}) raises",
                refusal(name, size),
                refused(name, size),
                wrong=((NO_ERROR, f"A size must be at least 1. Check `{name}` in `__post_init__`, with `<= 0`."),),
                advice="Raise a ValueError that names the field and its value, before you divide by anything.",
            )
            for name in SIZES
            for size in (0, -12)
        ),
    ),
)
