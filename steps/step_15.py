"""Step 15: load pretrained weights.

Your parameters have the names that Hugging Face gave them, so a checkpoint from the
hub almost fits your model. But some files lack a prefix in their keys, some tensors
are not weights at all, and four kinds of matrices are stored transposed.

Nothing may be skipped silently. With a missing weight, or one that should have been
transposed, the model still runs, and writes nonsense.

Tasks:
    1. `parameter_name`: find the parameter that a key of the file belongs to. If the
       transformer was saved without its head, the keys lack the prefix `transformer.`.
       Return None for the causal masks (`.attn.bias` and `.attn.masked_bias`) and for
       `lm_head.weight`: masks are not parameters, and the head is tied.
    2. `read_config`: reject a setting that your model does not support, naming it. Then
       make a `GPT2Config` from the fields that the file has.
    3. `read_weights`: read each tensor as float32 and transpose the kernels listed in
       `CONV1D`. Reject a key without a parameter, a parameter that is set twice, a wrong
       shape, and a parameter without a key.
    4. `load_pretrained`: build the model lazily, read the weights, and compile the model
       for int64 ids of shape (batch, seq_len).

Run: `pixi run s15` or `make s15`
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from huggingface_hub import snapshot_download
from max.driver import Buffer, Device
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor, default_device, default_dtype
from max.graph import TensorType
from max.graph.weights import SafetensorWeights

from steps.step_01 import GPT2Config
from steps.step_13 import MaxGPT2LMHeadModel

# Settings that change what a GPT-2 computes, and the only value of each that your model supports.
FIXED = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "tie_word_embeddings": True,
    "add_cross_attention": False,
}

# Hugging Face's Conv1D keeps these kernels as [in, out]; a Linear layer has [out, in].
CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")

FILES = ("config.json", "model.safetensors", "tokenizer.json")


def find_folder(path_or_repo_id: str | Path) -> Path:
    """Returns a local folder, or downloads a repository of the hub to its cache. (Given.)"""
    folder = Path(path_or_repo_id)
    return folder if folder.is_dir() else Path(snapshot_download(str(path_or_repo_id), allow_patterns=list(FILES)))


def parameter_name(key: str) -> str | None:
    """Finds the name of the parameter that a tensor of a checkpoint belongs to.

    Args:
        key: the tensor's name in the file: `transformer.h.0.ln_1.weight` or `h.0.ln_1.weight`.

    Returns:
        The name with its prefix, or None for a tensor that is not a parameter of the model.
    """
    raise NotImplementedError(
        "step 15, task 1: parameter_name: find the parameter that a key of the file belongs to"
    )


def read_config(folder: Path) -> GPT2Config:
    """Reads the sizes of a model from its `config.json`.

    Args:
        folder: the folder of the checkpoint.

    Returns:
        The configuration; fields that the file lacks keep their defaults.

    Raises:
        ValueError: a setting in `FIXED` has another value; the message names it and both values.

    Source: Hugging Face `GPT2Config`.
    """
    raise NotImplementedError(
        "step 15, task 2: read_config: reject what the model does not support, and make the configuration"
    )


def tensors_of(file: Path) -> Iterator[tuple[str, Buffer]]:
    """Yields the name and the data of each tensor in a safetensors file. (Given.)"""
    sizes = {key: tensor.data().to_buffer().num_elements for key, tensor in SafetensorWeights([file]).items()}
    # Largest first: while a tensor is converted, there are two copies of it, and no others are in memory yet.
    for key in sorted(sizes, key=lambda key: -sizes[key]):
        # The file is opened again for each tensor, so that what was read of it can leave memory after use.
        yield key, SafetensorWeights([file])[key].data().to_buffer()


def as_float32(key: str, data: Buffer) -> np.ndarray:
    """Converts a tensor of the file to float32, exactly. If it is float32 already, it is not copied. (Given.)"""
    if data.dtype == DType.bfloat16:
        # A bfloat16 is the upper half of a float32.
        bits = data.view(DType.uint16).to_numpy().astype(np.uint32)
        bits <<= 16  # in place: the largest tensor is a third of the model
        return bits.view(np.float32)
    if data.dtype not in (DType.float16, DType.float32):
        raise ValueError(f"{key} has type {data.dtype.name}; weights are float32, float16 or bfloat16")
    return data.to_numpy().astype(np.float32, copy=False)


def read_weights(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Reads the weights of a checkpoint: each parameter exactly once, with nothing left over.

    Args:
        folder: the folder of the checkpoint.
        shapes: the shape of each parameter of the model, by name.

    Returns:
        A float32 array for each parameter. The kernels in `CONV1D` are transposed to [out, in].

    Raises:
        ValueError: a key has no parameter, sets one for the second time, or has the wrong
            shape; or a parameter has no key. The message names the key or the parameter.

    Source: Hugging Face `Conv1D`, `GPT2PreTrainedModel`.
    """
    raise NotImplementedError(
        "step 15, task 3: read_weights: read, transpose and account for every tensor"
    )


def load_pretrained(path_or_repo_id: str | Path, *, device: Device) -> Callable[[Tensor], Tensor]:
    """Loads a checkpoint and compiles the model with its weights.

    Args:
        path_or_repo_id: a folder in Hugging Face's format, or an id on the hub such as `openai-community/gpt2`.
        device: the device that the model runs on.

    Returns:
        The compiled model: int64 ids (batch, seq_len) to logits (batch, seq_len, vocab_size).

    Raises:
        ValueError: the checkpoint does not fit the model.

    Source: Hugging Face `GPT2LMHeadModel.from_pretrained`.
    """
    raise NotImplementedError(
        "step 15, task 4: load_pretrained: build, read and compile"
    )
