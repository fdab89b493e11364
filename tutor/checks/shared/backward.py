"""Traces a function of the learner's that goes back through a module: the module's parameters become inputs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tutor.checking.spec import Code, MisuseError
from tutor.sizes import Shapes, joined

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor


def parameters_in(name: str, shapes: Shapes) -> Shapes:
    """The parameters of a module that is the attribute of another one, called `name`."""
    return joined(**{name: shapes})


def with_module(
    name: str, make: Callable[[Code], object], call: Callable[..., object]
) -> Callable[[Code], "Callable[..., object]"]:
    """Makes the `build` of a subject: a module that holds another one.

    Args:
        name: what it calls the other one.
        make: makes that.
        call: what it does: it gets the code under test, the module that is held, and the arguments.
    """

    def build(code: Code) -> Callable[..., object]:
        from max.experimental.nn import Module

        class Holding(Module):
            def __init__(self) -> None:
                setattr(self, name, make(code))

            def forward(self, *arguments: "Tensor") -> object:
                return call(code, getattr(self, name), *arguments)

        return Holding()

    return build


def in_order(function: str, result: Any, first: str, names: Sequence[str]) -> tuple[object, ...]:
    """Takes apart what a backward pass returns: a tensor, and the gradients of the parameters by name.

    Args:
        function: its name, for errors.
        result: what it returned.
        first: what the tensor is called, for errors.
        names: the parameters.

    Raises:
        MisuseError: a gradient is missing, or is there under a name that no parameter has.
    """
    if not isinstance(result, tuple | list) or len(result) != 2 or not isinstance(result[1], dict):
        what = f"{len(result)} things" if isinstance(result, tuple | list) else f"a {type(result).__name__}"
        raise MisuseError(f"`{function}` returned {what}", f"return {first}, and a dict of the parameters' gradients")
    tensor, gradients = result
    missing = [name for name in names if name not in gradients]
    unknown = [name for name in gradients if name not in names]
    if missing:
        found = f"; {unknown[0]!r} is no parameter's name" if unknown else ""
        raise MisuseError(
            f"`{function}` returned no gradient named {missing[0]!r}{found}", "give each the name of its parameter"
        )
    if unknown:
        raise MisuseError(
            f"`{function}` returned a gradient named {unknown[0]!r}, and no parameter has that name", "leave it out"
        )
    return tensor, *(gradients[name] for name in names)
