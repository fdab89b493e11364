"""Weights of four and a half bits: the format is MAX's, the rounding is good, and the model still writes."""

from pathlib import Path

import numpy as np
import pytest
from max.driver import Buffer
from max.dtype import DType
from max.engine import InferenceSession
from max.graph import DeviceRef, Graph, TensorType, ops
from max.graph.quantization import QuantizationEncoding

from tests.support.workspaces import Tool
from tutor.generation.quantize import dequantize, padded, quantize
from tutor.graphs.devices import find_device
from tutor.learner.workspace import Workspace


@pytest.fixture(scope="module")
def weight() -> np.ndarray:
    """Rows that are not a multiple of 32, sizes from tiny to large, blocks of zeros, and one lonely number."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(75, 96)) * 10.0 ** rng.integers(-4, 2, size=(75, 1))
    numbers[3, :32] = 0
    numbers[4, 32:64] = np.eye(32)[5]
    numbers[5] = -3.0
    return numbers.astype(np.float32)


def test_numbers_are_rounded_to_the_nearest_of_sixteen(weight: np.ndarray):
    got = dequantize(quantize(weight), len(weight))
    blocks, error = weight.reshape(75, 3, 32), np.abs(got - weight).reshape(75, 3, 32)
    # Half a step, if one step is an eighth of the largest number; and the step may be wider by a tenth.
    assert (error <= np.abs(blocks).max(-1, keepdims=True) / 8 * 1.1 + 1e-7).all()
    assert np.sqrt(np.square(error).mean(-1) / np.square(blocks + 1e-9).mean(-1)).max() < 0.12
    assert not got[3, :32].any() and np.allclose(got[5], -3.0, rtol=1e-3)


def test_trying_scales_is_better_than_the_obvious_one():
    """The obvious scale makes the largest number exact."""
    weight = np.random.default_rng(1).normal(size=(64, 320)).astype(np.float32)
    blocks = weight.reshape(64, 10, 32)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)
    obvious = (np.clip(np.rint(blocks / (extreme / -8)) + 8, 0, 15) - 8) * (extreme / -8)
    error = np.square(dequantize(quantize(weight), 64) - weight).mean()
    assert error < 0.97 * np.square(obvious - blocks).mean()


def test_max_reads_the_format_as_we_write_it(weight: np.ndarray):
    """MAX's own `dequantize`, and its multiplication, which rounds the other side to eight bits."""
    packed, columns = quantize(weight), weight.shape[1]
    assert packed.shape == (padded(len(weight)), columns // 32 * 18) and packed.dtype == np.uint8
    cpu, rows = DeviceRef.CPU(), len(packed)
    types = [TensorType(DType.float32, ["batch", columns], cpu), TensorType(DType.uint8, packed.shape, cpu)]
    with Graph("q4_0", input_types=types) as graph:
        x, w = (value.tensor for value in graph.inputs)
        encoding = QuantizationEncoding.Q4_0
        graph.output(ops.dequantize(encoding, w), ops.qmatmul(encoding, None, x, w))
    session = InferenceSession(devices=[find_device("cpu")])
    model = session.load(graph)
    inputs = np.random.default_rng(2).normal(size=(5, columns)).astype(np.float32)
    numbers, product = (out.to_numpy() for out in model.execute(Buffer.from_numpy(inputs), Buffer.from_numpy(packed)))
    expected = dequantize(packed, rows)
    np.testing.assert_allclose(numbers.reshape(rows, columns), expected, rtol=1e-6, atol=0)
    right = inputs @ expected.T
    scale = np.abs(expected).max(axis=1) * np.sqrt(columns)
    assert (np.abs(product - right) / np.maximum(scale, 1e-9)).max() < 0.02


def test_a_quantized_model_writes_the_same_text_each_time(skeletons: Workspace, tutor: Tool, compiled: None):
    options = ("generate", "ROMEO:\n", "--seed", "3", "--max-new-tokens", "80", "--quantize")
    texts = [tutor(skeletons, *options).stdout for _ in range(2)]
    assert texts[0] == texts[1] and len(texts[0].split()) > 20


def test_a_quantized_model_is_nearly_as_good(compiled: None):
    """The loss of both on a sonnet that is not in the training text; `make bench` takes more text."""
    from max.experimental.tensor import Tensor

    from tutor.checking.guard import Guard
    from tutor.checking.loader import StepModules
    from tutor.generation import model
    from tutor.generation.checkpoint import open_checkpoint
    from tutor.generation.engines import whole_text
    from tutor.learner.workspace import REPOSITORY, cache_folder

    workspace = Workspace(REPOSITORY)
    checkpoint = open_checkpoint(workspace.checkpoint)
    text = Path(__file__).with_name("sonnet.txt").read_text()
    ids = np.array([checkpoint.tokenizer.encode(text).ids])
    losses = []
    for quantized in (False, True):
        guard = Guard(StepModules(workspace, own=[]), 13)
        config = guard.view[1].GPT2Config(**checkpoint.sizes)
        engine = whole_text(guard.view, config, find_device("cpu"), quantized=quantized)
        run = model.bind(engine, guard, checkpoint, config, cache_folder=cache_folder())
        logits = run(Tensor.from_dlpack(ids)).to_numpy()[0, :-1].astype(np.float64)
        logits -= logits.max(-1, keepdims=True)
        chosen = logits[np.arange(len(logits)), ids[0, 1:]]
        losses.append(float((np.log(np.exp(logits).sum(-1)) - chosen).mean()))
    assert abs(losses[1] / losses[0] - 1) < 0.02 and losses[0] != losses[1]
