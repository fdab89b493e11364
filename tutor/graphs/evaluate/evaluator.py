"""Runs a program: the graph's operations in order, on NumPy arrays."""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tutor.graphs.evaluate import operations  # noqa: F401 - importing it registers the operations
from tutor.graphs.evaluate.dimensions import Dims, bind, size_of, unknown_operators
from tutor.graphs.evaluate.errors import EvaluationError, EvaluationLimitError, UnknownOperationError
from tutor.graphs.evaluate.numbers import DTYPES, FLOATS, round_to, storage
from tutor.graphs.evaluate.operations.registry import OPERATIONS, Call, Value
from tutor.graphs.evaluate.program import Block, GraphFunction, Kind, Operation, Program, ValueType
from tutor.graphs.evaluate.reader import Readable, read_module

# Told each operation after it ran, and its results.
Observe = Callable[[Operation, Sequence[Value]], None]

_TERMINATORS = frozenset({"output", "yield", "while.condition"})
_DTYPES = frozenset(DTYPES.values())

# What a graph of these lessons runs is some thousand operations; this many take a few seconds.
MOST_OPERATIONS = 500_000


def unknown_operations(module: Readable) -> list[str]:
    """What in a module cannot be evaluated: operations, and dtypes and sizes of known ones; each once, sorted."""
    return list(_unknown_operations(read_module(module)))


@functools.lru_cache(maxsize=64)  # a graph is evaluated on many cases
def _unknown_operations(program: Program) -> tuple[str, ...]:
    names = set()
    for operation in program.walk():
        if operation.name not in OPERATIONS and operation.name not in _TERMINATORS:
            names.add(operation.name)
        if operation.name == "buffer.create" and "initValue" in operation.attributes:
            names.add("buffer.create, once for all runs")  # what is in it comes from the runs before
        for type_ in (*operation.operand_types, *operation.result_types):
            if type_.kind is Kind.OTHER or (type_.kind is not Kind.CHAIN and type_.dtype not in _DTYPES):
                names.add(f"{operation.name} of {type_.dtype}")
            names |= {f"{operation.name} of size {operator}(…)" for operator in unknown_operators(type_.dims)}
    return tuple(sorted(names))


def evaluate(
    module: Readable,
    inputs: Sequence[np.ndarray],
    *,
    dtype: type[np.float64] | None = None,
    observe: Observe | None = None,
    constants: Mapping[str, np.ndarray] | None = None,
    most_operations: int = MOST_OPERATIONS,
) -> list[np.ndarray]:
    """Computes what a traced graph gives.

    Args:
        module: the graph; a `Program` where it is evaluated often.
        inputs: an array for each input of the graph. Buffers are written to. Numbers of bfloat16 may come as float32.
        dtype: np.float64 to compute in float64 whatever is floating point in the graph, and to give float64.
        observe: told the results of each operation, those in loops in each round.
        constants: the values of the graph's external constants.
        most_operations: how many operations may run.

    Returns:
        The graph's results. Those of dtype bfloat16 are float32 arrays.

    Raises:
        UnknownOperationError: the graph holds an operation that is not known. Nothing was computed.
        EvaluationError: the inputs do not fit, or an operation cannot be computed with these numbers.
        EvaluationLimitError: more operations ran than allowed.
    """
    program = read_module(module)
    if unknown := unknown_operations(program):
        raise UnknownOperationError(unknown)
    evaluation = _Evaluation(program, dtype, observe, constants or {}, most_operations)
    with np.errstate(all="ignore"):
        return evaluation.run_main(inputs)


