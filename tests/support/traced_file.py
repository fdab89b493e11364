"""Functions of tensors in a file, traced into graphs that know their lines."""

import functools
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from max.driver import CPU

from tutor.checking.line_values import Line, trace_lines
from tutor.checking.spec import Subject
from tutor.checking.subject_graph import SubjectGraph
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.evaluate.source_lines import bytecode_with_call_stacks, recorded_call_stacks
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph

HEADER = """\
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import BufferValue, TensorValue, ops


"""
# What the functions are called with, unless a test says otherwise.
X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
SPEC = TensorSpec("float32", ("n", 4))


class TracedFile:
    """A file with functions of tensors."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, source: str) -> None:
        """Writes the functions; they begin at line 8."""
        self.file.write_text(HEADER + textwrap.dedent(source).lstrip("\n"))

    def function(self, name: str) -> Callable[..., object]:
        namespace: dict[str, Callable[..., object]] = {}
        exec(compile(self.file.read_text(), str(self.file), "exec"), namespace)
        return namespace[name]

    def graph(self, name: str, specs: Sequence[TensorSpec] = (SPEC,)) -> SubjectGraph:
        with recorded_call_stacks():
            traced = trace(functools.partial(self.function, name), specs, CPU())
            return _as_subject(traced, specs)

    def unfinished(self, name: str) -> SubjectGraph:
        graphs = []
        with recorded_call_stacks(), pytest.raises(ValueError, match="Failed to create op"):
            trace(
                functools.partial(self.function, name),
                [SPEC],
                CPU(),
                on_failure=lambda traced: graphs.append(_as_subject(traced, [SPEC])),
            )
        return graphs[0]

    def lines(self, name: str, x: np.ndarray = X) -> list[Line]:
        return trace_lines(self.graph(name), {}, [x], [self.file])


def _as_subject(traced: TracedGraph, specs: Sequence[TensorSpec]) -> SubjectGraph:
    inputs: Mapping[str, TensorSpec] = {str(index): spec for index, spec in enumerate(specs)}
    subject = Subject("subject", lambda code: code, inputs=inputs, outputs={})
    return SubjectGraph(subject, traced, read_module(traced.bytecode), bytecode_with_call_stacks(traced.module))
