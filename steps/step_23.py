"""Step 23: the gradients of the whole model.

You have gone back through every part. Now they meet: the loss sends its gradient to
the logits, the head to the final norm, the norm to the last block, and so on down to
the tables. Two things are new. Where a vector went two ways (the residual stream,
and the table that is both embedding and head), two gradients come back, and they
add up. And the forward pass must keep what each part was given.

Tasks:
    1. `mlp_backward`: back through `c_proj`, GELU and `c_fc`.
    2. `block_backward`: back through both residual steps of a block.
    3. `loss_and_gradients`: forward through the model, keeping what each block was
       given; then back, from the loss to the tables.

Run: `pixi run s23` or `make s23`
"""

from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Linear
from max.experimental.tensor import Tensor

from steps.step_03 import LayerNorm
from steps.step_04 import GPT2MLP
from steps.step_11 import GPT2Block
from steps.step_13 import MaxGPT2LMHeadModel
from steps.step_20 import cross_entropy, cross_entropy_backward
from steps.step_21 import embedding_backward, gelu_backward, layer_norm_backward, linear_backward
from steps.step_22 import Gradients, multi_head_attention_backward, named


def through_linear(layer: Linear, grad_y: Tensor, x: Tensor) -> tuple[Tensor, Gradients]:
    """Goes back through a `Linear`: the gradient of x, and those of `weight` and `bias`. (Given.)"""
    grad_x, grad_weight, grad_bias = linear_backward(grad_y, x, layer.weight)
    return grad_x, {"weight": grad_weight, "bias": grad_bias}


def through_layer_norm(layer: LayerNorm, grad_y: Tensor, x: Tensor) -> tuple[Tensor, Gradients]:
    """Goes back through a `LayerNorm`: the gradient of x, and those of `weight` and `bias`. (Given.)"""
    grad_x, grad_weight, grad_bias = layer_norm_backward(grad_y, x, layer.weight, layer.eps)
    return grad_x, {"weight": grad_weight, "bias": grad_bias}


def mlp_backward(mlp: GPT2MLP, grad_y: Tensor, x: Tensor) -> tuple[Tensor, Gradients]:
    """Goes back through the feed-forward network of step 04.

    Args:
        mlp: the module.
        grad_y: shape (batch, seq_len, n_embd).
        x: what the module was given, of the same shape.

    Returns:
        The gradient of x, and those of the parameters, under their names.

    Source: Hugging Face `GPT2MLP`.
    """
    raise NotImplementedError(
        "step 23, task 1: mlp_backward: go forward as far as you need, then back"
    )


def block_backward(block: GPT2Block, grad_y: Tensor, x: Tensor) -> tuple[Tensor, Gradients]:
    """Goes back through a block of step 11.

    Args:
        block: the module.
        grad_y: shape (batch, seq_len, n_embd).
        x: what the module was given, of the same shape.

    Returns:
        The gradient of x, and those of the parameters, under their names.

    Source: Hugging Face `GPT2Block`.
    """
    raise NotImplementedError(
        "step 23, task 2: block_backward: at each residual step the gradient goes on unchanged, and what comes back through the sublayer is added"
    )


def loss_and_gradients(model: MaxGPT2LMHeadModel, input_ids: Tensor, targets: Tensor) -> tuple[Tensor, Gradients]:
    """Computes the loss of step 20, and how it changes with each parameter of the model.

    Args:
        model: the module of step 13.
        input_ids: int64 of shape (batch, seq_len).
        targets: int64 of shape (batch, seq_len), as in `cross_entropy`.

    Returns:
        The loss, and the gradient of every parameter under its name in the model: `transformer.wte.weight`, ... The
        head has no gradient of its own: what comes back through it is part of its table's.

    Source: Hugging Face `GPT2LMHeadModel`.
    """
    raise NotImplementedError(
        "step 23, task 3: loss_and_gradients: go forward, keep what each block was given, and go back"
    )
