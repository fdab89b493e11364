"""Says what stands where a module should have a parameter: an array, a class, a local variable."""

from collections.abc import Iterable

_NOTHING = object()


def what_stands_there(module: object, names: Iterable[str]) -> dict[str, str]:
    """Advice for each of these parameters in whose place something else stands.

    Args:
        module: as the code under test made it.
        names: of the parameters that it should have: "c_attn.weight".
    """
    told = {name: _advice(module, name) for name in names}
    return {name: advice for name, advice in told.items() if advice}


def _advice(module: object, name: str) -> str:
    from max.experimental.nn import Module
    from max.experimental.tensor import Tensor

    owner, *path = module, *name.split(".")
    for place, attribute in enumerate(path):
        value = _entry(owner, attribute)
        written = ".".join(["self", *path[: place + 1]])
        if value is _NOTHING:
            return _forgotten(owner, attribute) if place == 0 else ""
        if isinstance(value, type):
            return (
                f"`{written}` is the class itself. Call it, with its arguments in parentheses: `{value.__name__}(…)`."
            )
        if value is None or (isinstance(value, int) and not value):
            return ""  # MAX's layers keep 0 in place of a bias that they lack
        last = place == len(path) - 1
        if last and isinstance(value, Module):
            return f"`{written}` is a layer, {_a(value)}, with parameters of its own. Make it a tensor of that shape."
        if not isinstance(value, Module | Tensor | list | tuple) or (last and isinstance(value, list | tuple)):
            return (
                f"`{written}` is {_a(value)}, and only a tensor is a parameter. "
                "Make it with `Tensor.zeros([…])`, `Tensor.ones([…])` or `random.normal([…])`."
            )
        owner = value
    return ""


def _entry(owner: object, attribute: str) -> object:
    if attribute.isdigit():
        try:
            return list(owner)[int(attribute)]  # type: ignore[call-overload]
        except (TypeError, IndexError):
            return _NOTHING
    return vars(owner).get(attribute, _NOTHING) if hasattr(owner, "__dict__") else _NOTHING


def _forgotten(owner: object, attribute: str) -> str:
    """Advice if `__init__` made it, but did not store it on self."""
    code = getattr(type(owner).__init__, "__code__", None)
    if code is None or attribute not in code.co_varnames[code.co_argcount + code.co_kwonlyargcount :]:
        return ""
    return f"`{attribute}` is a local variable of `__init__`, and is gone when that ends. Write `self.{attribute} = …`."


def _a(value: object) -> str:
    kind = type(value).__name__
    if kind == "ndarray":
        return "a NumPy array"
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} `{kind}`"
