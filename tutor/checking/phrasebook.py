"""From PyTorch and NumPy to MAX 26.7.0: other names, other keywords, and what MAX's messages mean.

This file is data. A verdict finds its advice here (`advice.py`), and the book shows the pairs as a page. Tests run
both sides of every pair and compare the numbers, and make every message happen in a learner's file.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """The same thing in PyTorch or NumPy, and in MAX.

    Args:
        theirs: an expression of PyTorch or NumPy.
        ours: the same with MAX. `x` and `y` are (batch, seq_len, 6), `square` is (4, 4), `weight`
            is (6, 6), `ids` are integers.
        names: what learners write and MAX does not have; empty if MAX has the name, and takes something else.
        note: what else to know, in a sentence.
    """

    theirs: str
    ours: str
    names: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Pairs about one subject, under a heading of the book's page."""

    heading: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Keyword:
    """A keyword argument of PyTorch or NumPy.

    Args:
        theirs: its name.
        ours: what MAX may call it; of several the one that the function has. Empty if MAX has nothing like it.
        note: why it can be left out.
    """

    theirs: str
    ours: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Message:
    """A message that an error may have, and what to do then.

    Args:
        said: a regular expression that is searched for in "TypeError: …".
        advice: what to write instead; it may use the named groups of `said` and of `line`: {name}.
        line: a regular expression that must be found in the learner's statement too.
        within: functions of MAX; one of them must be on the way from the learner's line to the error.
    """

    said: str
    advice: str
    line: str = ""
    within: tuple[str, ...] = ()


