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

from solutions.solution_03 import LayerNorm
from solutions.solution_04 import GPT2MLP
from solutions.solution_11 import GPT2Block
from solutions.solution_13 import MaxGPT2LMHeadModel
from solutions.solution_20 import cross_entropy, cross_entropy_backward
from solutions.solution_21 import embedding_backward, gelu_backward, layer_norm_backward, linear_backward
from solutions.solution_22 import Gradients, multi_head_attention_backward, named


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
    # Task 1: go forward as far as you need, then back.
    widened = mlp.c_fc(x)  # (batch, seq_len, intermediate_size)
    grad_gated, c_proj = through_linear(mlp.c_proj, grad_y, F.gelu(widened, approximate="tanh"))
    grad_x, c_fc = through_linear(mlp.c_fc, gelu_backward(grad_gated, widened), x)
    return grad_x, named("c_fc", c_fc) | named("c_proj", c_proj)


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
    # Task 2: at each residual step the gradient goes on unchanged, and what comes back through the sublayer is added.
    normalized_1 = block.ln_1(x)
    middle = x + block.attn(normalized_1)
    normalized_2 = block.ln_2(middle)
    grad_normalized, mlp = mlp_backward(block.mlp, grad_y, normalized_2)
    grad_through, ln_2 = through_layer_norm(block.ln_2, grad_normalized, middle)
    grad_middle = grad_y + grad_through
    grad_normalized, attn = multi_head_attention_backward(block.attn, grad_middle, normalized_1)
    grad_through, ln_1 = through_layer_norm(block.ln_1, grad_normalized, x)
    gradients = named("ln_1", ln_1) | named("attn", attn) | named("ln_2", ln_2) | named("mlp", mlp)
    return grad_middle + grad_through, gradients


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
    # Task 3: go forward, keep what each block was given, and go back.
    transformer = model.transformer
    x = transformer.wte(input_ids) + transformer.wpe(input_ids)
    given = []
    for block in transformer.h:
        given.append(x)
        x = block(x)
    normalized = transformer.ln_f(x)
    logits = model.lm_head(normalized)

    table = transformer.wte.weight
    grad_normalized, grad_table, _ = linear_backward(cross_entropy_backward(logits, targets), normalized, table)
    grad_x, ln_f = through_layer_norm(transformer.ln_f, grad_normalized, x)
    gradients = named("ln_f", ln_f)
    for layer in reversed(range(len(given))):
        grad_x, block_gradients = block_backward(transformer.h[layer], grad_x, given[layer])
        gradients |= named(f"h.{layer}", block_gradients)
    vocab_size, n_positions = (int(part.weight.shape[0]) for part in (transformer.wte, transformer.wpe))
    gradients["wte.weight"] = grad_table + embedding_backward(grad_x, input_ids, vocab_size)
    positions = F.arange(0, input_ids.shape[1], dtype=DType.int64, device=input_ids.device)
    positions = F.broadcast_to(F.unsqueeze(positions, 0), input_ids.shape)
    gradients["wpe.weight"] = embedding_backward(grad_x, positions, n_positions)
    return cross_entropy(logits, targets), named("transformer", gradients)
