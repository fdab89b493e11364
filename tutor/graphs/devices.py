"""The devices that graphs run on."""

from max.driver import CPU, Accelerator, Device, accelerator_count

from tutor.errors import DeviceError


def find_device(name: str) -> Device:
    """Gives the device for `auto`, `cpu` or `gpu`; `auto` is the GPU if MAX finds one.

    Raises:
        DeviceError: a GPU was asked for, and MAX finds none.
    """
    if name == "gpu" and not accelerator_count():
        raise DeviceError("MAX finds no GPU on this machine: leave --device out, or say --device cpu")
    return Accelerator() if name == "gpu" or (name == "auto" and accelerator_count()) else CPU()