SECTIONS = (
    Section(
        "Shapes",
        (
            Pair("x.size()", "x.shape", ("size",), "One dimension is `x.shape[-1]`."),
            Pair("x.size(-1)", "x.shape[-1]", note="A symbolic dimension has a name and no value."),
            Pair("math.sqrt(x.shape[-1])", "math.sqrt(int(x.shape[-1]))", note="Only static dimensions convert."),
            Pair("x.dim()", "x.rank", ("dim", "ndim", "ndimension")),
            Pair("x.numel()", "x.num_elements()", ("numel", "nelement")),
            Pair("len(ids)", "ids.shape[0]", note="A dimension may be symbolic; `len` needs a number."),
            Pair("x.view(2, 3, 2, 3)", "x.reshape([2, 3, 2, 3])", ("view", "unflatten"), "The shape is one list."),
            Pair("x.reshape(2, 3, 2, 3)", "x.reshape([2, 3, 2, 3])", note="The shape is one list."),
            Pair("x.permute(0, 2, 1)", "x.permute([0, 2, 1])", note="The order of the axes is one list."),
            Pair("x.transpose(1, 2)", "x.transpose(1, 2)"),
            Pair("torch.movedim(x, 0, 2)", "x.permute([1, 2, 0])", ("movedim", "moveaxis", "rollaxis")),
            Pair("np.swapaxes(x, 1, 2)", "F.transpose(x, 1, 2)", ("swapaxes", "swapdims", "mT")),
            Pair("square.t()", "square.T", ("t",)),
            Pair("x.flatten(1)", "F.flatten(x, 1)", ("flatten", "ravel")),
            Pair("square.expand(2, 4, 4)", "F.broadcast_to(square, [2, 4, 4])", ("expand",)),
            Pair("x.repeat(2, 1, 1)", "F.tile(x, [2, 1, 1])", ("repeat",)),
            Pair("x[:, None]", "x.unsqueeze(1)", ("expand_dims", "newaxis")),
            Pair("x.contiguous()", "x", ("contiguous",), "A graph has no memory layout."),
        ),
    ),
    Section(
        "Along an axis",
        (
            Pair("x.mean(dim=-1, keepdim=True)", "F.mean(x, axis=-1)", note="The axis stays, with length 1."),
            Pair(
                "x.sum(dim=-1)",
                "F.sum(x, axis=-1).squeeze(-1)",
                note="Remove the axis of length 1 with `squeeze`.",
            ),
            Pair("x.amax(dim=-1, keepdim=True)", "F.max(x, axis=-1)", ("amax", "values")),
            Pair("x.amin(dim=-1, keepdim=True)", "F.min(x, axis=-1)", ("amin",)),
            Pair(
                "x.var(dim=-1, keepdim=True, correction=0)",
                "F.mean(centered * centered, axis=-1)",
                ("var", "var_mean"),
                "`centered` is `x - F.mean(x, axis=-1)`.",
            ),
            Pair(
                "x.std(dim=-1, keepdim=True, correction=0)",
                "F.sqrt(F.mean(centered * centered, axis=-1))",
                ("std",),
                "`centered` is `x - F.mean(x, axis=-1)`.",
            ),
            Pair("torch.softmax(x, dim=-1)", "F.softmax(x, axis=-1)", ("Softmax",)),
            Pair("torch.log_softmax(x, dim=-1)", "F.logsoftmax(x, axis=-1)", ("log_softmax", "LogSoftmax")),
            Pair("x.cumsum(dim=-1)", "F.cumsum(x, axis=-1)"),
        ),
    ),
    Section(
        "Cut and join",
        (
            Pair("torch.chunk(x, 3, dim=-1)", "F.chunk(x, 3, axis=-1)", note="3 is the number of parts."),
            Pair("torch.split(x, 2, dim=-1)", "F.split(x, 2, axis=-1)", note="2 is the size of each part."),
            Pair("np.split(x, 3, axis=-1)", "F.chunk(x, 3, axis=-1)", ("array_split", "tensor_split")),
            Pair("torch.cat([x, y], dim=1)", "F.concat([x, y], axis=1)", ("cat", "concatenate")),
            Pair("torch.stack([x, y], dim=1)", "F.stack([x, y], axis=1)"),
        ),
    ),
    Section(
        "Look up and hide",
        (
            Pair(
                "torch.nn.functional.embedding(ids, square)",
                "F.gather(square, ids, axis=0)",
                ("embedding", "Embedding", "take", "index_select", "one_hot"),
            ),
            Pair("square[ids]", "F.gather(square, ids, axis=0)"),
            Pair("x.masked_fill(x < 0, -1e30)", "F.where(x < 0, -1e30, x)", ("masked_fill", "masked_fill_")),
            Pair(
                "torch.triu(square, 1)",
                "F.band_part(square, num_lower=None, num_upper=0, exclude=True)",
                ("triu", "triu_"),
                "It keeps what lies above the diagonal.",
            ),
            Pair("torch.tril(square)", "F.band_part(square, num_lower=None, num_upper=0)", ("tril", "tril_")),
        ),
    ),
    Section(
        "Arithmetic",
        (
            Pair("torch.matmul(x, weight)", "x @ weight", ("bmm", "mm", "dot", "einsum", "tensordot", "inner")),
            Pair("torch.nn.functional.linear(x, weight)", "x @ weight.T", ("linear",)),
            Pair("torch.maximum(x, y)", "F.elementwise_max(x, y)", ("maximum",)),
            Pair("torch.minimum(x, y)", "F.elementwise_min(x, y)", ("minimum",)),
            Pair("x.clamp(min=0)", "F.elementwise_max(x, 0)", ("clamp", "clamp_min")),
            Pair("torch.square(x)", "x * x", ("square",)),
            Pair("torch.pow(x, 2)", "x * x", ("pow_", "float_power", "power")),
            Pair("torch.rsqrt(x * x + 1)", "F.rsqrt(x * x + 1)"),
            Pair("torch.reciprocal(x)", "1 / x", ("reciprocal",)),
            Pair(
                'torch.nn.functional.gelu(x, approximate="tanh")',
                'F.gelu(x, approximate="tanh")',
                ("gelu_tanh", "gelu_new", "GELU", "gelu_pytorch_tanh", "NewGELUActivation"),
            ),
            Pair(
                "torch.nn.functional.dropout(x, 0.1, training=False)",
                "x",
                ("dropout", "Dropout"),
                "A finished model drops nothing.",
            ),
        ),
    ),
    Section(
        "Make and convert",
        (
            Pair("torch.arange(4)", "F.arange(0, 4, dtype=DType.int64)", note="Start and stop are both given."),
            Pair("torch.inf", 'float("inf")', ("inf",)),
            Pair("torch.full((2, 3), 0.5)", "Tensor.full([2, 3], 0.5)", ("new_full",)),
            Pair(
                "torch.tensor(float('-inf'))",
                'Tensor(float("-inf"), dtype=DType.float32, device=CPU())',
                ("tensor", "as_tensor", "asarray", "array"),
            ),
            Pair(
                "torch.nn.Parameter(torch.zeros(4))",
                "Tensor.zeros([4])",
                ("Parameter", "register_buffer", "register_parameter", "empty"),
            ),
            Pair("x.float()", "x.cast(DType.float32)", ("float", "astype")),
            Pair("ids.long()", "ids.cast(DType.int64)", ("long",)),
            Pair("x.to(torch.float32)", "x.cast(DType.float32)", note="In MAX, `to` takes a device."),
            Pair(
                "x.detach()",
                "x",
                ("detach", "clone", "requires_grad_", "cuda", "cpu", "train"),
                "A graph computes no gradients, and is on one device.",
            ),
        ),
    ),
    Section(
        "Outside a graph",
        (
            Pair("torch.from_numpy(array)", "Tensor.from_dlpack(array)", ("from_numpy",)),
            Pair("x.numpy()", "x.to_numpy()", ("numpy",), "Inside a graph, a tensor has no numbers."),
            Pair("x.tolist()", "x.to_numpy().tolist()", ("tolist",), "Inside a graph, a tensor has no numbers."),
            Pair("np.random.standard_normal((4, 6))", "random.normal([4, 6])", ("randn", "standard_normal")),
        ),
    ),
)

