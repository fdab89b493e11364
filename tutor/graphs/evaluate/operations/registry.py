"""The table of operations, and what they are called with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from tutor.graphs.evaluate.dimensions import Dims
from tutor.graphs.evaluate.program import Block, Operation

Kind = TypeVar("Kind")

Value = np.ndarray | None
Results = np.ndarray | tuple[Value, ...] | None


class Runner(Protocol):
    """What an operation can ask of the evaluation that it is a part of."""

    def shape(self, dims: Dims) -> tuple[int, ...]:
        """The sizes of dimensions."""
        ...

    def run(self, block: Block, arguments: Sequence[Value]) -> list[Value]:
        """Runs a block that is inside of the operation, and gives the operands of its terminator."""
        ...

    def call(self, name: str, arguments: Sequence[Value], prefix: str) -> list[Value]:
        """Runs a subgraph."""
        ...

    def constant(self, name: str) -> np.ndarray:
        """The value of a constant that is given when the graph is loaded."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One run of an operation."""

    operation: Operation
    runner: Runner

    def get(self, name: str, kind: type[Kind]) -> Kind:
        """An attribute of the operation.

        Args:
            name: its name.
            kind: what it must be.
        """
        value = self.operation.attributes[name]
        assert isinstance(value, kind), f"{self.operation.name}: {name} is {value!r}"
        return value

    @property
    def axis(self) -> int:
        """The attribute `axis`."""
        return self.get("axis", int)

    def shape(self, name: str) -> tuple[int, ...]:
        """The sizes that an attribute holds."""
        return self.runner.shape(self.get(name, tuple))

    @property
    def result_dtype(self) -> str:
        """MAX's name for the dtype of the first result."""
        return self.operation.result_types[0].dtype

    @property
    def operand_dtype(self) -> str:
        """MAX's name for the dtype of the first operand."""
        return self.operation.operand_types[0].dtype


Compute = Callable[..., Results]

OPERATIONS: dict[str, Compute] = {}


def operation(*names: str) -> Callable[[Compute], Compute]:
    """Registers a function as the meaning of operations, by MAX's names for them."""

    def register(compute: Compute) -> Compute:
        for name in names:
            assert name not in OPERATIONS, name
            OPERATIONS[name] = compute
        return compute

    return register


def elementwise(name: str, function: Callable[..., np.ndarray]) -> None:
    """Registers a function of arrays that needs to know nothing else."""
    operation(name)(lambda call, *operands: function(*operands))
