"""A traced graph as plain Python data: no objects of MAX's, so it can be kept, walked and run at little cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from tutor.graphs.evaluate.dimensions import Dims

# What an attribute of an operation can be; `Dims` are shapes. What is read as none of them stays MAX's text.
Attribute = bool | int | float | str | Dims | np.ndarray | Mapping[str, "Attribute"]


class Kind(Enum):
    """What a value of a graph is. A chain carries no data: it puts reads and writes of buffers in order."""

    TENSOR = "tensor"
    BUFFER = "buffer"
    CHAIN = "chain"
    OTHER = "other"


@dataclass(frozen=True)
class ValueType:
    """The type of a value.

    Args:
        kind: see there.
        dtype: MAX's name: "float32", "bfloat16"; empty for what is no tensor, and MLIR's text where it is not known.
        dims: the dimensions.
    """

    kind: Kind
    dtype: str = ""
    dims: Dims = ()


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a graph.

    Args:
        name: MAX's name without the dialect: "add", "reduce.softmax"; "custom mx.argsort" for a kernel by its name.
        path: where it stands: (3,) is the fourth operation of the graph, (3, 1, 0) the first in the second body of it.
        operands, results: numbers of values.
        operand_types, result_types: their types.
        attributes: by MLIR's name for them.
        bodies: the blocks inside of it: condition and body of a loop, both branches of a conditional.
        declares: the names of dimensions whose sizes its results give.
    """

    name: str
    path: tuple[int, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]
    operand_types: tuple[ValueType, ...]
    result_types: tuple[ValueType, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    bodies: tuple["Block", ...] = ()
    declares: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Block:
    """Operations in order. The last one is the terminator: its operands are what the block gives.

    Args:
        arguments: numbers of the values that it takes.
        argument_types: their types.
        operations: see above.
    """

    arguments: tuple[int, ...]
    argument_types: tuple[ValueType, ...]
    operations: tuple[Operation, ...]

    def walk(self) -> Iterator[Operation]:
        """All operations, those in bodies included, each before what its bodies hold."""
        for operation in self.operations:
            yield operation
            for body in operation.bodies:
                yield from body.walk()


@dataclass(frozen=True, eq=False)
class GraphFunction:
    """A graph: a block, and how many values there are in it and in the bodies of its operations."""

    block: Block
    values: int


@dataclass(frozen=True, eq=False)
class Program:
    """A module that was read.

    Args:
        main: the graph that is run.
        subgraphs: the graphs that it can call, by name.
    """

    main: GraphFunction
    subgraphs: Mapping[str, GraphFunction] = field(default_factory=dict)

    def walk(self) -> Iterator[Operation]:
        """All operations of all graphs."""
        for function in (self.main, *self.subgraphs.values()):
            yield from function.block.walk()
