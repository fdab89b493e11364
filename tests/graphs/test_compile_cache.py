"""The cache of compiled graphs: damaged, not writable, and where MAX's own cache knows a graph by another name."""

from pathlib import Path

import numpy as np
import pytest
from max.graph import Graph, TensorType

from tests.support.workspaces import Tool
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.devices import find_device
from tutor.graphs.trace import trace
from tutor.learner.workspace import Workspace


def test_damaged_cache_entries_are_compiled_again(
    filled: Workspace, tutor: Tool, tmp_path_factory: pytest.TempPathFactory
):
    cache = tmp_path_factory.mktemp("cache")
    first = tutor(filled, "s05", TUTOR_CACHE=str(cache))
    assert first.returncode == 0 and "MAX compiled" in first.stdout, first.stdout + first.stderr
    assert "MAX compiled" not in tutor(filled, "s05", TUTOR_CACHE=str(cache)).stdout
    for artifact in cache.glob("*.mef"):
        artifact.write_bytes(artifact.read_bytes()[:1000])
    again = tutor(filled, "s05", TUTOR_CACHE=str(cache))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "were damaged; they were compiled again" in again.stdout and "MAX compiled" in again.stdout
    for entry in cache.glob("*.json"):
        entry.write_text("not json")
    assert "were damaged" in tutor(filled, "s05", TUTOR_CACHE=str(cache)).stdout


def test_a_cache_that_cannot_be_written(filled: Workspace, tutor: Tool, tmp_path: Path):
    (tmp_path / "file").write_text("")
    for command in (("s03",), ("generate", "A"), ("attention", "A"), ("warm",)):
        result = tutor(filled, *command, TUTOR_CACHE=str(tmp_path / "file" / "cache"))
        assert result.returncode == 1
        assert "set TUTOR_CACHE to a folder that you can write" in result.stderr, result.stderr
        assert "Traceback" not in result.stderr


def test_a_graph_that_max_knows_by_another_name(tmp_path: Path):
    """MAX's own cache looks at what graphs compute, not at their names, and gives back the names that it knows."""
    from max.dtype import DType
    from max.engine import InferenceSession
    from max.graph import DeviceRef
    from max.graph import Module as GraphModule

    from tutor.graphs.tensor_spec import TensorSpec

    device = find_device("cpu")
    factor = float(np.random.default_rng().normal())  # new to MAX
    traced = trace(lambda: lambda x: x * factor, [TensorSpec("float32", ("n",))], device)
    module = GraphModule()
    with Graph("another_name", input_types=[TensorType(DType.float32, ["n"], DeviceRef.CPU())], module=module) as graph:
        graph.output(graph.inputs[0].tensor * factor)
    InferenceSession(devices=[device]).compile(module)
    (executable,) = CompileCache(tmp_path).load([traced])
    (got,) = executable({}, np.arange(3, dtype=np.float32))
    np.testing.assert_allclose(got, factor * np.arange(3), rtol=1e-6)
