"""Which parameters each part of GPT-2 has, under Hugging Face's names.

Linear weights are `[out, in]`.
"""

from collections.abc import Mapping
from typing import Any

Shapes = dict[str, tuple[int, ...]]
# Keyword arguments of `GPT2Config`, or what else something is made with; their types are as different as they.
Settings = Mapping[str, Any]


def intermediate_size(settings: Settings) -> int:
    """The width of the MLP: `n_inner` if it is set, else 4 * n_embd."""
    return settings.get("n_inner") or 4 * settings["n_embd"]


def layer_norm(dim: int) -> Shapes:
    """Step 03."""
    return {"weight": (dim,), "bias": (dim,)}


def linear(in_dim: int, out_dim: int) -> Shapes:
    """A `Linear` layer with its bias."""
    return {"weight": (out_dim, in_dim), "bias": (out_dim,)}


def mlp(settings: Settings) -> Shapes:
    """Step 04."""
    n_embd, n_inner = settings["n_embd"], intermediate_size(settings)
    return joined(c_fc=linear(n_embd, n_inner), c_proj=linear(n_inner, n_embd))


def attention(settings: Settings) -> Shapes:
    """Step 09."""
    n_embd = settings["n_embd"]
    return joined(c_attn=linear(n_embd, 3 * n_embd), c_proj=linear(n_embd, n_embd))


def block(settings: Settings) -> Shapes:
    """Step 11."""
    norm = layer_norm(settings["n_embd"])
    return joined(ln_1=norm, attn=attention(settings), ln_2=norm, mlp=mlp(settings))


def model(settings: Settings) -> Shapes:
    """Step 12."""
    n_embd = settings["n_embd"]
    return joined(
        wte={"weight": (settings["vocab_size"], n_embd)},
        wpe={"weight": (settings["n_positions"], n_embd)},
        h=joined(**{str(layer): block(settings) for layer in range(settings["n_layer"])}),
        ln_f=layer_norm(n_embd),
    )


def language_model(settings: Settings) -> Shapes:
    """Step 13. The head has no weight of its own: it shares `transformer.wte.weight`."""
    return joined(transformer=model(settings))


def joined(**parts: Shapes) -> Shapes:
    """The parameters of a module that is made of `parts`."""
    return {f"{part}.{name}": shape for part, shapes in parts.items() for name, shape in shapes.items()}
