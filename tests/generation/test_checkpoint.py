"""Checkpoints: the shipped one, older ones, damaged ones, and those that do not fit."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_torch
from safetensors.torch import save_file as save_torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.support.checkpoint import SHIPPED, refused
from tests.support.workspaces import Tool
from tutor.learner.workspace import REPOSITORY, Workspace

TRAINING = json.loads((SHIPPED / "training.json").read_text())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped checkpoint, to be spoiled."""
    folder = tmp_path / "copy"
    shutil.copytree(SHIPPED, folder)
    return folder


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_file(copy: Path, skeletons: Workspace, tutor: Tool, name: str):
    (copy / name).unlink()
    refused(tutor, skeletons, copy, f"has no {name}")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("kept", [0, 200, 1000])
def test_truncated_file(copy: Path, skeletons: Workspace, tutor: Tool, name: str, kept: int):
    if kept >= (copy / name).stat().st_size:
        pytest.skip(f"{name} is shorter than {kept} bytes")
    (copy / name).write_bytes((copy / name).read_bytes()[:kept])
    refused(tutor, skeletons, copy, f"{name} is damaged")


def change_tensors(folder: Path, change: dict[str, np.ndarray | None]) -> None:
    """Replaces tensors of a checkpoint; None takes one out."""
    tensors = load_file(folder / "model.safetensors") | change
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, folder / "model.safetensors")


def test_tensors_that_do_not_fit(copy: Path, skeletons: Workspace, tutor: Tool):
    change_tensors(copy, {"transformer.h.1.ln_1.bias": None})
    refused(tutor, skeletons, copy, r"no tensor for transformer\.h\.1\.ln_1\.bias")
    change_tensors(copy, {"transformer.h.1.ln_1.bias": np.zeros(7, np.float32)})
    refused(tutor, skeletons, copy, r"transformer\.h\.1\.ln_1\.bias has shape \(7,\); the model needs \(192,\)")
    change_tensors(copy, {"transformer.h.1.ln_1.bias": np.zeros(192, np.int32)})
    refused(tutor, skeletons, copy, "ln_1.bias has type int32; weights are float32, float16 or bfloat16")
    change_tensors(copy, {"transformer.h.1.ln_1.bias": np.zeros(192, np.float32), "extra": np.zeros(3, np.float32)})
    refused(tutor, skeletons, copy, "extra: the model has no parameter transformer.extra")


def change_config(folder: Path, **change: object) -> None:
    """Changes settings in config.json."""
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'"),
        ({"activation_function": "relu"}, "activation_function is 'relu'"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True"),
        ({"scale_attn_weights": False}, "scale_attn_weights is False"),
        ({"n_layer": -1}, "n_layer is -1"),
        ({"n_embd": "wide"}, "n_embd is 'wide'"),
        ({"n_head": 7}, r"n_embd \(192\) must be divisible by n_head \(7\)"),
        ({"vocab_size": 1000}, "they do not belong together"),
        ({"vocab_size": 1025}, r"wte\.weight has shape \(1024, 192\)"),
    ],
)
def test_config_that_does_not_fit(copy: Path, skeletons: Workspace, tutor: Tool, change: dict, told: str):
    change_config(copy, **change)
    refused(tutor, skeletons, copy, told)


def test_checkpoints_as_old_ones_on_the_hub_are(copy: Path, skeletons: Workspace, tutor: Tool, compiled: None):
    """Names without `transformer.`, stored masks and head, float16: all that the hub's GPT-2s have."""
    tensors = load_file(copy / "model.safetensors")
    old = {name.removeprefix("transformer."): tensor.astype(np.float16) for name, tensor in tensors.items()}
    old["h.0.attn.bias"] = np.ones((1, 1, 256, 256), np.float16)
    old["h.0.attn.masked_bias"] = np.array(-1e4, np.float16)
    old["lm_head.weight"] = old["wte.weight"]
    save_file(old, copy / "model.safetensors")
    result = tutor(skeletons, "generate", "ROMEO:", "--model", str(copy), "--seed", "1", "--max-new-tokens", "5")
    assert result.returncode == 0 and result.stdout.startswith("ROMEO:"), result.stderr


def test_bfloat16_weights(copy: Path, skeletons: Workspace, tutor: Tool, compiled: None):
    file = copy / "model.safetensors"
    save_torch({name: tensor.to(torch.bfloat16) for name, tensor in load_torch(file).items()}, file)
    result = tutor(skeletons, "generate", "ROMEO:", "--model", str(copy), "--seed", "1", "--max-new-tokens", "5")
    assert result.returncode == 0 and result.stdout.startswith("ROMEO:"), result.stderr


