"""What came of tracing. Nothing here traces: who only reads graphs need not import all that tracing needs."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from max.driver import Device
from max.graph import Module as GraphModule
from max.graph import TensorType

from tutor.graphs import max_internals
from tutor.graphs.tensor_spec import TensorSpec


@dataclass(frozen=True)
class CompilableGraph:
    """What compiling needs of a graph.

    Args:
        bytecode: the module as MAX writes it; it can be read in another process.
        device: where the graph is to run.
        module: the MAX module that holds the graph and nothing else, unless the code made subgraphs.
    """

    bytecode: bytes
    device: Device
    module: GraphModule

    @functools.cached_property
    def fingerprint(self) -> str:
        """Equal for equal graphs, however the source is laid out."""
        return hashlib.sha256(self.bytecode).hexdigest()

    @property
    def single_operation(self) -> bool:
        """Whether the module holds nothing but the graph: the code made no subgraphs."""
        return max_internals.operation_count(self.module) == 1

    @property
    def text(self) -> str:
        """The graph as MAX prints it."""
        return max_internals.text(self.module)


@dataclass(frozen=True)
class TracedGraph(CompilableGraph):
    """A traced graph: what goes in, what comes out, and what compiling needs.

    Args:
        parameters: the type of each parameter of the module, by name; the graph's first inputs.
        constants: the type of each parameter whose values are part of the compiled graph instead.
        inputs: the graph's other inputs.
        outputs: dtype and dimensions of each result.
        single: True if the code returned one bare tensor, False for a tuple.
    """

    parameters: Mapping[str, TensorType]
    constants: Mapping[str, TensorType]
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    single: bool
