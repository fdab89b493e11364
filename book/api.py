"""The names of MAX that the chapters mention, and the pages of its documentation that describe them."""

import importlib

_SITE = "https://docs.modular.com/api/python"

# The module in which each name is documented; `F` is what the steps call max.experimental.functional.
_MODULES = {
    "F": "max.experimental.functional",
    "Tensor": "max.experimental.tensor",
    "default_device": "max.experimental.tensor",
    "default_dtype": "max.experimental.tensor",
    "random": "max.experimental",
    "Module": "max.experimental.nn",
    "Linear": "max.experimental.nn",
    "ModuleList": "max.experimental.nn",
    "Dim": "max.graph",
    "DimLike": "max.graph",
    "Graph": "max.graph",
    "TensorType": "max.graph",
    "TensorValue": "max.graph",
    "BufferType": "max.graph",
    "BufferValue": "max.graph",
    "DeviceRef": "max.graph",
    "ops": "max.graph",
    "SafetensorWeights": "max.graph.weights",
    "DType": "max.dtype",
    "Buffer": "max.driver",
    "CPU": "max.driver",
    "Device": "max.driver",
    "InferenceSession": "max.engine",
    "MHAMaskVariant": "max.nn.attention",
    "flash_attention_gpu": "max.nn.kernels",
    "flash_attention_ragged_gpu": "max.nn.kernels",
}

# Where a name's members are documented, if not on the page of the module above.
_PAGES = {"random": "max.experimental.random", "ops": "max.graph.ops"}


def api_url(name: str) -> str:
    """The address of the page that documents a name such as `F.softmax`, `Tensor.reshape` or `Linear`.

    Raises:
        LookupError: the installed MAX has no such name.
    """
    root, *rest = name.split(".")
    if root not in _MODULES:
        raise LookupError(f"book/api.py does not say where {root} is documented")
    module = importlib.import_module(_MODULES[root])
    found = module
    for part in rest if root == "F" else [root, *rest]:
        if not hasattr(found, part):
            raise LookupError(f"MAX has no {name}: {getattr(found, '__name__', found)} has no {part}")
        found = getattr(found, part)
    page = _PAGES.get(root, module.__name__).removeprefix("max.")
    return f"{_SITE}/{page}/"
