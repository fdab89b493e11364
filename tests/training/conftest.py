"""Trains without compiling: the evaluator computes the graphs, in the same buffers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from max.driver import Buffer

from tutor.graphs.evaluate.evaluator import evaluate
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.traced import TracedGraph


class EvaluatedGraph:
    """Stands for a compiled graph, and for its model."""

    def __init__(self, traced: TracedGraph) -> None:
        self._traced, self._program = traced, read_module(traced.bytecode)
        self.model = self

    def execute(self, *buffers: Buffer) -> list[Buffer]:
        """Computes the graph; buffers on a CPU share their memory with their arrays, and are written to."""
        results = evaluate(self._program, [buffer.to_numpy() for buffer in buffers])
        return [Buffer.from_numpy(np.require(result, requirements="C")) for result in results]

    def __call__(self, parameters: dict[str, np.ndarray], *inputs: np.ndarray) -> list[np.ndarray]:
        """Computes a graph without buffers."""
        return evaluate(self._program, [*(parameters[name] for name in self._traced.parameters), *inputs])


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the evaluator in the place of the compiler."""

    def load(
        graphs: Sequence[TracedGraph], folder: Path, on_compile: Callable[[int], None] = lambda count: None
    ) -> list[EvaluatedGraph]:
        return [EvaluatedGraph(graph) for graph in graphs]

    monkeypatch.setattr("tutor.training.trainer.load_interruptibly", load)
    monkeypatch.setattr("tutor.training.model_loss.load_interruptibly", load)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text that is easy to learn."""
    file = tmp_path / "text.txt"
    file.write_text("".join(f"Line {i}: the quick brown fox jumps over {i * i} lazy dogs.\n" for i in range(300)))
    return file
