"""Each operation is traced back to the lines of Python that made it, in another process as well."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import Graph

from tutor.graphs.evaluate.evaluator import evaluate
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.evaluate.source_lines import bytecode_with_call_stacks, read_frames, recorded_call_stacks
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph
from tutor.learner.workspace import REPOSITORY

HERE = Path(__file__)


def double(x: Tensor) -> Tensor:
    return x * 2.0  # double


def example(x: Tensor) -> Tensor:
    y = F.exp(x)  # exp
    z = double(y)  # call
    _, w = F.while_loop(
        [F.constant(0, DType.int64), z],
        lambda i, w: i < 3,  # condition
        lambda i, w: [i + 1, F.tanh(w)],  # body
    )
    return w


def line_of(comment: str) -> int:
    lines = HERE.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {comment}"))


def traced() -> TracedGraph:
    with recorded_call_stacks():
        return trace(lambda: example, [TensorSpec("float32", ("n",))], CPU())


def test_every_operation_knows_its_lines() -> None:
    bytecode = bytecode_with_call_stacks(traced().module)
    frames = read_frames(bytecode, [HERE])
    lines = {
        operation.name: [frame.line for frame in frames.get(operation.path, ())]
        for operation in read_module(bytecode).walk()
    }
    # The outermost frames are this test's call of `trace`.
    assert lines["exp"][-1:] == [line_of("exp")]
    assert lines["mul"][-2:] == [line_of("call"), line_of("double")]
    assert lines["greater_equal"][-1:] == [line_of("condition")]
    assert lines["tanh"][-1:] == [line_of("body")]
    assert [frame.function for frame in frames[(1,)]][-1:] == ["example"]


def test_the_lines_reach_another_process(tmp_path: Path) -> None:
    (tmp_path / "module").write_bytes(bytecode_with_call_stacks(traced().module))
    program = (
        "import sys, pathlib; from tutor.graphs.evaluate.source_lines import read_frames; "
        "frames = read_frames(pathlib.Path(sys.argv[1]).read_bytes(), [pathlib.Path(sys.argv[2])]); "
        "print(sorted({stack[-1].line for stack in frames.values()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "module"), str(HERE)],
        cwd=REPOSITORY,
        env=os.environ,  # passed on by hand: MAX adds to the process's own without telling Python
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(map(int, done.stdout.strip("[]\n").split(",")))
    assert {line_of(comment) for comment in ("exp", "double", "condition", "body")} <= found


def test_a_module_with_call_stacks_is_evaluated_like_any_other() -> None:
    graph = traced()
    x = np.array([0.0, 1.0, -2.0], np.float32)
    (plain,) = evaluate(graph.module, [x])
    (located,) = evaluate(bytecode_with_call_stacks(graph.module), [x])
    np.testing.assert_array_equal(plain, located)


def test_call_stacks_are_recorded_only_where_it_is_asked_for() -> None:
    graph = trace(lambda: example, [TensorSpec("float32", ("n",))], CPU())
    assert read_frames(bytecode_with_call_stacks(graph.module), [HERE]) == {}
    traced()
    assert not Graph.debug.source_tracebacks
