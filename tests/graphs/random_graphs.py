"""Random small graphs over all operations, to compare the evaluator with MAX.

Hypothesis draws a plan: numbers for the inputs, and for each operation those that it is chosen by. A plan makes the
same graph whenever it is carried out, and a shorter plan a smaller one. `draw_graphs` gives as many as are asked for,
always the same ones.

What rounding can turn around, a comparison or a rounding to integers, is applied only to tensors that hold exactly the
same numbers on both sides: inputs, and what is made of them by moving numbers about. Magnitudes are bounded, so that
nothing overflows and no error grows.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import DeviceRef, TensorType

from tutor.graphs.tensor_spec import TensorSpec

SIZES = {"n": 3, "m": 5}
OPERATIONS_PER_GRAPH = 14
SPECS = (
    TensorSpec("float32", ("n", 4, 6)),
    TensorSpec("float32", ("m", 6)),
    TensorSpec("float32", (6, 5)),
    TensorSpec("int64", ("n", 4)),
    TensorSpec("float32", (7,)),
)

# Attempts to add an operation: in about half of them, what was chosen does not go together.
_MOST_ATTEMPTS = 40
# More choices than the makers below make.
_CHOICES_PER_ATTEMPT = 16
_MOST_CHOICES = 2**16

# Hypothesis also tries the constants of the modules that happen to be loaded. Beyond them it draws the same everywhere.
_BEYOND_CONSTANTS = 2**80

_DRAWN_FOR_EACH_KEPT = 12
_LARGEST = 1e3
_MOST_ELEMENTS = 2000


@dataclass(frozen=True)
class Item:
    """A tensor while the graph is drawn.

    Args:
        tensor: the tensor.
        sizes: its shape, with the inputs that it will be run on.
        kind: "f" for float32, "i" for int64, "b" for bool.
        exact: MAX and the evaluator must agree on each bit.
        bound: no number is larger than this.
    """

    tensor: Tensor
    sizes: tuple[int, ...]
    kind: str = "f"
    exact: bool = False
    bound: float = 1.0

    @property
    def rank(self) -> int:
        return len(self.sizes)


_Any = TypeVar("_Any")


class Choices:
    """Makes choices by numbers that were drawn before; the first one when there are no numbers left."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = list(reversed(numbers))

    def below(self, count: int) -> int:
        """A whole number from 0, less than `count`."""
        return self._numbers.pop() % count if self._numbers else 0

    def between(self, start: int, end: int) -> int:
        """A whole number from `start`, less than `end`."""
        return start + self.below(end - start)

    def one_of(self, items: Sequence[_Any]) -> _Any:
        """One of the items."""
        return items[self.below(len(items))]

    def some_of(self, items: Sequence[_Any], count: int) -> list[_Any]:
        """So many of the items, in any order, each at most once."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(count)]

    def yes_or_no(self) -> bool:
        """True or False."""
        return self.below(2) == 1


@dataclass(frozen=True)
class RandomGraph:
    """A graph that Hypothesis has drawn.

    Args:
        attempts: for each attempt to add an operation, the numbers by which it is chosen.
        inputs: for the arguments, whose types are `SPECS`.
    """

    attempts: Sequence[Sequence[int]]
    inputs: Sequence[np.ndarray]

    def function(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Makes the operations, and gives all that they make."""
        pool = [
            Item(tensor, array.shape, "i" if array.dtype.kind == "i" else "f", exact=True, bound=_largest(array))
            for tensor, array in zip(tensors, self.inputs, strict=True)
        ]
        drawn: list[Item] = []
        for numbers in self.attempts:
            choices = Choices(numbers)
            for item in choices.one_of(_MAKERS)(choices, _pick(choices, pool), pool):
                if item.bound <= _LARGEST and np.prod(item.sizes) <= _MOST_ELEMENTS:
                    pool.append(item)
                    drawn.append(item)
            if len(drawn) >= OPERATIONS_PER_GRAPH:
                break
        # A graph must have a result.
        return tuple(item.tensor for item in drawn) or (F.negate(tensors[0]),)


