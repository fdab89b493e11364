"""What the chapters say about MAX, where no check shows it."""

import re

import numpy as np

from book import captures
from book.paths import EXAMPLES
from tutor.learner.workspace import REPOSITORY


def test_max_fuses_step_08_into_flash_attention_on_a_cpu(compiled: None):
    """As chapter 08 says: the kernel is in what MAX compiled, though no step names it."""
    from tutor.checking.loader import StepModules
    from tutor.checks.step_08 import THREE_HEADS
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace
    from tutor.learner.workspace import Workspace, cache_folder

    view = StepModules(Workspace(REPOSITORY), own=[])
    traced = trace(lambda: THREE_HEADS.build(view), list(THREE_HEADS.inputs.values()), find_device("cpu"))
    assert "flash" not in traced.text.lower()
    file, _ = CompileCache(cache_folder())._find(traced)
    assert b"FlashAttention" in file.read_bytes()


def test_max_gets_a_mask_wrong_that_it_computes_inside_of_its_attention(compiled: None):
    """As chapter 16 says of `mask_of`. If this fails, MAX has fixed it: remove what the chapter and the step say."""
    from max.dtype import DType
    from max.experimental import functional as F
    from max.experimental.tensor import Tensor

    from tutor.checking.loader import StepModules
    from tutor.checks.numpy import gpt2 as numpy_gpt2
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.tensor_spec import TensorSpec
    from tutor.graphs.trace import trace
    from tutor.learner.workspace import Workspace, cache_folder

    step = StepModules(Workspace(REPOSITORY), own=[])[16]

    def attention(mask_of):
        def forward(query, keys, values):
            positions = F.arange(0, query.shape[2], dtype=DType.int64, device=query.device)
            visible = F.unsqueeze(positions, 0) <= F.unsqueeze(positions, 1)
            return step.attend(query, keys, values, mask_of(visible))

        return lambda: forward

    def no_table(visible):
        zero, hidden = (Tensor(number, dtype=DType.float32, device=visible.device) for number in (0.0, -np.inf))
        return F.where(visible, zero, hidden)

    heads = [TensorSpec("float32", ("batch", 2, "seq_len", 16))] * 3
    traced = [trace(attention(mask), heads, find_device("cpu")) for mask in (step.mask_of, no_table)]
    inputs = np.random.default_rng(16).standard_normal((3, 1, 2, 5, 16), dtype=np.float32)
    (table,), (inside,) = (run({}, *inputs) for run in CompileCache(cache_folder()).load(traced))
    np.testing.assert_allclose(table, numpy_gpt2.attention(*inputs), atol=1e-5)
    np.testing.assert_allclose(inside, numpy_gpt2.attention(*inputs, sees="everything"), atol=1e-5)


def test_the_evaluator_of_chapter_08_runs_lines_of_the_graph_above_it():
    """Its three operations stand in the printed graph, and its last result is that of the chapter's first example."""
    _, names = captures.run_file(EXAMPLES / "_evaluator.py")
    printed = captures.output_file("step_08", "graph").read_text()
    for result, operation, operands in names["graph"]:
        line = rf"{result} = rmo\.(mo\.reduce\.)?{operation}\({', '.join(operands)}\)"
        assert re.search(line, printed), line
    _, first = captures.run_file(EXAMPLES / "step_08.py")
    np.testing.assert_array_equal(names["values"]["%5"], first["scores"])
    np.testing.assert_allclose(names["values"]["%13"], first["weights"], rtol=1e-15)


def test_minus_infinity_is_printed_with_the_bits_that_chapter_08_names():
    numbers = captures.run_file(EXAMPLES / "step_08.py")[1]["NUMBERS"]
    assert numbers["infinity_bits"] == "0xFF800000"
    assert f"<{numbers['infinity_printed']}> : tensor<f32>" in captures.output_file("step_08", "graph").read_text()
