"""Where a benchmark runs, and what a recorded run says about that."""

import os
import platform
from importlib.metadata import version

import click

from tutor.errors import DeviceError


def _resolve(context: click.Context, parameter: click.Parameter, name: str) -> str:
    from tutor.graphs.devices import find_device

    try:
        return "cpu" if find_device(name).is_host else "gpu"
    except DeviceError as error:
        raise click.ClickException(str(error)) from None


# Gives the command "cpu" or "gpu", so that all that it starts runs on the same device.
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    callback=_resolve,
    help="Where all contenders run; auto is the GPU if MAX finds one.",
)


def torch_device(device: str) -> str:
    """PyTorch's name for "cpu" or "gpu"."""
    return "cuda" if device == "gpu" else "cpu"


def name_of(device: str) -> str:
    """What is measured, for a title: the number of CPU threads, or the name of the GPU."""
    if device == "gpu":
        import torch

        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU threads"


def describe(device: str) -> dict[str, object]:
    """The machine, and the versions of what is measured."""
    return {
        "machine": {"processor": platform.processor() or platform.machine(), "threads": os.cpu_count()},
        "device": name_of(device),
        "versions": {name: version(name) for name in ("modular", "torch", "transformers", "numpy")},
    }