def test_pickle_files_are_refused_with_the_reason(copy: Path, skeletons: Workspace, tutor: Tool):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    refused(tutor, skeletons, copy, "a pickle file, which can run any program when it is opened")


def rewrite_header(file: Path, change: Callable[[dict], object]) -> None:
    """Changes the header of a safetensors file, and leaves its data alone."""
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


@pytest.mark.parametrize(
    "lie",
    [
        {"data_offsets": [0, 1 << 60]},
        {"data_offsets": [-8, 8]},
        {"data_offsets": [0, 786432]},  # the place of another tensor
        {"shape": [1 << 40, 1 << 40]},
        {"shape": [-1, 192]},
        {"dtype": "F999"},
    ],
    ids=str,
)
def test_lying_headers(copy: Path, skeletons: Workspace, tutor: Tool, lie: dict[str, object]):
    rewrite_header(copy / "model.safetensors", lambda header: header["transformer.wte.weight"].update(lie))
    refused(tutor, skeletons, copy, "model.safetensors is damaged")


def test_a_header_longer_than_the_file(copy: Path, skeletons: Workspace, tutor: Tool):
    file = copy / "model.safetensors"
    file.write_bytes((1 << 62).to_bytes(8, "little") + file.read_bytes()[8:])
    refused(tutor, skeletons, copy, "model.safetensors is damaged")


def test_load_pretrained_gives_hugging_faces_logits():
    """The whole of step 15, with MAX's own `compile`, against transformers."""
    from max.driver import CPU
    from max.experimental.tensor import Tensor

    from tutor.checking.loader import StepModules

    model = StepModules(Workspace(REPOSITORY), own=[])[15].load_pretrained(SHIPPED, device=CPU())
    ids = np.random.default_rng(0).integers(0, 1024, (2, 9))
    live = GPT2LMHeadModel.from_pretrained(SHIPPED)(torch.from_numpy(ids)).logits.detach().numpy()
    np.testing.assert_allclose(model(Tensor.from_dlpack(ids)).to_numpy(), live, rtol=0, atol=1e-4)


def test_no_such_model(skeletons: Workspace, tutor: Tool):
    refused(tutor, skeletons, "/nowhere/at/all", "there is no folder /nowhere/at/all")
    refused(tutor, skeletons, "not a name!", "neither a folder nor the id of a repository")


def test_a_model_on_the_hub_that_cannot_be_reached(skeletons: Workspace, tutor: Tool, tmp_path: Path):
    refused(tutor, skeletons, "openai-community/gpt2", "is not a folder, and downloading it failed",
            HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))  # fmt: skip


# --- memory -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_loading_takes_little_more_memory_than_the_weights(dtype: torch.dtype, tmp_path: Path):
    """The peak of a process that reads a checkpoint of 120 MB (float32), without what it takes before."""
    config = GPT2Config(vocab_size=20_000, n_positions=64, n_embd=512, n_layer=6, n_head=8)
    model = GPT2LMHeadModel(config).to(dtype)
    model.save_pretrained(tmp_path)
    script = """
import resource, sys
from pathlib import Path
from tutor.checking.loader import StepModules
from tutor.learner.workspace import REPOSITORY, Workspace

def resident(field):
    line = next(line for line in open("/proc/self/status") if line.startswith(field))
    return int(line.split()[1]) * 1024

view = StepModules(Workspace(REPOSITORY), own=[])
step = view[15]
config = step.read_config(Path(sys.argv[1]))
from tutor.sizes import language_model
import dataclasses
shapes = language_model(dataclasses.asdict(config))
next(step.tensors_of(Path(sys.argv[1]) / "model.safetensors"))  # what MAX loads for reading belongs to no weight
before = resident("VmRSS")
weights = step.read_weights(Path(sys.argv[1]), shapes)
print((resident("VmHWM") - before) / sum(weight.nbytes for weight in weights.values()))
"""
    # The environment is passed on by hand: see ENVIRONMENT in support/repository.py.
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, env=os.environ
    )
    assert float(result.stdout) <= 1.2


# --- the record -----------------------------------------------------------------------------


def test_readme_of_the_checkpoint_says_what_was_recorded():
    text = (SHIPPED / "README.md").read_text()
    for name in ("parameters", "train_tokens", "held_out_tokens", "characters", "steps_run"):
        assert f"{TRAINING[name]:,}" in text, name
    for name in ("held_out_loss", "train_loss", "held_out_nats_per_character", "batch", "seed"):
        assert str(TRAINING[name]) in text, name
    parameters = {name: tensor.size for name, tensor in load_file(SHIPPED / "model.safetensors").items()}
    assert sum(parameters.values()) == TRAINING["parameters"]
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 10_000_000