class _Evaluation:
    """One run of a program. It is the `Runner` of its operations."""

    def __init__(
        self,
        program: Program,
        dtype: type[np.float64] | None,
        observe: Observe | None,
        constants: Mapping[str, np.ndarray],
        most_operations: int,
    ) -> None:
        self._program = program
        self._dtype = dtype
        self._observe = observe
        self._constants = constants
        self._left = most_operations
        self._values: list[Value] = []
        self._sizes: dict[str, int] = {}
        self._prefix = ""

    def run_main(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        types = self._program.main.block.argument_types
        if len(inputs) != sum(type_.kind is not Kind.CHAIN for type_ in types):
            raise EvaluationError(f"{len(inputs)} inputs where the graph takes {len(types)}")
        arguments = [self._keep(np.asarray(array), type_) for array, type_ in zip(inputs, types, strict=False)]
        results = self._run_function(self._program.main, arguments)
        for given, kept, type_ in zip(inputs, arguments, types, strict=False):
            if type_.kind is Kind.BUFFER and kept is not given:
                given[...] = kept
        outputs = self._program.main.block.operations[-1].operand_types
        return [self._release(value, type_) for value, type_ in zip(results, outputs, strict=True)]

    def _keep(self, values: np.ndarray, type_: ValueType) -> np.ndarray:
        """An input as it is kept: the array itself where its dtype is right."""
        kind = storage(type_.dtype).kind
        if values.dtype.kind not in ("fV" if kind == "f" else kind):
            raise EvaluationError(f"an input of dtype {values.dtype} where the graph takes {type_.dtype}")
        return self._round(values, type_)

    def _release(self, value: Value, type_: ValueType) -> np.ndarray:
        """A result as it is given: a copy, and float16 as such."""
        assert value is not None
        return np.array(value, np.float16 if type_.dtype == "float16" and self._dtype is None else value.dtype)

    def _round(self, values: np.ndarray, type_: ValueType) -> np.ndarray:
        if self._dtype is not None and type_.dtype in FLOATS:
            return values.astype(self._dtype, copy=False)
        return round_to(values, type_.dtype)

    def _run_function(self, function: GraphFunction, arguments: Sequence[Value]) -> list[Value]:
        values, sizes = self._values, self._sizes
        self._values, self._sizes = [None] * function.values, {}
        try:
            return self.run(function.block, arguments)
        finally:
            self._values, self._sizes = values, sizes

    def run(self, block: Block, arguments: Sequence[Value]) -> list[Value]:
        for number, value, type_ in zip(block.arguments, arguments, block.argument_types, strict=False):
            if value is not None:
                bind(type_.dims, value.shape, self._sizes, "an input")
            self._values[number] = value
        for operation in block.operations:
            operands = [self._values[number] for number in operation.operands]
            if operation.name in _TERMINATORS:
                return operands
            self._run_operation(operation, operands)
        raise EvaluationError("a block without an end")

    def _run_operation(self, operation: Operation, operands: Sequence[Value]) -> None:
        self._left -= 1
        if self._left < 0:
            raise EvaluationLimitError("too many operations: does a loop end?")
        try:
            returned = OPERATIONS[operation.name](Call(operation, self), *operands)
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise EvaluationError(f"{operation.name}: {error}") from error
        # In a loop, what an operation declares may have another size in each round.
        for name in operation.declares:
            self._sizes.pop(name, None)
        results = []
        for value, type_ in zip(
            returned if isinstance(returned, tuple) else (returned,), operation.result_types, strict=True
        ):
            if type_.kind is Kind.TENSOR or (type_.kind is Kind.BUFFER and not operation.operands):
                # A buffer only when it is made: one that is handed on must stay the same array.
                value = self._round(np.asarray(value), type_)
                bind(type_.dims, value.shape, self._sizes, operation.name)
            results.append(value)
        for number, value in zip(operation.results, results, strict=True):
            self._values[number] = value
        if self._observe is not None:
            self._observe(operation, results)

    def shape(self, dims: Dims) -> tuple[int, ...]:
        return tuple(size_of(dim, self._sizes) for dim in dims)

    def call(self, name: str, arguments: Sequence[Value], prefix: str) -> list[Value]:
        outer, self._prefix = self._prefix, self._prefix + prefix
        try:
            return self._run_function(self._program.subgraphs[name], arguments)
        finally:
            self._prefix = outer

    def constant(self, name: str) -> np.ndarray:
        for full in (self._prefix + name, name):
            if full in self._constants:
                return self._constants[full]
        raise EvaluationError(f"no value for the constant {name!r}")