PAIRS = tuple(pair for section in SECTIONS for pair in section.pairs)

KEPT = "MAX always keeps the axis, with length 1"
KEYWORDS = (
    Keyword("dim", ("axis",)),
    Keyword("keepdim", note=KEPT),
    Keyword("keepdims", note=KEPT),
    Keyword("size", ("shape",)),
    Keyword("fill_value", ("value",)),
    Keyword("in_features", ("in_dim",)),
    Keyword("out_features", ("out_dim",)),
    Keyword("num_embeddings", ("vocab_size",)),
    Keyword("embedding_dim", ("dim",)),
    Keyword("index", ("indices",)),
    Keyword("lower", ("num_lower",)),
    Keyword("upper", ("num_upper",)),
    Keyword("eps", ("epsilon",)),
    Keyword("requires_grad", note="MAX computes no gradients by itself"),
    Keyword("inplace", note="a graph has no operations in place"),
)

# What a name that is not defined stands for, and the line that brings it in.
IMPORTS = {
    "F": "from max.experimental import functional as F",
    "Tensor": "from max.experimental.tensor import Tensor",
    "Module": "from max.experimental.nn import Module",
    "ModuleList": "from max.experimental.nn import ModuleList",
    "Linear": "from max.experimental.nn import Linear",
    "random": "from max.experimental import random",
    "DType": "from max.dtype import DType",
    "CPU": "from max.driver import CPU",
    "Dim": "from max.graph import Dim",
    "TensorValue": "from max.graph import TensorValue",
    "ops": "from max.graph import ops",
    "np": "import numpy as np",
    "math": "import math",
    "nn": "from max.experimental import nn",
}

NO_NUMBERS = (
    "While the graph is built, a tensor has no numbers: `print(x)` shows its shape and its dtype. "
    "Choose between numbers with `F.where(condition, x, y)`, not with `if`."
)
A_DTYPE = "A dtype is one of MAX's: `dtype={ours}` (`from max.dtype import DType`)."
UNNAMED_SLICE = (
    "MAX cannot tell how long a slice between tensors is. Give its length with it, as a pair: "
    '`(slice(num_tokens, end), seq_len)`, or a new name: `(slice(0, end), "total_len")`.'
)

