"""Expectations that several checks share, and what they are made of."""

from collections.abc import Callable, Sequence

from tutor.checking.spec import Code, Expectation

NO_ERROR = "no error"


def is_graph_operation(step: int, name: str) -> Expectation:
    """Whether the function is decorated with `@F.functional`: then it carries the operation that it wraps."""
    return Expectation(
        f"{name} is decorated with @F.functional",
        lambda code, graphs: hasattr(getattr(code[step], name), "graph_op"),
        True,
        advice="Write @F.functional on the line above `def`: then its operations run as one graph.",
        part=name,
    )


def outcome(call: Callable[[], object]) -> dict[str, object]:
    """Calls a function, and gives what came of it as plain data: the error that it raised, or that there was none.

    That a function is not filled in yet is no outcome: this error goes on.
    """
    try:
        call()
    except NotImplementedError:
        raise
    except Exception as error:
        return {"raised": [kind.__name__ for kind in type(error).__mro__], "message": str(error)}
    return {"raised": [], "message": ""}


def error_in_words(answer: object) -> str:
    """An `outcome` in words: "ValueError: n_head (0) must be greater than 0", or "no error"."""
    match answer:
        case {"raised": [kind, *_], "message": message}:
            return f"{kind}: {message}"
        case {"raised": []}:
            return NO_ERROR
    return f"something else: {answer!r}"


def value_error_that_names(*parts: str) -> str:
    """The right answer where a call must raise a ValueError with these parts in its message."""
    *others, last = parts or ("",)
    named = " and ".join(filter(None, [", ".join(others), last]))
    return f"a ValueError that names {named}" if named else "a ValueError"


def raises(
    name: str,
    call: Callable[[Code], object],
    *parts: str,
    part: str,
    wrong: Sequence[tuple[object, str]] = (),
    advice: str = "",
    late: str = "",
) -> Expectation:
    """Expects a ValueError.

    Args:
        name: the question, in words.
        call: what must raise it.
        parts: what the message must name.
        part, wrong, advice: as in `Expectation`.
        late: a part of the message of other ValueErrors, which come from MAX and not from the code.
    """
    right = value_error_that_names(*parts)

    def read(answer: object) -> str:
        told = error_in_words(answer)
        if not isinstance(answer, dict) or "ValueError" not in answer.get("raised", ()):
            return told
        if late and late in told:
            return MAXS_ERROR
        message = str(answer.get("message"))
        missing = next((named for named in parts if named not in message), None)
        return right if missing is None else f"a ValueError that does not name {missing}: {message}"

    return Expectation(
        name,
        lambda code, graphs: outcome(lambda: call(code)),
        right,
        wrong=tuple(wrong),
        advice=advice,
        part=part,
        read=read,
    )


MAXS_ERROR = "an error of MAX's, from inside an operation"
