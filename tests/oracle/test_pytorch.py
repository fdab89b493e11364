"""Step 19 beside PyTorch: its module, its attention, its parameters, its count of multiplications."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from book.captures import run_file
from book.paths import EXAMPLES
from tests.support.attention_maps import WORKSPACE
from tutor.checking import random_numbers, stored_numbers
from tutor.checking.loader import StepModules
from tutor.checks.step_19 import MASKED, MODULE, with_mask
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.devices import find_device
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.learner.workspace import cache_folder
from tutor.oracle.pytorch import call_pytorch, line_by_line, pytorch_module


def test_the_value_may_be_narrower_than_the_key_in_every_rank(compiled: None):
    """Where there are heads, MAX 26.7.0 on CPU gets softmax(scores) @ value wrong; the solution must not."""
    attention, device = StepModules(WORKSPACE, own=[])[19].scaled_dot_product_attention, find_device("auto")
    rng, traced, arrays = np.random.default_rng(0), [], []
    for sizes in ((), (2,), (2, 3)):
        shapes = [(*sizes, 4, 8), (*sizes, 6, 8), (*sizes, 6, 5)]
        traced.append(trace(lambda: attention, [TensorSpec("float32", shape) for shape in shapes], device))
        arrays.append([rng.normal(size=shape).astype(np.float32) for shape in shapes])
    for executable, inputs in zip(CompileCache(cache_folder()).load(traced), arrays, strict=True):
        output, weights = executable({}, *inputs)
        live = torch.nn.functional.scaled_dot_product_attention(*map(torch.from_numpy, inputs))
        np.testing.assert_allclose(output, live.numpy(), rtol=0, atol=1e-5)
        np.testing.assert_allclose(weights @ inputs[2], output, rtol=0, atol=1e-5)


@pytest.mark.parametrize("subject", [MODULE, MASKED], ids=lambda subject: subject.name)
def test_step_19_is_pytorchs_module_line_by_line(subject, compiled: None):
    """The book shows these lines."""
    case = next(case for case in reference_cases(subject) if case.dims["seq_len"] > 1)
    parameters, inputs = with_mask(subject, case) if "mask" in subject.inputs else random_numbers.case(subject, case)
    traced = trace(
        lambda: subject.build(StepModules(WORKSPACE, own=[])), list(subject.inputs.values()), find_device("auto")
    )
    (executable,) = CompileCache(cache_folder()).load([traced])
    output, weights = executable(parameters, *inputs.values())

    module = pytorch_module(parameters, subject.settings["num_heads"])
    x, *mask = (torch.from_numpy(array) for array in inputs.values())
    with torch.no_grad():
        theirs, their_weights = call_pytorch(module, x.double(), *mask)
        lines, line_weights = line_by_line(module, x.double(), *mask)
        _, averaged = call_pytorch(module, x.double(), *mask, average=True)
    for got in (output, lines.numpy()):
        np.testing.assert_allclose(got, theirs.numpy(), rtol=0, atol=1e-5)
    for got in (weights, line_weights.numpy()):
        np.testing.assert_allclose(got, their_weights.numpy(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(weights.mean(axis=1), averaged.numpy(), rtol=0, atol=1e-5)


def reference_cases(subject):
    from tutor.checks.step_19 import CHECK

    return [case for case in CHECK.cases if case.subject == subject.name]


def test_pytorch_counts_the_multiplications_that_chapter_19_counts():
    """Attention's four layers and its two products, and the MLP, on tensors without numbers."""
    multiply_adds = run_file(EXAMPLES / "step_19.py")[1]["multiply_adds"]
    for seq_len in (256, 1024):
        counted = multiply_adds(seq_len, 768)
        with torch.device("meta"):
            module, x = torch.nn.MultiheadAttention(768, 12, batch_first=True), torch.empty(1, seq_len, 768)
            mlp = torch.nn.Sequential(torch.nn.Linear(768, 4 * 768), torch.nn.GELU(), torch.nn.Linear(4 * 768, 768))
        with FlopCounterMode(display=False) as attention:
            line_by_line(module, x)
        with FlopCounterMode(display=False) as inner:
            mlp(x)
        assert attention.get_total_flops() == 2 * (counted["projections"] + counted["tables"])
        assert inner.get_total_flops() == 2 * counted["mlp"]


def test_the_eight_parameters_are_pytorchs():
    names = {name.replace("in_proj_", "in_proj.") for name, _ in torch.nn.MultiheadAttention(12, 3).named_parameters()}
    assert {name.partition(".")[0] for name in names} == {"in_proj", "out_proj"}
    assert sorted(MODULE.parameters) == sorted(
        f"{layer}_proj.{kind}" for layer in ("q", "k", "v", "out") for kind in ("weight", "bias")
    )
    stored = stored_numbers.load_arrays(19)
    assert sum(array.size for key, array in stored.items() if key.startswith(f"parameters/{MODULE.name}/")) == sum(
        parameter.numel() for parameter in torch.nn.MultiheadAttention(12, 3).parameters()
    )