MESSAGES = (
    # Matrix products and shapes.
    Message(
        r"Matrix multiplication input lhs",
        "A `Linear` layer keeps its weight as [out, in], and computes `x @ weight.T + bias`; "
        "Hugging Face's Conv1D keeps it as [in, out].",
        line=r"@ [\w.]*weight\b(?!\.(T|transpose))",
    ),
    Message(
        r"Matrix multiplication input lhs \(shape \[(?P<a>.*?)\]\) .*must match input rhs \(shape \[(?P<b>.*?)\]\)",
        "In `a @ b`, the last axis of a must be as long as the second-to-last axis of b: here ({a}) meets ({b}). "
        "Transpose one of them, or look at what each should be.",
    ),
    Message(
        r"BroadcastToOp",
        "Two axes fit together if they are equally long, or if one of them has length 1. Write down both shapes.",
    ),
    Message(
        r"reshape.*at most one -1",
        "Only one size can be left to MAX as -1. Take the others from `x.shape`: `batch, seq_len, _ = x.shape`.",
    ),
    Message(
        r"\[reshape\] input and output number of elements must match: .*?\[(?P<a>[^\]]*)\].*?\[(?P<b>[^\]]*)\]",
        "A reshape must keep the number of entries, and ({a}) has others than ({b}). "
        "Multiply the sizes of each, and compare.",
    ),
    Message(
        r"Unsupported dimension type (?P<size>[\d.]+) \(<class 'float'>\)",
        "A size is an int, and `/` gives a float. Write `//`.",
    ),
    Message(
        r"Unsupported dimension type \[.*\] \(<class '(max\.graph\.shape\.Shape|list|tuple)'>\)",
        "A whole shape stands where one dimension belongs. "
        "Take one with `x.shape[-2]`, or several with a star: `[*x.shape[:-1], n]`.",
    ),
    Message(
        r"Unsupported dimension type .*Tensor.*shape=\[\]",
        "This number is known only when the graph runs, and a shape needs dimensions. "
        "Compare positions instead of calling `causal_mask`: `keys <= queries`.",
    ),
    Message(
        r"Unsupported dimension type .*Tensor",
        "A tensor stands where a dimension belongs. Take one of its dimensions: `x.shape[-2]`.",
    ),
    Message(
        r"statically divide x\.shape\[axis\]",
        "The axis cannot be cut into so many equal parts. `F.chunk(x, 3, axis=-1)` cuts the last axis into 3.",
    ),
    Message(
        r"Int conversions only supported for static dims",
        "`F.chunk` and `F.split` can only cut an axis whose length is known while the graph is built. "
        "That is the last one: pass `axis=-1`.",
        within=("chunk", "split"),
    ),
    Message(
        r"can only concatenate list \(not \"tuple\"\) to list",
        "A shape is a list here: `[*x.shape[:2], n]` joins a part of it and a size.",
        line=r"\.shape",
    ),
    # A tensor has no numbers.
    Message(r".", NO_NUMBERS, within=("__bool__", "item", "__index__ of Tensor")),
    Message(r"Can't realize from a graph context|argument must be a string or a real number, not 'Tensor'", NO_NUMBERS),
    Message(
        r"__setitem__ requires a Tensor value", "A tensor is not written to. Make a new one: `F.where(hide, y, x)`."
    ),
    Message(
        r"object of type 'Tensor' has no len\(\)",
        "A tensor has no `len`: its length may be symbolic. Write `x.shape[0]` for the first axis, or `x.shape[-1]` "
        "for the last.",
    ),
    Message(
        r"can't find num elements since tensor has symbolic dims",
        "Rows of a table are looked up with `F.gather(table, ids, axis=0)`.",
    ),
    Message(
        r"'<' not supported between instances of 'tuple' and 'int'",
        "MAX takes one axis, as an int: `axis=-1`.",
        within=("fn", "mean", "sum", "max", "min", "softmax"),
    ),
    # Calls of what is no function.
    Message(r"'Shape' object is not callable", "`shape` is no function: write `x.shape[-1]`."),
    Message(
        r"'Tensor' object is not callable",
        "A tensor is not called. Look up rows with `F.gather(table, ids, axis=0)`, and multiply with `@`.",
    ),
    Message(r"'super' object is not callable", "Name the method: `super().forward(x)`."),
    Message(
        r"ModuleList must implement forward", "A `ModuleList` cannot be called. Loop over it: `for block in self.h:`."
    ),
    # Dtypes.
    Message(
        r"^KeyError: \"?'?(<class '(\w+\.)*)?(?P<dtype>int|float|bool|u?int\d+|float\d+)\b", A_DTYPE, line=r"dtype|cast"
    ),
    Message(r"(type object )?'(?P<dtype>\w+)'( object)? has no attribute 'size_in_bits'", A_DTYPE),
    Message(r"dtype=<class '(\w+\.)*(?P<dtype>\w+)'>", A_DTYPE),
    Message(
        r"operand #1 must be tensor with integer or index elements",
        "`F.gather(table, ids, axis=0)` needs ids that are integers. `F.arange` makes floats, unless you pass "
        "`dtype=DType.int64`.",
    ),
    Message(
        r"Unsafe cast from (?P<a>\w+) to \w+|Unsafe cast: Can't promote python float to dtype\(DType\.(?P<b>\w+)\)",
        "Tensors of integers, of True and False, and of floats do not mix. Convert first: `x.cast(DType.float32)`.",
    ),
    Message(
        r"to\(\) expects Device.*got DType", "`to` takes a device. A dtype is changed with `x.cast(DType.float32)`."
    ),
    Message(
        r"to\(\) expects Device.*got str", "A device is an object: `x.to(CPU())`, with `from max.driver import CPU`."
    ),
    Message(
        r"Invalid approximation method: ",
        'MAX names the form of GELU: `F.gelu(x, approximate="tanh")`.',
    ),
    # What is given is no tensor.
    Message(
        r"TensorValue\(\) argument must be.*not 'BufferValue'",
        "A cache is a buffer, and must be loaded first: `ops.buffer_load(cache)`.",
    ),
    Message(
        r"TensorValue.*(not|from an?) '(?P<kind>function|method|type)'",
        "A function or a class stands where a tensor belongs. Call it, with its arguments in parentheses.",
    ),
    Message(
        r"TensorValue.*(not|from an?) '(?P<kind>list|tuple)'",
        "A {kind} stands where a tensor belongs. Take one of its parts, or join them with `F.concat(parts, axis=-1)`.",
    ),
    Message(
        r"TensorValue.*(not|from an?) '(?P<kind>ndarray)'",
        "A NumPy array stands where a tensor belongs. Make a tensor of it: `F.constant(array, DType.float32, CPU())`.",
    ),
    Message(
        r"TensorValue.*(not|from an?) '(?P<kind>NoneType)'",
        "None stands where a tensor belongs. Does the function that made it end with `return`?",
    ),
    Message(
        r"TensorValue.*(not|from an?) '(?P<kind>[A-Z]\w+)'",
        "A `{kind}` stands where a tensor belongs. Look at what was assigned to it.",
    ),
    Message(
        r"TensorValue\(\) can not be created directly from a '(?P<kind>int|float|bool)'",
        "A plain number stands where a tensor belongs. Make one: `Tensor(0.0, dtype=dtype, device=device)`; "
        "in `F.gather`, the order is `F.gather(table, ids, axis=0)`.",
    ),
    Message(
        r"No seed set!",
        "Make parameters in `__init__`, not in `forward`: a graph draws no random numbers unless it is given a seed.",
    ),
    # Ranges and slices.
    Message(
        r"Dynamic ranges must provide an explicit out_dim",
        "The third argument is the step. Pass the dtype by its name: `F.arange(0, n, dtype=DType.int64)`.",
        line=r"arange\(.*, DType\.",
    ),
    Message(
        r"Dynamic ranges must provide an explicit out_dim",
        "Its length is known only when the graph runs. Stop at one dimension, `x.shape[-1]`, or name the length: "
        '`F.arange(0, total, out_dim="total_len", …)`.',
    ),
    Message(r"Unsupported slice inputs", UNNAMED_SLICE),
    Message(r"^AssertionError", UNNAMED_SLICE, within=("slice_tensor", "_slice_and_output_tensors")),
    Message(
        r"not supported between instances of 'SymbolicDim' and 'int'",
        "A symbolic dimension has no value to compare. For `num_tokens`, pass a number: 0 without a cache.",
        within=("band_part",),
    ),
    Message(
        r"'Buffer' object has no attribute",
        "A `Buffer` is raw data. Make an array of it first; in step 15, `as_float32(key, data)` does that.",
    ),
    Message(
        r"^KeyError: '(?P<key>\w+)'",
        "The file may lack `{key}`. `settings.get(name, default)` gives a default instead of an error.",
        line=r"settings\[",
    ),
    Message(
        r"takes \d+ positional arguments? but \d+ were given",
        "MAX calls this function with the whole state of the loop, one argument for each tensor. "
        "Take them all: `lambda first, *rest: …`.",
        within=("while_loop", "_while_loop_graph"),
    ),
    # Other errors of Python that learners meet here.
    Message(
        r"^(bdb\.)?BdbQuit",
        "Remove `breakpoint()`: a check has nobody to answer it. `print(x)` shows a tensor's shape and dtype.",
    ),
    Message(r"^EOFError", "Remove `input()`: a check has nobody to answer it."),
    Message(r"must be real number, not Tensor", "`math` knows only numbers. For a tensor, write `F.sqrt(x)`."),
    Message(
        r"'int' object is not iterable|'StaticDim' object is not iterable",
        "To repeat something n times, write `for _ in range(n)`.",
        line=r"\bfor\b.*\bin\b",
    ),
)
