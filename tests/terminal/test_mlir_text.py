"""The colours of a printed graph."""

import io
import re

from rich.console import Console

from tests.conftest import Tool
from tutor.learner.workspace import Workspace
from tutor.terminal.mlir_text import coloured

LINE = (
    '%7 = rmo.broadcast_to(%6) [newShape = #mosh<ape[n]> : !mosh.ape, why = "see %1 in mo.add !mo.tensor"] : '
    "(!mo.tensor<[], f32>) -> !mo.list<!mo.tensor<[seq_len, n], f32>>"
)


def parts(text: str) -> list[tuple[str, str]]:
    """The parts of a line that have a style, each with it."""
    result = coloured(text)
    assert result.plain == text
    return [(text[span.start : span.end], str(span.style)) for span in result.spans]


def test_each_part_of_a_line_has_its_style():
    assert parts(LINE) == [
        ("%7", "cyan"),
        ("rmo.broadcast_to", "bold"),
        ("%6", "cyan"),
        ("!mosh.ape", "green"),
        ("!mo.tensor<[], f32>", "green"),
        ("!mo.list<!mo.tensor<[seq_len, n], f32>>", "green"),
    ]


def test_operations_and_names_of_graphs_are_set_apart_from_attributes():
    assert parts("  mo.graph @subject<batch>(%arg0: !mo.chain) {mo.device_info_mapping = {cpu = #M.device<1>}}") == [
        ("mo.graph", "bold"),
        ("@subject", "magenta"),
        ("%arg0", "cyan"),
        ("!mo.chain", "green"),
    ]
    assert parts("    mo.output %14 : !mo.chain")[0] == ("mo.output", "bold")
    assert parts("%0 = mo.chain.create()")[1] == ("mo.chain.create", "bold")
    assert parts("%0 = mo.constant <#M.dense_array<-1> : tensor<si64>> : !mo.tensor<[], si64>")[1:] == [
        ("mo.constant", "bold"),
        ("!mo.tensor<[], si64>", "green"),
    ]


def test_only_the_terminals_own_colours_are_used():
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="truecolor", width=500).print(coloured(LINE))
    codes = set(re.findall(r"\x1b\[([\d;]*)m", out.getvalue()))
    assert codes == {"0", "1", "32", "36"}


def test_a_whole_graph_keeps_its_text(skeletons: Workspace, tutor: Tool):
    plain = tutor(skeletons, "graph", "08", "--solutions")
    drawn = tutor(skeletons, "graph", "08", "--solutions", FORCE_COLOR="1", TERM="xterm-256color")
    assert re.sub(r"\x1b\[[\d;]*m", "", drawn.stdout) == plain.stdout
    assert set(re.findall(r"\x1b\[([\d;]*)m", drawn.stdout)) == {"0", "1", "32", "35", "36"}
    operations = re.findall(r"\x1b\[1m(.*?)\x1b", drawn.stdout)
    assert {"rmo.matmul", "rmo.mo.reduce.softmax", "mo.output"} <= set(operations)
    assert all(re.fullmatch(r"r?mo(\.\w+)+", name) for name in operations)
