"""The backward passes of step 23 in NumPy, in float64, with the mistakes that learners make."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tutor.checks.numpy import attention_gradients, gpt2, layer_gradients, loss

Array = np.ndarray
Gradients = dict[str, Array]


def named(name: str, gradients: Mapping[str, Array]) -> Gradients:
    """Gradients of a part under their names in the whole."""
    return {f"{name}.{key}": gradient for key, gradient in gradients.items()}


def _linear(grad_y: Array, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Gradients]:
    grad_x, weight, bias = layer_gradients.linear_backward(grad_y, x, parameters["weight"])
    return grad_x, {"weight": weight, "bias": bias}


def _norm(grad_y: Array, x: Array, parameters: Mapping[str, Array], eps: float) -> tuple[Array, Gradients]:
    grad_x, weight, bias = layer_gradients.layer_norm_backward(grad_y, x, parameters["weight"], eps)
    return grad_x, {"weight": weight, "bias": bias}


def mlp_backward(
    grad_y: Array, x: Array, parameters: Mapping[str, Array], *, gelu_at: str = "widened", projects: str = "gated"
) -> tuple[Array, Gradients]:
    """The gradient of x and those of the parameters; `gelu_at` and `projects` say what is taken for what was read."""
    c_fc, c_proj = gpt2.part(parameters, "c_fc"), gpt2.part(parameters, "c_proj")
    widened = gpt2.linear(x.astype(np.float64), c_fc["weight"], c_fc["bias"])
    gated = gpt2.gelu(widened)
    grad_gated, of_proj = _linear(grad_y, {"gated": gated, "widened": widened}[projects], c_proj)
    if gelu_at == "nothing":
        grad_widened = grad_gated
    else:
        grad_widened = layer_gradients.gelu_backward(grad_gated, {"widened": widened, "gated": gated}[gelu_at])
    grad_x, of_fc = _linear(grad_widened, x, c_fc)
    return grad_x, named("c_fc", of_fc) | named("c_proj", of_proj)


def block_backward(
    grad_y: Array,
    x: Array,
    parameters: Mapping[str, Array],
    n_head: int,
    eps: float,
    *,
    around_mlp: str = "both ways",
    around_attention: str = "both ways",
    norms: str = "both",
    norms_read: str = "the stream",
    attention_gets: str = "the sum",
    eps_used: float | None = None,
    mlp: Mapping[str, str] | None = None,
) -> tuple[Array, Gradients]:
    """The gradient of x and those of the parameters."""
    ln_1, ln_2 = gpt2.part(parameters, "ln_1"), gpt2.part(parameters, "ln_2")
    attention, of_mlp = gpt2.part(parameters, "attn"), gpt2.part(parameters, "mlp")
    x, grad_y = x.astype(np.float64), grad_y.astype(np.float64)
    back_eps = eps if eps_used is None else eps_used
    normalized_1 = gpt2.norm_of(parameters, "ln_1", eps)(x)
    middle = x + gpt2.multi_head_attention(normalized_1, attention, n_head=n_head)
    normalized_2 = gpt2.norm_of(parameters, "ln_2", eps)(middle)
    grad_normalized, mlp_gradients = mlp_backward(grad_y, normalized_2, of_mlp, **(mlp or {}))
    read_2 = {"the stream": middle, "x": x, "the normalised": normalized_2}[norms_read]
    grad_through, ln_2_gradients = _norm(grad_normalized, read_2, ln_2, back_eps)
    if norms == "none":
        grad_through = grad_normalized
    grad_middle = {"both ways": grad_y + grad_through, "sublayer": grad_through, "stream": grad_y}[around_mlp]
    for_attention = grad_y if attention_gets == "grad_y" else grad_middle
    results = attention_gradients.multi_head_attention_backward(for_attention, normalized_1, attention, n_head)
    grad_normalized = results.pop("grad_x")
    read_1 = normalized_1 if norms_read == "the normalised" else x
    grad_through, ln_1_gradients = _norm(grad_normalized, read_1, ln_1, back_eps)
    if norms == "none":
        grad_through = grad_normalized
    grad_x = {"both ways": grad_middle + grad_through, "sublayer": grad_through, "stream": grad_middle}[
        around_attention
    ]
    gradients = named("ln_1", ln_1_gradients) | named("attn", results)
    return grad_x, gradients | named("ln_2", ln_2_gradients) | named("mlp", mlp_gradients)


def loss_and_gradients(
    input_ids: Array,
    targets: Array,
    parameters: Mapping[str, Array],
    n_head: int,
    n_layer: int,
    eps: float,
    *,
    table: str = "both",
    positions: str = "summed over texts",
    final_norm: str = "there",
    order: str = "backward",
    given: str = "inputs",
    block: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    """The loss and the gradients of all parameters, by their names in the model."""
    p = {name.removeprefix("transformer."): array.astype(np.float64) for name, array in parameters.items()}
    wte, wpe, seq_len = p["wte.weight"], p["wpe.weight"], input_ids.shape[1]
    x = wte[input_ids] + wpe[:seq_len]
    inputs, blocks = [], [gpt2.part(p, f"h.{layer}") for layer in range(n_layer)]
    for parts in blocks:
        inputs.append(x)
        x = gpt2.block(x, parts, n_head=n_head, eps=eps)
    ln_f = gpt2.part(p, "ln_f")
    normalized = gpt2.norm_of(p, "ln_f", eps)(x)
    logits = normalized @ wte.T
    outputs = [*inputs[1:], x]
    inputs = {"inputs": inputs, "outputs": outputs, "embeddings": inputs[:1] * n_layer}[given]

    grad_normalized, grad_head, _ = layer_gradients.linear_backward(
        loss.cross_entropy_backward(logits, targets), normalized, wte
    )
    grad_x, of_norm = _norm(grad_normalized, x, ln_f, eps)
    if final_norm == "forgotten":
        grad_x = grad_normalized
    gradients = named("ln_f", of_norm)
    layers = range(n_layer) if order == "forward" else reversed(range(n_layer))
    for layer in layers:
        grad_x, of_block = block_backward(grad_x, inputs[layer], blocks[layer], n_head, eps, **(block or {}))
        gradients |= named(f"h.{layer}", of_block)
    grad_embeddings = layer_gradients.embedding_backward(grad_x, input_ids, len(wte))
    gradients["wte.weight"] = {
        "both": grad_head + grad_embeddings,
        "head": grad_head,
        "embeddings": grad_embeddings,
    }[table]
    grad_positions = np.zeros_like(wpe)
    grad_positions[:seq_len] = {
        "summed over texts": grad_x.sum(axis=0),
        "averaged over texts": grad_x.mean(axis=0),
        "first text": grad_x[0],
    }[positions]
    gradients["wpe.weight"] = grad_positions
    return {"loss": loss.cross_entropy(logits, targets), **named("transformer", gradients)}