def _largest(array: np.ndarray) -> float:
    return float(np.abs(array).max())


def _below(count: int) -> st.SearchStrategy[int]:
    """Whole numbers from 0, less than `count`."""
    return st.integers(_BEYOND_CONSTANTS, _BEYOND_CONSTANTS + count - 1).map(lambda number: number - _BEYOND_CONSTANTS)


def _inputs(spec: TensorSpec) -> st.SearchStrategy[np.ndarray]:
    """Whole numbers, or quarters: sums and comparisons of them are exact, and some are equal."""
    shape = tuple(dim if isinstance(dim, int) else SIZES[dim] for dim in spec.dims)
    if spec.dtype == "int64":
        return arrays.arrays(np.int64, shape, elements=_below(19).map(lambda number: number - 9), fill=st.nothing())
    quarters = _below(25).map(lambda number: (number - 12) / 4)
    return arrays.arrays(np.float32, shape, elements=quarters, fill=st.nothing())


def random_graphs() -> st.SearchStrategy[RandomGraph]:
    """Draws graphs, with inputs for them."""
    attempt = st.lists(_below(_MOST_CHOICES), min_size=_CHOICES_PER_ATTEMPT, max_size=_CHOICES_PER_ATTEMPT)
    attempts = st.lists(attempt, min_size=_MOST_ATTEMPTS // 2, max_size=_MOST_ATTEMPTS)
    return st.builds(RandomGraph, attempts, st.tuples(*map(_inputs, SPECS)))


class _Enough(BaseException):
    """Ends the drawing. Hypothesis takes an `Exception` for a failure of the test, and draws it again."""


def draw_graphs(count: int) -> list[RandomGraph]:
    """So many graphs, for the same number always the same ones.

    They are only drawn here: then they can all be compiled as one module. Hypothesis repeats parts of what it has
    drawn; graphs with such parts are left out, since MAX would compile the same operations again.
    """
    kept: list[RandomGraph] = []
    seen: set[tuple[int, ...]] = set()

    @settings(
        max_examples=_DRAWN_FOR_EACH_KEPT * count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(random_graphs())
    def keep(graph: RandomGraph) -> None:
        attempts = {tuple(numbers) for numbers in graph.attempts}
        if not attempts & seen:
            seen.update(attempts)
            kept.append(graph)
        if len(kept) >= count:
            raise _Enough

    with suppress(_Enough):
        keep()
    if len(kept) < count:
        raise RuntimeError(f"only {len(kept)} of {count} graphs have no part in common")
    return kept


def _pick(choices: Choices, pool: Sequence[Item], kind: str | None = None) -> Item:
    """A tensor, of later ones rather."""
    items = [item for item in pool if kind is None or item.kind == kind]
    return choices.one_of([*items, *items[-4:]])


Maker = Callable[[Choices, Item, Sequence[Item]], list[Item]]
_MAKERS: list[Maker] = []


def _maker(times: int = 1) -> Callable[[Maker], Maker]:
    def add(maker: Maker) -> Maker:
        _MAKERS.extend([maker] * times)
        return maker

    return add


_SMOOTH: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[float], float]]] = {
    "tanh": (F.tanh, lambda b: 1.0),
    "sigmoid": (F.sigmoid, lambda b: 1.0),
    "sin": (F.sin, lambda b: 1.0),
    "cos": (F.cos, lambda b: 1.0),
    "erf": (F.erf, lambda b: 1.0),
    "silu": (F.silu, lambda b: b),
    "gelu": (F.gelu, lambda b: b),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), lambda b: b),
    "gelu_quick": (lambda x: F.gelu(x, approximate="quick"), lambda b: b),
    "exp": (lambda x: F.exp(F.tanh(x) * 3.0), lambda b: 21.0),
    "log": (lambda x: F.log(F.abs(x) + 0.5), lambda b: b + 1),
    "log1p": (lambda x: F.log1p(F.abs(x)), lambda b: b),
    "sqrt": (lambda x: F.sqrt(F.abs(x) + 0.25), lambda b: b + 1),
    "rsqrt": (lambda x: F.rsqrt(F.abs(x) + 0.25), lambda b: 2.0),
    "atanh": (lambda x: F.atanh(F.sin(x) * 0.9), lambda b: 1.5),
    "acos": (lambda x: F.acos(F.sin(x) * 0.9), lambda b: 3.0),
}


