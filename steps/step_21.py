"""Step 21: backward through the layers.

The gradient of the loss with respect to what a layer gives is known: the layer above
sent it. Each layer turns it into the gradient with respect to what it was given, for
the layer below, and into the gradients of its own parameters. That is the chain rule,
one layer at a time. `grad_y` is always the gradient of the loss with respect to `y`:
it has the shape of `y`, and says how the loss changes with each number in it.

Tasks:
    1. `linear_backward`: y = x @ weight.T + bias.
    2. `gelu_backward`: the derivative of GELU in its tanh form.
    3. `layer_norm_backward`: mean and variance depend on x, too.
    4. `embedding_backward`: a row that was looked up twice gets the sum of two gradients.

Run: `pixi run s21` or `make s21`
"""

import math

from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor


def by_token(x: Tensor) -> Tensor:
    """Puts the tokens of all texts in one column: (batch, seq_len, n) becomes (batch * seq_len, n). (Given.)"""
    batch, seq_len, n = x.shape
    return x.reshape([batch * seq_len, n])


def sum_of_tokens(x: Tensor) -> Tensor:
    """Adds up the vectors of all tokens: (batch, seq_len, n) becomes (n,). (Given.)"""
    return F.squeeze(F.sum(by_token(x), axis=0), 0)


@F.functional
def linear_backward(grad_y: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Goes back through a linear layer, y = x @ weight.T + bias.

    grad_x = grad_y @ weight,  grad_weight = grad_y.T @ x,  grad_bias = sum of grad_y over all tokens

    Args:
        grad_y: shape (batch, seq_len, out_dim).
        x: what the layer was given, of shape (batch, seq_len, in_dim).
        weight: shape (out_dim, in_dim).

    Returns:
        The gradients of x, weight and bias, each of the shape of what it belongs to.

    Source: PyTorch `Linear`.
    """
    raise NotImplementedError(
        "step 21, task 1: linear_backward: each of the three is the product of the other two, or the sum over all tokens"
    )


@F.functional
def gelu_backward(grad_y: Tensor, x: Tensor) -> Tensor:
    """Goes back through GELU in its tanh form.

    gelu(x) = 0.5 x (1 + tanh(u)),  u = sqrt(2 / pi) (x + 0.044715 x^3)
    gelu'(x) = 0.5 (1 + tanh(u)) + 0.5 x (1 - tanh(u)^2) u',  u' = sqrt(2 / pi) (1 + 3 * 0.044715 x^2)

    Args:
        grad_y: any shape.
        x: what GELU was given, of the same shape.

    Returns:
        The gradient of x.

    Source: "Gaussian Error Linear Units" (Hendrycks, Gimpel 2016), section 2; PyTorch `gelu(approximate="tanh")`.
    """
    raise NotImplementedError(
        "step 21, task 2: gelu_backward: multiply by the derivative, entry by entry"
    )


@F.functional
def layer_norm_backward(grad_y: Tensor, x: Tensor, weight: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """Goes back through layer normalisation, y = n * weight + bias with n = (x - mean(x)) / sqrt(var(x) + eps).

    grad_x = (g - mean(g) - n * mean(g * n)) / sqrt(var(x) + eps),  g = grad_y * weight

    Args:
        grad_y: shape (batch, seq_len, dim).
        x: what the layer was given, of the same shape.
        weight: shape (dim,).
        eps: the layer's epsilon.

    Returns:
        The gradients of x, weight and bias, each of the shape of what it belongs to.

    Source: PyTorch `LayerNorm`.
    """
    raise NotImplementedError(
        "step 21, task 3: layer_norm_backward: compute the normalised vectors again, then the three gradients"
    )


@F.functional
def embedding_backward(grad_y: Tensor, input_ids: Tensor, num_rows: int) -> Tensor:
    """Goes back through a lookup in a table, y[b, t] = table[input_ids[b, t]].

    grad_table[i] = sum of grad_y[b, t] over all b, t with input_ids[b, t] = i

    Args:
        grad_y: shape (batch, seq_len, n_embd).
        input_ids: int64 of shape (batch, seq_len).
        num_rows: how many rows the table has.

    Returns:
        The gradient of the table, of shape (num_rows, n_embd): 0 in the rows that were not looked up.

    Source: PyTorch `Embedding`.
    """
    raise NotImplementedError(
        "step 21, task 4: embedding_backward: begin with zeros, and add each token's gradient to its row"
    )
