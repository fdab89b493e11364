"""`graph`: the graph of a step, as the compiler sees it."""

from tests.support.workspaces import Tool
from tutor.learner.workspace import Workspace


def test_graph_prints_what_the_compiler_sees(filled: Workspace, tutor: Tool):
    result = tutor(filled, "graph", "02")
    assert result.returncode == 0
    assert "mo.graph @subject" in result.stdout and "band_part" in result.stdout and "seq_len" in result.stdout
    assert "plain Python" in tutor(filled, "graph", "00").stdout


def test_graph_of_an_unfilled_step_says_so(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "graph", "02")
    assert result.returncode == 1 and "Not filled in yet: step 02" in result.stderr
    assert tutor(skeletons, "graph", "02", "--solutions").returncode == 0