@_maker(3)
def smooth(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind != "f":
        return []
    function, bound = _SMOOTH[choices.one_of(list(_SMOOTH))]
    return [Item(function(x.tensor), x.sizes, bound=bound(x.bound))]


@_maker()
def without_error(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind == "b":
        return [replace(x, tensor=F.logical_not(x.tensor))]
    functions = [F.negate, F.abs] + ([F.relu] if x.kind == "f" else [])
    return [replace(x, tensor=choices.one_of(functions)(x.tensor))]


@_maker(2)
def rounding(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind != "f" or not x.exact:
        return []
    function = choices.one_of([F.floor, F.ceil, F.round, F.trunc, F.is_nan, F.is_inf, lambda x: x.cast(DType.int64)])
    tensor = function(x.tensor)
    kind = {DType.bool: "b", DType.int64: "i"}.get(tensor.dtype, "f")
    return [replace(x, tensor=tensor, kind=kind, bound=x.bound + 1)]


def _partner(choices: Choices, x: Item, pool: Sequence[Item]) -> Item | None:
    """A tensor of the same kind that x can be combined with element by element."""

    def fits(item: Item) -> bool:
        # MAX compares the dimensions, not the sizes that they will have.
        pairs = zip(map(str, item.tensor.shape[::-1]), map(str, x.tensor.shape[::-1]), strict=False)
        return item.kind == x.kind and all(a == b or "1" in (a, b) for a, b in pairs)

    partners = [item for item in pool if fits(item)]
    return choices.one_of(partners) if partners else None


def _combined(x: Item, y: Item, tensor: Tensor, bound: float, *, exact: bool = False, kind: str | None = None) -> Item:
    sizes = np.broadcast_shapes(x.sizes, y.sizes)
    return Item(tensor, sizes, kind or x.kind, exact=exact and x.exact and y.exact, bound=bound)


@_maker(4)
def arithmetic(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    y = _partner(choices, x, pool)
    if y is None or x.kind == "b":
        return []
    a, b = x.tensor, y.tensor
    name = choices.one_of(["add", "sub", "mul", "div", "mod", "floor_div", "pow", "max", "min"])
    small = x.bound * y.bound <= 64  # products of quarters are exact
    if name == "add":
        return [_combined(x, y, a + b, x.bound + y.bound, exact=True)]
    if name == "sub":
        return [_combined(x, y, a - b, x.bound + y.bound, exact=True)]
    if name == "mul":
        return [_combined(x, y, a * b, x.bound * y.bound, exact=x.kind == "i")]
    if name == "max":
        return [_combined(x, y, F.elementwise_max(a, b), max(x.bound, y.bound), exact=True)]
    if name == "min":
        return [_combined(x, y, F.elementwise_min(a, b), max(x.bound, y.bound), exact=True)]
    if x.kind == "i":
        divisor = F.abs(b) + 1
        if name == "mod":
            return [_combined(x, y, a % divisor, y.bound + 1, exact=True)]
        if name == "floor_div":
            return [_combined(x, y, a // -divisor, x.bound + 1, exact=True)]
        return []
    if name == "div":
        return [_combined(x, y, a / (F.abs(b) + 0.5), 2 * x.bound)]
    if name == "mod" and x.exact and y.exact:
        return [_combined(x, y, a % (F.abs(b) + 0.25), y.bound + 1)]
    if name == "floor_div" and x.exact and y.exact:
        return [_combined(x, y, a // (F.abs(b) + 0.5), 2 * x.bound + 1)]
    if name == "pow" and small:
        return [_combined(x, y, (F.tanh(F.abs(a)) + 1.0) ** F.tanh(b), 2.0)]
    return []


@_maker(2)
def comparison(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    y = _partner(choices, x, pool)
    if y is None or not (x.exact and y.exact):
        return []
    if x.kind == "b":
        function = choices.one_of([F.logical_and, F.logical_or, F.logical_xor])
        return [_combined(x, y, function(x.tensor, y.tensor), 1.0, exact=True)]
    function = choices.one_of(
        [F.equal, F.not_equal, F.greater, F.greater_equal, lambda a, b: a < b, lambda a, b: a <= b]
    )
    return [_combined(x, y, function(x.tensor, y.tensor), 1.0, exact=True, kind="b")]


@_maker(2)
def choice(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    conditions = [item.tensor for item in pool if item.kind == "b" and item.tensor.shape == x.tensor.shape]
    if x.exact and x.kind != "b":
        conditions.append(x.tensor > 0)
    if not conditions or x.kind == "b":
        return []
    condition = choices.one_of(conditions)
    if x.kind == "i" or choices.yes_or_no():
        return [replace(x, tensor=F.where(condition, x.tensor, -x.tensor))]
    return [replace(x, tensor=F.where(condition, x.tensor, 2.0), bound=max(2.0, x.bound))]


@_maker()
def casting(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind == "b":
        return [replace(x, tensor=x.tensor.cast(DType.int64), kind="i")]
    if x.kind == "i":
        return [replace(x, tensor=x.tensor.cast(DType.float32), kind="f")]
    if x.exact and x.bound < 16:
        return [replace(x, tensor=x.tensor.cast(DType.bfloat16).cast(DType.float32))]
    return []


@_maker(3)
def reduction(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind == "b" or not x.rank:
        return []
    axis = choices.below(x.rank)
    size, sizes = x.sizes[axis], (*x.sizes[:axis], 1, *x.sizes[axis + 1 :])
    name = choices.one_of(["sum", "mean", "max", "min", "prod", "argmax", "argmin", "cumsum", "softmax", "logsoftmax"])
    function = getattr(F, name)
    if name in ("max", "min"):
        return [replace(x, tensor=function(x.tensor, axis=axis), sizes=sizes)]
    if name == "sum":
        return [replace(x, tensor=function(x.tensor, axis=axis), sizes=sizes, bound=size * x.bound)]
    if name in ("argmax", "argmin"):
        return [Item(function(x.tensor, axis=axis), sizes, "i", True, size)] if x.exact else []
    if name == "cumsum":
        exclusive, reverse = choices.yes_or_no(), choices.yes_or_no()
        tensor = function(x.tensor, axis=axis, exclusive=exclusive, reverse=reverse)
        return [replace(x, tensor=tensor, bound=size * x.bound)]
    if x.kind == "i":
        return []
    if name == "mean":
        return [Item(function(x.tensor, axis=axis), sizes, bound=x.bound)]
    if name == "prod":
        return [Item(function(F.tanh(x.tensor), axis=axis), sizes, bound=1.0)]
    return [Item(function(x.tensor, axis=axis), x.sizes, bound=2 * x.bound + 10)]


@_maker(3)
def rearrangement(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    axis = choices.below(x.rank + 1)
    names = ["unsqueeze", "stack", "flatten", "permute", "transpose", "tile", "repeat", "pad", "concat", "broadcast"]
    name = choices.one_of(names)
    if name == "unsqueeze":
        return [replace(x, tensor=F.unsqueeze(x.tensor, axis), sizes=(*x.sizes[:axis], 1, *x.sizes[axis:]))]
    if name == "stack":
        sizes = (*x.sizes[:axis], 2, *x.sizes[axis:])
        return [replace(x, tensor=F.stack([x.tensor, x.tensor], axis=axis), sizes=sizes)]
    if name == "broadcast":
        return [replace(x, tensor=x.tensor.broadcast_to((2, *x.tensor.shape)), sizes=(2, *x.sizes))]
    if not x.rank:
        return []
    axis = choices.below(x.rank)
    if name == "flatten":
        return [replace(x, tensor=F.flatten(x.tensor), sizes=(int(np.prod(x.sizes)),))]
    if name == "permute":
        order = choices.some_of(range(x.rank), x.rank)
        return [replace(x, tensor=x.tensor.permute(order), sizes=tuple(x.sizes[i] for i in order))]
    if name == "transpose" and x.rank > 1:
        sizes = (*x.sizes[:-2], x.sizes[-1], x.sizes[-2])
        return [replace(x, tensor=x.tensor.transpose(-1, -2), sizes=sizes)]
    if name == "tile":
        repeats = [choices.one_of([1, 2]) for _ in x.sizes]
        sizes = tuple(size * times for size, times in zip(x.sizes, repeats, strict=True))
        return [replace(x, tensor=F.tile(x.tensor, repeats), sizes=sizes)]
    if name == "repeat":
        sizes = (*x.sizes[:axis], 2 * x.sizes[axis], *x.sizes[axis + 1 :])
        return [replace(x, tensor=F.repeat_interleave(x.tensor, 2, axis=axis), sizes=sizes)]
    if name == "pad" and x.kind == "f":
        paddings = [choices.below(3) for _ in range(2 * x.rank)]
        sizes = tuple(
            size + before + after for size, before, after in zip(x.sizes, paddings[::2], paddings[1::2], strict=True)
        )
        return [replace(x, tensor=F.pad(x.tensor, paddings, value=-1.5), sizes=sizes, bound=max(1.5, x.bound))]
    if name == "concat":
        sizes = (*x.sizes[:axis], 2 * x.sizes[axis], *x.sizes[axis + 1 :])
        return [replace(x, tensor=F.concat([x.tensor, x.tensor], axis=axis), sizes=sizes)]
    return []


@_maker(3)
def part(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if not x.rank:
        return []
    axis = choices.below(x.rank)
    size, leading = x.sizes[axis], (slice(None),) * axis
    rest = (x.sizes[:axis], x.sizes[axis + 1 :])
    name = choices.one_of(["index", "slice", "negative", "step", "split", "squeeze", "gather", "top_k"])
    if name == "index" and size:
        return [replace(x, tensor=x.tensor[(*leading, choices.one_of([0, -1]))], sizes=(*rest[0], *rest[1]))]
    if name == "slice" and size > 1:
        return [replace(x, tensor=x.tensor[(*leading, slice(1, None))], sizes=(*rest[0], size - 1, *rest[1]))]
    if name == "negative" and size > 2:
        return [replace(x, tensor=x.tensor[(*leading, slice(-2, None))], sizes=(*rest[0], 2, *rest[1]))]
    static = all(str(dim).isdigit() for dim in x.tensor.shape)
    if name == "step" and size > 1 and static:
        return [replace(x, tensor=x.tensor[(*leading, slice(0, None, 2))], sizes=(*rest[0], -(-size // 2), *rest[1]))]
    if name == "split" and size > 1 and static:
        first, second = F.split(x.tensor, [1, size - 1], axis=axis)
        return [
            replace(x, tensor=first, sizes=(*rest[0], 1, *rest[1])),
            replace(x, tensor=second, sizes=(*rest[0], size - 1, *rest[1])),
        ]
    if name == "squeeze" and str(x.tensor.shape[axis]) == "1":
        return [replace(x, tensor=F.squeeze(x.tensor, axis), sizes=(*rest[0], *rest[1]))]
    if name == "gather" and size:
        indices = F.constant([choices.between(-size, size) for _ in range(4)], DType.int64)
        return [replace(x, tensor=F.gather(x.tensor, indices, axis=axis), sizes=(*rest[0], 4, *rest[1]))]
    if name == "top_k" and x.exact and x.kind == "f" and x.sizes[-1] > 1:
        values, _ = F.top_k(x.tensor, 2)
        return [replace(x, tensor=values, sizes=(*x.sizes[:-1], 2))]
    return []


@_maker(3)
def layer(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind != "f" or x.rank < 2:
        return []
    name = choices.one_of(["self", "matmul", "layer_norm", "rms_norm", "band_part", "outer"])
    if name == "self":  # every row with every row
        sizes = (*x.sizes[:-1], x.sizes[-2])
        tensor = x.tensor @ x.tensor.transpose(-1, -2)
        return [Item(tensor, sizes, bound=x.sizes[-1] * x.bound**2)]
    if name == "matmul" and str(x.tensor.shape[-1]) == "6":
        weights = pool[2]
        tensor = x.tensor @ weights.tensor
        return [Item(tensor, (*x.sizes[:-1], 5), bound=6 * x.bound * weights.bound)]
    width = x.tensor.shape[-1]
    ones = F.broadcast_to(F.constant(1.5, DType.float32), (width,))
    if name == "layer_norm":
        tensor = F.layer_norm(x.tensor, ones, ones, 1e-2)
        return [Item(tensor, x.sizes, bound=2.0 * x.sizes[-1])]
    if name == "rms_norm":
        return [Item(F.rms_norm(x.tensor, ones, 1e-2), x.sizes, bound=1.5 * x.sizes[-1])]
    if name == "band_part":
        lower, upper = choices.one_of([(None, 0), (0, None), (0, 0)])
        tensor = F.band_part(x.tensor, num_lower=lower, num_upper=upper, exclude=choices.yes_or_no())
        return [replace(x, tensor=tensor)]
    if name == "outer" and x.rank == 2:
        row = x.tensor[0]
        return [Item(F.outer(row, row), (x.sizes[-1], x.sizes[-1]), bound=x.bound**2)]
    return []


@_maker(2)
def scattering(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    """Each place once: the order in which equal places are written is nobody's promise."""
    if x.kind != "f" or x.rank != 2 or x.sizes[0] < 2:
        return []
    rows, width = x.sizes[0], x.tensor.shape[1]
    places = choices.some_of(range(rows), 2)
    updates = x.tensor[:2] if choices.yes_or_no() else -x.tensor[-2:]
    bound = max(2 * x.bound, x.bound**2)
    name = choices.one_of(["scatter_nd", "scatter_nd_add", "scatter_nd_max", "scatter_nd_min", "scatter_nd_mul"])
    if choices.yes_or_no():
        indices = F.constant([[place] for place in places], DType.int64)
        return [replace(x, tensor=getattr(F, name)(x.tensor, updates, indices), exact=False, bound=bound)]
    indices = F.broadcast_to(F.constant([[place] for place in places], DType.int64), (2, width))
    name = name.replace("_nd", "")
    return [replace(x, tensor=getattr(F, name)(x.tensor, updates, indices, axis=0), exact=False, bound=bound)]


@_maker()
def control(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind != "f":
        return []
    if choices.yes_or_no():
        rounds = choices.below(4)
        _, tensor = F.while_loop(
            [F.constant(0, DType.int64), x.tensor],
            lambda i, y: i < rounds,
            lambda i, y: [i + 1, F.tanh(y) + 0.5],
        )
        return [Item(tensor, x.sizes, bound=max(x.bound, 1.5))]
    flag = F.constant(choices.yes_or_no(), DType.bool)
    type_ = TensorType(DType.float32, x.tensor.shape, DeviceRef.from_device(CPU()))
    (tensor,) = F.cond(flag, [type_], lambda: x.tensor * 2.0, lambda: x.tensor + 1.0)
    return [replace(x, tensor=tensor, exact=False, bound=2 * x.bound + 1)]


@_maker()
def counting(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if not x.rank:
        return []
    dim, size = x.tensor.shape[0], x.sizes[0]
    if choices.yes_or_no():
        tensor = F.arange(0, dim, 1, out_dim=dim, dtype=DType.int64)
        return [Item(tensor, (size,), "i", True, float(size))]
    return [Item(F.shape_to_tensor(x.tensor.shape), (x.rank,), "i", True, float(max(x.sizes)))]


@_maker()
def sorting(choices: Choices, x: Item, pool: Sequence[Item]) -> list[Item]:
    if x.kind != "f" or x.rank != 1 or not x.exact:
        return []
    # The order of equal numbers is nobody's promise, so that they are made different first.
    ramp = F.arange(0, x.tensor.shape[0], 1, out_dim=x.tensor.shape[0], dtype=DType.float32)
    order = F.argsort(x.tensor + ramp * 0.001953125, ascending=choices.yes_or_no())
    return [Item(order, x.sizes, "i", True, float(x.sizes[0]))]
