"""The graph of a subject, as the judge knows it: by its bytecode, whatever the learner's code says of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from max.driver import Device
from max.dtype import DType
from max.graph import TensorType

from tutor.checking.contract import compare_outputs, compare_parameters
from tutor.checking.guard import ProblemFound
from tutor.checking.spec import Arrays, RunnableSubject, Subject
from tutor.checking.verdict import Problem
from tutor.checking.wire import Message, Plain
from tutor.graphs.evaluate.evaluator import evaluate, unknown_operations
from tutor.graphs.evaluate.gradients import directional_derivative
from tutor.graphs.evaluate.program import Program
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.max_internals import read_bytecode
from tutor.graphs.tensor_spec import Dims, TensorSpec
from tutor.graphs.traced import TracedGraph


@dataclass(frozen=True)
class SubjectGraph:
    """A subject's graph.

    Args:
        subject: which.
        traced: the graph, ready to be compiled.
        program: the graph, ready to be evaluated.
        call_stacks: its bytecode with the call stack of each operation; empty if it was traced without them.
    """

    subject: Subject
    traced: TracedGraph
    program: Program
    call_stacks: bytes

    @property
    def can_be_evaluated(self) -> bool:
        """Whether the evaluator knows all its operations."""
        return not unknown_operations(self.program)

    def evaluate(self, parameters: Arrays, *inputs: np.ndarray) -> list[np.ndarray]:
        """Computes the graph's results, then what is in its buffers afterwards. What is given stays as it is.

        Raises:
            EvaluationError: the graph cannot be computed with these numbers.
        """
        specs = self.traced.inputs
        given = [array.copy() if spec.buffer else array for spec, array in zip(specs, inputs, strict=True)]
        returned = evaluate(self.program, [*(parameters[name] for name in self.traced.parameters), *given])
        return [*returned, *(array for spec, array in zip(specs, given, strict=True) if spec.buffer)]

    def __call__(self, parameters: Arrays, *inputs: np.ndarray) -> list[np.ndarray]:
        """The same as `evaluate`."""
        return self.evaluate(parameters, *inputs)

    def slope(
        self,
        parameters: Arrays,
        inputs: Sequence[np.ndarray],
        directions: Arrays,
        loss: Callable[[Sequence[np.ndarray]], float],
    ) -> float:
        """Differentiates a loss of the results along directions, by central differences in float64.

        Args:
            parameters: by name.
            inputs: in order.
            directions: an array for each parameter and each input that moves, by name.
            loss: from the graph's results to a number.
        """
        names = [*self.traced.parameters, *self.subject.inputs]
        given = [*(parameters[name] for name in self.traced.parameters), *inputs]
        moving = {names.index(name): direction for name, direction in directions.items()}
        return directional_derivative(self.program, given, moving, loss=loss)


@dataclass(frozen=True)
class ConfirmedGraph:
    """A compiled graph: it runs as MAX compiled it, and its slopes are those that the graph means."""

    graph: SubjectGraph
    compiled: RunnableSubject

    def __call__(self, parameters: Arrays, *inputs: np.ndarray) -> Sequence[np.ndarray]:
        """Runs what MAX compiled."""
        return self.compiled(parameters, *inputs)

    def slope(
        self,
        parameters: Arrays,
        inputs: Sequence[np.ndarray],
        directions: Arrays,
        loss: Callable[[Sequence[np.ndarray]], float],
    ) -> float:
        """As the graph's: MAX computes in float32."""
        return self.graph.slope(parameters, inputs, directions, loss)


def read_graph(step: int, subject: Subject, reply: Message, device: Device) -> SubjectGraph:
    """Reads what the learner's process sent of a traced subject, and compares it with what the step asks for.

    Raises:
        ProblemFound: the parameters or the results are not what the step asks for.
    """
    shapes = shapes_of(reply.message("parameters")) if "parameters" in reply else {}
    if "parameters" in reply or "problem" not in reply:
        compare_parameters(step, subject, shapes, texts_in(reply, "in_place"))
    if "problem" in reply:
        raise ProblemFound(Problem.from_message(reply.message("problem")))
    graph = read_traced(subject, reply, device)
    compare_outputs(step, subject, graph.traced.outputs, graph.traced.single)
    return graph


def read_traced(subject: Subject, reply: Message, device: Device) -> SubjectGraph:
    """Reads what was traced as it is; of a trace that failed, what there was.

    Raises:
        WireError: there is no graph.
    """
    bytecode = reply.data("bytecode")
    shapes = shapes_of(reply.message("parameters")) if "parameters" in reply else {}
    outputs, single = [], False
    if "single" in reply:  # else the trace failed before there were outputs
        dtypes, dims = reply.texts("output_dtypes"), reply.lists("output_dims")
        outputs, single = (
            [TensorSpec(*pair) for pair in zip(dtypes, map(_dims, dims), strict=True)],
            reply.flag("single"),
        )
    program = read_module(bytecode)
    types = zip(shapes, program.main.block.argument_types, strict=False)
    traced = TracedGraph(
        parameters={name: TensorType(DType[type_.dtype], shapes[name], device) for name, type_ in types},
        constants={},
        inputs=tuple(subject.inputs.values()),
        outputs=outputs,
        single=single,
        bytecode=bytecode,
        device=device,
        module=read_bytecode(bytecode),
    )
    return SubjectGraph(subject, traced, program, reply.data("call_stacks"))


def texts_in(reply: Message, name: str) -> dict[str, str]:
    """A mapping of texts in a reply; empty if there is none."""
    return {key: str(text) for key, text in reply.message(name).items()} if name in reply else {}


def shapes_of(parameters: Message) -> dict[str, Dims]:
    """The shape of each parameter, as the learner's process sent it."""
    return {name: _dims(dims) for name, dims in parameters.items()}


def _dims(value: Plain) -> Dims:
    return tuple(dim for dim in value if isinstance(dim, int | str)) if isinstance(value, list) else ()
