"""Builds subjects."""

from collections.abc import Callable

from tutor.checking.spec import Code
from tutor.sizes import Settings


def built(step: int, name: str, settings: Settings) -> Callable[[Code], Callable[..., object]]:
    """Makes the `build` of a subject that takes only a configuration: `name(GPT2Config(...))`."""
    return lambda code: getattr(code[step], name)(code[1].GPT2Config(**settings))
