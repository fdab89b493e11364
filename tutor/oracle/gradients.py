"""The oracle of the backward passes, steps 20 to 23: what PyTorch's autograd computes, in float64."""

from collections.abc import Callable, Mapping

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

# From tensors by name to the result that is differentiated.
Forward = Callable[[Mapping[str, torch.Tensor]], torch.Tensor]


def gradients_of(
    forward: Forward, given: Mapping[str, torch.Tensor], upstream: torch.Tensor | None = None
) -> dict[str, torch.Tensor]:
    """The gradient of each floating-point tensor that is given, by its name.

    Args:
        forward: what is differentiated.
        given: its arguments; ids have no gradient.
        upstream: the gradient of the loss with respect to what `forward` gives; None if that is the loss itself.
    """
    leaves = {name: x.detach().clone().requires_grad_(x.is_floating_point()) for name, x in given.items()}
    with torch.enable_grad():
        result = forward(leaves)
    wanted = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    return dict(zip(wanted, torch.autograd.grad(result, list(wanted.values()), upstream), strict=True))


def parameter_gradients(loss: torch.Tensor, module: nn.Module) -> dict[str, torch.Tensor]:
    """The gradient of each parameter of a Hugging Face module, by name and in the course's layout.

    Args:
        loss: a single number that the module's results went into.
        module: its `Conv1D` layers keep their weights as (in, out); the course has (out, in).
    """
    parameters = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
    turned = {f"{name}.weight" for name, layer in module.named_modules() if isinstance(layer, Conv1D)}
    return {
        name: gradient.T if name in turned else gradient for name, gradient in zip(parameters, gradients, strict=True)
    }
