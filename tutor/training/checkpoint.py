"""Writes a checkpoint in Hugging Face's format, as step 25 lays it out."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from tokenizers import Tokenizer

from tutor.checking.loader import StepModules
from tutor.course import TRAINING
from tutor.files import write_atomically
from tutor.sizes import Settings


def write_config(folder: Path, settings: Settings, end_of_text: int | None, tokenizer: Tokenizer) -> None:
    """Writes all of a checkpoint but the weights.

    Raises:
        OSError: a file cannot be written.
    """
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        # This course's model has no dropout.
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        **settings,
    }
    write_atomically(folder / "config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")
    write_atomically(folder / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")


def write_weights(folder: Path, view: StepModules, parameters: Mapping[str, np.ndarray]) -> None:
    """Writes the weights. If that fails, those from before are still there.

    Raises:
        OSError: they cannot be written.
    """
    tensors = view[TRAINING].to_hugging_face(parameters)
    write_atomically(folder / "model.safetensors", save(tensors, metadata={"format": "pt"}))
