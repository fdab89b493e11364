"""Reads a traced MAX module into a `Program`.

The module goes through its bytecode, so that it may come from another process.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np
from max import mlir
from max.dtype import DType
from max.graph import Module as GraphModule

from tutor.graphs import max_internals
from tutor.graphs.evaluate.dimensions import names_in, parse_dims
from tutor.graphs.evaluate.numbers import DTYPES
from tutor.graphs.evaluate.program import Attribute, Block, GraphFunction, Kind, Operation, Program, ValueType

# A traced graph in any of the forms in which it comes.
Readable = Program | GraphModule | bytes

_TYPE = re.compile(r"!mo\.(tensor|buffer)<(.*)>", re.DOTALL)
_SHAPE = re.compile(r"#mosh<ape(\[.*\])> : !mosh\.ape", re.DOTALL)
_NUMBER = re.compile(r"#M\.dense_array<([^<>,]+)> : tensor<(\w+)>")
_DECLARATION = re.compile(r"(\w+) :")
_ENUM = re.compile(r"#mo\.\w+<(\w+)>")


def read_module(module: Readable) -> Program:
    """Reads a module.

    Args:
        module: a module, or its bytecode, with one graph that is not a subgraph. A program is
            given back as it is.

    Raises:
        ValueError: the module holds no graph, or several that could be run.
    """
    if isinstance(module, Program):
        return module
    bytecode = module if isinstance(module, bytes) else max_internals.bytecode(module)
    graphs, subgraphs = [], {}
    for view in max_internals.parse(bytecode).body.operations:
        operation = view.operation
        if operation.name != "mo.graph":
            continue
        function = _Reader().read_graph(operation)
        if "is_subgraph" in operation.attributes or "isSubgraph" in operation.attributes:
            subgraphs[mlir.StringAttr(operation.attributes["sym_name"]).value] = function
        else:
            graphs.append(function)
    if len(graphs) != 1:
        raise ValueError(f"the module holds {len(graphs)} graphs where one is expected")
    return Program(graphs[0], subgraphs)


class _Reader:
    """Reads one graph: numbers its values in the order in which they are made."""

    def __init__(self) -> None:
        self._numbers: dict[mlir.Value[mlir.Type], int] = {}
        self._known: set[str] = set()

    def read_graph(self, operation: mlir.Operation) -> GraphFunction:
        block = self._block(operation.regions[0].blocks[0], ())
        return GraphFunction(block, len(self._numbers))

    def _block(self, block: mlir.Block, path: tuple[int, ...]) -> Block:
        arguments = list(block.arguments)
        types = tuple(_type(argument) for argument in arguments)
        for type_ in types:
            self._known |= names_in(type_.dims)
        return Block(
            arguments=tuple(self._number(argument) for argument in arguments),
            argument_types=types,
            operations=tuple(
                self._operation(view.operation, (*path, index)) for index, view in enumerate(block.operations)
            ),
        )

    def _number(self, value: mlir.Value[mlir.Type]) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    def _operation(self, operation: mlir.Operation, path: tuple[int, ...]) -> Operation:
        operands, results = list(operation.operands), list(operation.results)
        result_types = tuple(_type(result) for result in results)
        numbers = tuple(self._number(operand) for operand in operands)
        bodies = tuple(self._block(region.blocks[0], (*path, index)) for index, region in enumerate(operation.regions))
        named = names_in([dim for type_ in result_types for dim in type_.dims])
        declares = frozenset(named - self._known) | _declared(operation)
        self._known |= declares
        return Operation(
            name=_name(operation),
            path=path,
            operands=numbers,
            results=tuple(self._number(result) for result in results),
            operand_types=tuple(_type(operand) for operand in operands),
            result_types=result_types,
            attributes=_attributes(operation, result_types),
            bodies=bodies,
            declares=declares,
        )


def _name(operation: mlir.Operation) -> str:
    name = operation.name
    if name == "mo.custom":
        return f"custom {mlir.StringAttr(operation.attributes['symbol']).value}"
    # `rmo.mo.exp` is `mo.exp` with a type that is inferred; `rmo.add` is `mo.add` with broadcasting.
    return name.removeprefix("rmo.").removeprefix("mo.")


def _declared(operation: mlir.Operation) -> frozenset[str]:
    """The names of dimensions that an operation says it declares."""
    if "outputParamDecls" not in operation.attributes:
        return frozenset()
    return frozenset(_DECLARATION.findall(str(operation.attributes["outputParamDecls"])))


def _type(value: mlir.Value[mlir.Type]) -> ValueType:
    return _parse_type(str(value.type))


@functools.lru_cache(maxsize=1024)
def _parse_type(text: str) -> ValueType:
    if text == "!mo.chain":
        return ValueType(Kind.CHAIN)
    if (found := _TYPE.fullmatch(text)) is None:
        return ValueType(Kind.OTHER, text)
    dims, rest = parse_dims(found[2])
    dtype = rest.split(",")[1].strip()
    return ValueType(Kind(found[1]), DTYPES.get(dtype, dtype), dims)


def _attributes(operation: mlir.Operation, result_types: Sequence[ValueType]) -> dict[str, Attribute]:
    if operation.name == "mo.constant":
        # Not looked at by the bindings: for each they would search the disk for a module of the attribute's dialect.
        known = result_types[0].dtype in DTYPES.values()
        return {"value": _constant(operation, result_types[0])} if known else {}
    return {
        name: _attribute(attribute) for name, attribute in operation.attributes.items() if name != "outputParamDecls"
    }


def _attribute(attribute: mlir.Attribute) -> Attribute:
    if isinstance(attribute, mlir.BoolAttr | mlir.IntegerAttr | mlir.StringAttr):
        return attribute.value
    if isinstance(attribute, mlir.DictAttr):
        entries = (attribute[index] for index in range(len(attribute)))
        return {entry.name: _attribute(entry.attr) for entry in entries}
    text = str(attribute)
    if found := _SHAPE.fullmatch(text):
        return parse_dims(found[1])[0]
    if found := _NUMBER.fullmatch(text):
        return float(found[1])
    if found := _ENUM.fullmatch(text):
        return found[1]
    return text


def _constant(operation: mlir.Operation, type_: ValueType) -> np.ndarray:
    """The values of a constant; bfloat16 and float16 come as float32."""
    shape = [int(str(dim)) for dim in type_.dims]
    buffer = max_internals.constant_buffer(operation, DType[type_.dtype], shape)
    if type_.dtype == "bfloat16":
        # The bits of a bfloat16 are the upper half of a float32's.
        upper = buffer.view(DType.uint16, shape).to_numpy().astype(np.uint32)
        return np.asarray(upper << 16).view(np.float32)
    array = buffer.to_numpy().copy()
    return array.astype(np.float32) if type_.dtype == "float16" else array
