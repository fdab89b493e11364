"""Builds subjects, and says how large the model is that comes with the course."""

from collections.abc import Callable

from tutor.checking.spec import Code
from tutor.sizes import Settings

# The settings of the checkpoint that comes with the course.
SHIPPED: Settings = {"vocab_size": 1024, "n_positions": 256, "n_embd": 192, "n_layer": 4, "n_head": 6}


def built(step: int, name: str, settings: Settings) -> Callable[[Code], Callable[..., object]]:
    """Makes the `build` of a subject that takes only a configuration: `name(GPT2Config(...))`."""
    return lambda code: getattr(code[step], name)(code[1].GPT2Config(**settings))
