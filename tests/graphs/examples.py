"""One small use of every function of `max.experimental.functional`, and of Python's operators on tensors.

A name is the function's, and after a comma what is special about the use. Examples are joined into one graph to be
compiled, so that a dimension of one name has one size in all of them: `n` is 3.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.sharding.types import as_layout
from max.experimental.tensor import Tensor
from max.graph import BufferType, DeviceRef, TensorType, TensorValue, ops

from tutor.graphs.tensor_spec import TensorSpec


@dataclass(frozen=True)
class Example:
    """A function of tensors, and what it is called with.

    Args:
        function: the function.
        inputs: its inputs.
        dims: the dimensions of each input, if not just its shape.
        buffers, on_host: which inputs are buffers, and which stay on the CPU on every device.
        constants: the values of external constants.
    """

    function: Callable[..., Tensor | Sequence[Tensor]]
    inputs: tuple[np.ndarray, ...]
    dims: tuple[tuple[int | str, ...], ...] | None = None
    buffers: frozenset[int] = frozenset()
    on_host: frozenset[int] = frozenset()
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def specs(self) -> list[TensorSpec]:
        """The types of the inputs."""
        dims = self.dims or tuple(array.shape for array in self.inputs)
        return [
            TensorSpec(str(array.dtype), tuple(shape), buffer=index in self.buffers, on_host=index in self.on_host)
            for index, (array, shape) in enumerate(zip(self.inputs, dims, strict=True))
        ]


def _normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X = _normal(3, 4)
Y = _normal(3, 4, seed=1)
CUBE = _normal(2, 3, 4, seed=2)
ROW = _normal(4, seed=3)
POSITIVE = np.abs(X) + np.float32(0.1)
WHOLE = np.arange(-6, 6).reshape(3, 4)
DIVISOR = np.array([1, -2, 3, -5])
FLAGS = X > 0
OTHER_FLAGS = Y > 0
SQUARE = _normal(4, 4, seed=4)
IMAGE = _normal(1, 5, 6, 2, seed=5)
CPU_TYPE = DeviceRef.from_device(CPU())

_OF_ONE = (
    *("abs", "ceil", "cos", "erf", "exp", "floor", "gelu", "is_inf", "is_nan"),
    *("negate", "relu", "round", "sigmoid", "silu", "sin", "tanh", "trunc"),
)
_OF_TWO = (
    *("add", "sub", "mul", "div", "mod", "floor_div", "elementwise_max", "elementwise_min"),
    *("equal", "not_equal", "greater", "greater_equal"),
)

ELEMENTWISE: dict[str, Example] = {
    **{name: Example(getattr(F, name), (X,)) for name in _OF_ONE},
    **{name: Example(getattr(F, name), (POSITIVE,)) for name in ("log", "log1p", "rsqrt", "sqrt")},
    **{name: Example(lambda x, name=name: getattr(F, name)(F.sin(x)), (X,)) for name in ("acos", "atanh")},
    "gelu, tanh": Example(lambda x: F.gelu(x, approximate="tanh"), (X,)),
    "gelu, quick": Example(lambda x: F.gelu(x, approximate="quick"), (X,)),
    "clamp": Example(lambda x: F.clamp(x, -0.5, 0.5), (X,)),
    "clip": Example(lambda x: (F.clip(x, -0.5, 0.25), x.clip(min=-0.5)), (X,)),
    **{name: Example(getattr(F, name), (X, ROW)) for name in _OF_TWO},
    "pow": Example(F.pow, (POSITIVE, Y)),
    **{f"{name}, integers": Example(getattr(F, name), (WHOLE, DIVISOR)) for name in _OF_TWO},
    **{
        f"{name}, operator": Example(getattr(operator, name), (X, ROW))
        for name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "le", "gt", "ge", "eq", "ne"]
    },
    "pow, operator": Example(lambda x: x**3 + 2.0**x, (X,)),
    "divmod, operator": Example(lambda x, y: divmod(x, y), (WHOLE, DIVISOR)),
    "abs, operators of one tensor": Example(lambda x: abs(-x), (X,)),
    "add, a number on the left": Example(lambda x: 1.0 - 2.0 / (3.0 + F.abs(x)), (X,)),
    **{name: Example(getattr(F, name), (FLAGS, OTHER_FLAGS)) for name in ("logical_and", "logical_or", "logical_xor")},
    "logical_not": Example(F.logical_not, (FLAGS,)),
    "logical_and, operators": Example(lambda a, b: (a & b, a | b, a ^ b, ~a), (FLAGS, OTHER_FLAGS)),
    "where": Example(lambda c, x: F.where(c, x, 0.0), (FLAGS, X)),
    "where, a column": Example(F.where, (FLAGS[:, :1], X, Y)),
    "cast": Example(lambda x: (x.cast(DType.int64), x.cast(DType.bool), x.cast(DType.bfloat16)), (X,)),
    "complex_mul": Example(F.complex_mul, (_normal(3, 2, 2), _normal(3, 2, 2, seed=1))),
    "as_interleaved_complex": Example(F.as_interleaved_complex, (X,)),
}

REDUCTIONS: dict[str, Example] = {
    **{
        name: Example(lambda x, name=name: tuple(getattr(F, name)(x, axis=axis) for axis in (-1, 0, 1)), (CUBE,))
        for name in ["sum", "mean", "max", "min", "prod", "argmax", "argmin", "cumsum"]
    },
    **{
        f"{name}, all axes": Example(lambda x, name=name: getattr(F, name)(x, axis=None), (CUBE,))
        for name in ["sum", "mean", "max", "min", "prod"]
    },
    "softmax": Example(lambda x: (F.softmax(x), F.softmax(x, axis=0), F.softmax(x, axis=1)), (CUBE,)),
    "logsoftmax": Example(lambda x: (F.logsoftmax(x), F.logsoftmax(x, axis=1)), (CUBE,)),
    "cumsum, exclusive and reverse": Example(
        lambda x: (
            F.cumsum(x, axis=1, exclusive=True),
            F.cumsum(x, axis=-1, reverse=True),
            F.cumsum(x, axis=0, exclusive=True, reverse=True),
        ),
        (CUBE,),
    ),
    "sum, integers": Example(lambda x: (F.sum(x), F.prod(x), F.max(x), F.cumsum(x, axis=0)), (WHOLE,)),
    "top_k": Example(lambda x: (*F.top_k(x, 2), *F.top_k(x, 2, axis=0)), (X,)),
    "bottom_k": Example(lambda x: (*F.bottom_k(x, 2), *F.bottom_k(x, 2, axis=0)), (X,)),
    "argsort": Example(lambda x: (F.argsort(x), F.argsort(x, ascending=False)), (_normal(9),)),
}

SHAPES: dict[str, Example] = {
    "reshape": Example(lambda x: (x.reshape((2, -1)), x.reshape((-1,))), (X,)),
    "reshape, symbolic": Example(lambda x: x.reshape((-1, 2)), (X,), (("n", 4),)),
    "flatten": Example(lambda x: (F.flatten(x), F.flatten(x, start_dim=1)), (CUBE,)),
    "permute": Example(lambda x: x.permute([2, 0, 1]), (CUBE,)),
    "transpose": Example(lambda x: (x.transpose(-1, -2), x.transpose(0, 2), x.T), (CUBE,)),
    "squeeze": Example(lambda x: F.squeeze(x, 1), (_normal(3, 1, 2),)),
    "unsqueeze": Example(lambda x: (F.unsqueeze(x, 0), F.unsqueeze(x, -1)), (X,)),
    "broadcast_to": Example(lambda x: x.broadcast_to((2, x.shape[0], 4)), (X,), (("n", 4),)),
    "rebind": Example(lambda x, y: F.rebind(x, ("rows", 4)) + y, (X, Y), (("n", 4), ("rows", 4))),
    "concat": Example(lambda x, y: (F.concat([x, y], axis=0), F.concat([x, y], axis=-1)), (X, Y)),
    "stack": Example(lambda x, y: (F.stack([x, y]), F.stack([x, y], axis=-1)), (X, Y)),
    "split": Example(lambda x: (*F.split(x, [1, 3], axis=1), *F.split(x, 2, axis=-1)), (X,)),
    "chunk": Example(lambda x: F.chunk(x, 2, axis=-1), (X,)),
    "tile": Example(lambda x: F.tile(x, (2, 3)), (X,)),
    "repeat_interleave": Example(lambda x: (F.repeat_interleave(x, 2, axis=0), F.repeat_interleave(x, 3)), (X,)),
    "pad": Example(lambda x: F.pad(x, [1, 0, 0, 2], value=3.0), (X,)),
    "pad, edges": Example(
        lambda x: (F.pad(x, [1, 2, 0, 3], mode="reflect"), F.pad(x, [1, 0, 0, 2], mode="edge")), (X,)
    ),
    "outer": Example(F.outer, (ROW, _normal(3))),
    "band_part": Example(
        lambda x: tuple(
            F.band_part(x, num_lower=lower, num_upper=upper, exclude=exclude)
            for lower in (None, 0, 2)
            for upper in (None, 0, 1)
            for exclude in (False, True)
        ),
        (_normal(2, 3, 4),),
    ),
    "arange": Example(lambda x: F.arange(0, x.shape[0], 1, dtype=DType.int64), (X,), (("n", 4),)),
    "range": Example(lambda x: F.range(1, 7, 2, dtype=DType.float32) + x[:, :1], (X,)),
    "full": Example(lambda x: F.full((2, x.shape[0]), 2.5), (X,), (("n", 4),)),
    **{
        name: Example(lambda x, name=name: getattr(F, name)((2, 3), dtype=DType.float32) + x[0, 0], (X,))
        for name in ("zeros", "ones")
    },
    **{name: Example(lambda x, name=name: getattr(F, name)(x), (X,)) for name in ("zeros_like", "ones_like")},
    "full_like": Example(lambda x: F.full_like(x, 4.5), (X,)),
    "hann_window": Example(lambda x: F.hann_window(4) * x, (X,)),
    "constant": Example(lambda x: x + F.constant([1.0, 2.0, 3.0, 4.0]), (X,)),
    "shape_to_tensor": Example(lambda x: F.shape_to_tensor(x.shape), (X,), (("n", 4),)),
    "transfer_to": Example(lambda x: F.transfer_to(x, CPU()).to(CPU()), (X,)),
}

INDEXING: dict[str, Example] = {
    "slice_tensor": Example(lambda x: (x[1:], x[:, -1], x[..., ::2], x[0], x[:, 1:3], x[-2:-1, None]), (X,)),
    "slice_tensor, symbolic": Example(lambda x: (x[1:], x[-2:], x[:-1], x[-1]), (X,), (("n", 4),)),
    "slice_tensor, bounds at run time": Example(
        lambda x, stop: F.slice_tensor(x, [(slice(1, stop), "between"), slice(None)]),
        (X, np.array(3)),
        on_host=frozenset({1}),
    ),
    "gather": Example(lambda x, i: (F.gather(x, i, axis=0), F.gather(x, i, axis=1)), (CUBE, np.array([[0, 1, -1]]))),
    "gather_nd": Example(F.gather_nd, (CUBE, np.array([[0, 1], [1, 2], [1, -1]]))),
    "gather_nd, batches": Example(lambda x, i: F.gather_nd(x, i, batch_dims=1), (CUBE, np.array([[[1]], [[2]]]))),
    **{
        name: Example(
            lambda x, updates, indices, name=name: getattr(F, name)(x, updates, indices, axis=0),
            (X, Y[:2], np.array([[0, 1, 2, 0], [1, 2, 0, -1]])),
        )
        for name in ("scatter", "scatter_add", "scatter_max", "scatter_min", "scatter_mul")
    },
    **{
        name: Example(getattr(F, name), (X, Y[:2], np.array([[2], [0]])))
        for name in ("scatter_nd", "scatter_nd_add", "scatter_nd_max", "scatter_nd_min", "scatter_nd_mul")
    },
    "masked_scatter": Example(
        lambda x, mask, updates: F.masked_scatter(x, mask, updates, out_dim="chosen"),
        (X, FLAGS, _normal(int(FLAGS.sum()), seed=7)),
    ),
    "nonzero": Example(lambda x: F.nonzero(x, "found"), (np.where(FLAGS, X, 0),)),
    "repeat_interleave, counts": Example(
        lambda x, counts: F.repeat_interleave(x, counts, axis=0, out_dim="times"), (X, np.array([2, 0, 3]))
    ),
}


def _store(x: Tensor, buffer: Tensor) -> Tensor:
    before = buffer + 0.0
    F.buffer_store(buffer, x * 2.0)
    return before + buffer


def _store_slice(x: Tensor, buffer: Tensor) -> Tensor:
    F.buffer_store_slice(buffer, x, [slice(1, 4)])
    buffer[0] = x[0] * 3.0
    return buffer * 2.0


def _store_at(x: Tensor, place: Tensor, buffer: Tensor) -> Tensor:
    start = TensorValue(place)
    F.buffer_store_slice(buffer, x, [(slice(start, start + 3), 3)])
    return buffer * 2.0


def _assign(x: Tensor) -> tuple[Tensor, Tensor]:
    doubled = x * 2.0
    doubled[0] = x[1]
    doubled[1:, 2:] = -x[1:, :2]
    return doubled, doubled.sum()


def _assign_in_place(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    whole, flags, half = x.cast(DType.int64), x > 0.0, x.cast(DType.bfloat16)
    whole[:1] = whole[1:2] + 3
    flags[2] = flags[0]
    half[..., 1:3] = half[..., 0:2] * 1.7
    return whole + 0, F.logical_not(flags), half.cast(DType.float32)


def _create(x: Tensor) -> Tensor:
    buffer = Tensor.from_graph_value(ops.buffer_create(BufferType(DType.float32, x.shape, CPU_TYPE)))
    F.buffer_store(buffer, x)
    buffer[0] = x[-1]
    return buffer * 2.0


def _print(x: Tensor) -> Tensor:
    F.print(x, "x")
    return x + 1.0


CONTROL: dict[str, Example] = {
    # The condition is computed: MAX 26.7.0's buffers cannot hold a single bool.
    **{
        name: Example(
            lambda number, x: F.cond(
                number > 0.0, [TensorType(DType.float32, (3, 4), CPU_TYPE)], lambda: x * 2.0, lambda: x + 1.0
            ),
            (np.array(number, np.float32), X),
            on_host=frozenset({0}),
        )
        for name, number in (("cond", 1.0), ("cond, else", -1.0))
    },
    "while_loop": Example(
        lambda x: F.while_loop(
            [F.constant(0, DType.int64), x], lambda i, y: i < 3, lambda i, y: [i + 1, y * 2.0 + i.cast(DType.float32)]
        ),
        (X,),
    ),
    "buffer_store": Example(_store, (X, Y), buffers=frozenset({1})),
    "buffer_store_slice": Example(_store_slice, (X, _normal(5, 4, seed=8)), buffers=frozenset({1})),
    "buffer_store_slice, bounds at run time": Example(
        _store_at, (X, np.array(1), _normal(5, 4, seed=8)), buffers=frozenset({2}), on_host=frozenset({1})
    ),
    "buffer_store, a new buffer": Example(_create, (X,), (("n", 4),)),
    "buffer_store_slice, assigned items": Example(_assign, (X,)),
    "buffer_store_slice, items of other dtypes": Example(_assign_in_place, (X,)),
    "print": Example(_print, (X,)),
}

LAYERS: dict[str, Example] = {
    "matmul": Example(lambda x, y: x @ y, (_normal(2, 3, 5), _normal(5, 4, seed=1))),
    "matmul, batches": Example(F.matmul, (_normal(2, 1, 3, 5), _normal(4, 5, 6, seed=1))),
    "matmul, a vector": Example(lambda x, y: (x @ y, y @ x.T), (X, ROW)),
    "layer_norm": Example(lambda x, g, b: F.layer_norm(x, g, b, 1e-5), (CUBE, ROW, _normal(4, seed=9))),
    "rms_norm": Example(
        lambda x, w: (
            F.rms_norm(x, w, 1e-5),
            F.rms_norm(x, w, 1e-5, weight_offset=1.0, multiply_before_cast=True),
        ),
        (CUBE, ROW),
    ),
    "group_norm": Example(
        lambda x, g, b: F.group_norm(x, g, b, num_groups=2, epsilon=1e-5),
        (_normal(2, 4, 3), ROW, _normal(4, seed=9)),
    ),
    "conv2d": Example(
        lambda x, w: (F.conv2d(x, w), F.conv2d(x, w, stride=(2, 1), padding=(1, 0, 0, 2))),
        (IMAGE, _normal(2, 3, 2, 4)),
    ),
    "conv3d": Example(F.conv3d, (_normal(1, 3, 4, 4, 2), _normal(2, 2, 2, 2, 3))),
    "max_pool2d": Example(lambda x: (F.max_pool2d(x, (2, 3)), F.max_pool2d(x, (2, 2), stride=2, padding=1)), (IMAGE,)),
    "avg_pool2d": Example(
        lambda x: (
            F.avg_pool2d(x, (2, 3)),
            F.avg_pool2d(x, (2, 2), stride=2, padding=1),
            F.avg_pool2d(x, (2, 2), stride=2, padding=1, count_boundary=False),
        ),
        (IMAGE,),
    ),
}

CONSTANTS: dict[str, Example] = {
    "constant_external": Example(
        lambda x: x + F.constant_external("shift", as_layout(TensorType(DType.float32, (4,), CPU_TYPE))),
        (X,),
        constants={"shift": ROW},
    ),
}

TOPICS: dict[str, dict[str, Example]] = {
    "elementwise": ELEMENTWISE,
    "reductions": REDUCTIONS,
    "shapes": SHAPES,
    "indexing": INDEXING,
    "control": CONTROL,
    "layers": LAYERS,
}

EXAMPLES: dict[str, Example] = {
    name: example for topic in (*TOPICS.values(), CONSTANTS) for name, example in topic.items()
}

# What the evaluator leaves to MAX, and why.
NOT_EVALUATED: dict[str, str] = {
    **dict.fromkeys(("allgather", "allreduce_sum", "distributed_broadcast", "reduce_scatter"), "several devices"),
    **dict.fromkeys(("call_on_mesh", "side_stream"), "several devices or streams"),
    **dict.fromkeys(("custom", "inplace_custom"), "kernels written in Mojo"),
    **dict.fromkeys(
        ("gaussian", "gaussian_like", "normal", "normal_like", "uniform", "uniform_like"), "MAX's own random numbers"
    ),
    **dict.fromkeys(("dequantize", "qmatmul"), "quantized weights"),
    **dict.fromkeys(("resize", "resize_bicubic", "resize_linear", "resize_nearest"), "images"),
    **dict.fromkeys(("conv2d_transpose", "fold", "non_maximum_suppression", "roi_align"), "images"),
    "irfft": "on a GPU only",
}

# What makes no operation.
NOT_OPERATIONS = frozenset({"ensure_context", "functional", "in_graph_context", "lazy"})
