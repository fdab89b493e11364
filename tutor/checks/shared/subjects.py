"""How subjects are built."""

from collections.abc import Callable

from tutor.checking.spec import Code
from tutor.sizes import Settings


def built(step: int, name: str, settings: Settings) -> Callable[[Code], Callable[..., object]]:
    """How a subject is built that takes a configuration and nothing else: `name(GPT2Config(...))`."""
    return lambda code: getattr(code[step], name)(code[1].GPT2Config(**settings))
