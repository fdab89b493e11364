"""How linear layers multiply in the graphs that `generate` runs.

MAX's `Linear` computes x @ weight.T. With one token, that is a row times a matrix, and on a CPU
MAX reads the weights at about half of what the memory allows. The same product the other way
round, (weight @ x.T).T, is a matrix times a column: MAX has a faster kernel for it. And for
quantized weights MAX has a multiplication of their own. The book's page on speed has the figures.
"""

from contextlib import AbstractContextManager

from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Linear
from max.experimental.tensor import Tensor
from max.graph import TensorValue, ops
from max.graph.quantization import QuantizationEncoding

from tutor.generation.quantize import quantized_rows
from tutor.graphs.max_internals import linear_forward


def fast_layers() -> AbstractContextManager[None]:
    """While this lasts, `Linear` is traced in the way that is fastest for its weight."""
    return linear_forward(_forward)


def _forward(layer: Linear, x: Tensor) -> Tensor:
    """Maps `x` of shape (..., in_dim) to (..., out_dim)."""
    *leading, in_dim = x.shape
    rows = 1
    for dim in leading:
        rows = dim * rows
    x = x.reshape([rows, in_dim])
    if layer.weight.dtype == DType.uint8:
        # The weight may have more rows than there are outputs.
        y = _quantized_matmul(x, layer.weight)[:, : quantized_rows(layer)]
    else:
        y = (layer.weight @ x.T).T
    return y.reshape([*leading, y.shape[1]]) + layer.bias


@F.functional
def _quantized_matmul(x: TensorValue, weight: TensorValue) -> TensorValue:
    return ops.qmatmul(QuantizationEncoding.Q4_0, None, x, weight)
