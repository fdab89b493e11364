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
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from tests.support.checkpoint import SHIPPED, refused
from tests.support.workspaces import Tool
from tutor.generation.checkpoint import open_checkpoint
from tutor.generation.config import OTHER_NAMES
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
        ({"n_layer": 5}, "config.json says n_layer is 5, but model.safetensors has 4 layers"),
        ({"n_layer": 10**9}, "n_layer is 1000000000: it should be less than or equal to"),
        ({"n_layer": "9" * 100}, "n_layer is '9{39}…: it should be a valid integer"),
        ({"n_layer": True}, "n_layer is True: it should be a valid integer"),
        ({"n_embd": 192.0}, "n_embd is 192.0: it should be a valid integer"),
        ({"n_head": 0}, "n_head is 0: it should be greater than 0"),
        ({"layer_norm_epsilon": float("nan")}, "layer_norm_epsilon is nan: it should be a finite number"),
        ({"layer_norm_epsilon": 0}, "layer_norm_epsilon is 0: it should be greater than 0"),
        ({"eos_token_id": [0, "end"]}, r"eos_token_id is \[0, 'end'\]: it should be a valid integer"),
        ({"hidden_size": 384}, "n_embd is 192 and hidden_size is 384, but they name the same size"),
        ({"n_head": 7}, r"n_embd \(192\) must be divisible by n_head \(7\)"),
        ({"vocab_size": 1000}, "they do not belong together"),
        ({"vocab_size": 1025}, r"wte\.weight has shape \(1024, 192\)"),
    ],
)
def test_config_that_does_not_fit(copy: Path, skeletons: Workspace, tutor: Tool, change: dict, told: str):
    change_config(copy, **change)
    refused(tutor, skeletons, copy, told)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"n_layer": ' + "9" * 5000 + "}", "3", '"'], ids=len)
@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_settings_that_are_no_settings(copy: Path, skeletons: Workspace, tutor: Tool, name: str, content: str):
    (copy / name).write_text(content)
    refused(tutor, skeletons, copy, f"{name} is damaged")


def test_weights_that_are_not_finite(copy: Path, skeletons: Workspace, tutor: Tool):
    for value in (np.nan, np.inf):
        weight = load_file(SHIPPED / "model.safetensors")["transformer.h.1.mlp.c_fc.weight"]
        weight[3, 5] = value
        change_tensors(copy, {"transformer.h.1.mlp.c_fc.weight": weight})
        refused(tutor, skeletons, copy, r"transformer\.h\.1\.mlp\.c_fc\.weight holds numbers that are not finite")


def test_a_vocabulary_with_holes(copy: Path, skeletons: Workspace, tutor: Tool):
    """As many tokens as before, but the last has an id that the model does not have."""
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    vocab = tokenizer["model"]["vocab"]
    last = max(vocab, key=vocab.__getitem__)
    vocab[last] += 1
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    refused(tutor, skeletons, copy, "token ids up to 1024, the model only up to 1023: they do not belong together")


def test_settings_of_training_in_the_tokenizer_are_ignored(copy: Path):
    """As Hugging Face ignores them for a model's input."""
    tokenizer = Tokenizer.from_file(str(copy / "tokenizer.json"))
    tokenizer.enable_padding(length=16)
    tokenizer.enable_truncation(max_length=4)
    tokenizer.save(str(copy / "tokenizer.json"))
    for text in ("A", "ROMEO:\nWhat light", "word " * 20):
        live = PreTrainedTokenizerFast.from_pretrained(copy)(text)["input_ids"]
        assert open_checkpoint(copy).encode(text) == live


@pytest.mark.parametrize(
    ("config", "generation_config"),
    [
        ({"eos_token_id": 3}, None),
        ({"eos_token_id": [3, 0]}, None),
        ({"eos_token_id": None}, None),
        ({}, None),
        ({"eos_token_id": 3}, {"eos_token_id": 7}),
        ({"eos_token_id": 3}, {"eos_token_id": [7, 9]}),
        ({"eos_token_id": 3}, {"eos_token_id": None}),
        ({"eos_token_id": 3}, {}),
    ],
    ids=str,
)
def test_the_end_of_text_is_hugging_faces(copy: Path, config: dict, generation_config: dict | None):
    settings = json.loads((copy / "config.json").read_text())
    del settings["eos_token_id"]
    (copy / "config.json").write_text(json.dumps(settings | config))
    if generation_config is not None:
        (copy / "generation_config.json").write_text(json.dumps(generation_config))
    live = GPT2LMHeadModel.from_pretrained(copy).generation_config.eos_token_id
    ids = open_checkpoint(copy).eos_token_ids
    assert ids == (() if live is None else tuple(live) if isinstance(live, list) else (live,))


def greedy(folder: Path, prompt: str, count: int) -> str:
    """What Hugging Face generates after a prompt, without the token that ended it."""
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    ids = torch.tensor([open_checkpoint(folder).encode(prompt)])
    made = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=count, pad_token_id=0
    )
    tokens = made[0, ids.shape[1] :].tolist()
    ends = open_checkpoint(folder).eos_token_ids
    return open_checkpoint(folder).tokenizer.decode([token for token in tokens if token not in ends])


@pytest.mark.parametrize("unfilled", [(), (17,), (16, 17)], ids=["batches", "cache", "whole text"])
def test_any_of_several_tokens_ends_a_text(
    copy: Path, unfilled: tuple[int, ...], filled: Workspace, tutor: Tool, compiled: None
):
    new_line = open_checkpoint(copy).encode("\n")
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, *new_line]}))
    expected = greedy(copy, "KING HENRY:\nWhat", 40)
    assert expected and "\n" not in expected and len(open_checkpoint(copy).encode(expected)) < 39, "it ends by itself"
    for step in unfilled:
        tutor(filled, "reset", str(step))
    options = ("--model", str(copy), "--from", "steps", "--temperature", "0", "--max-new-tokens", "40", "--no-echo")
    result = tutor(filled, "generate", "KING HENRY:\nWhat", *options)
    assert result.stdout == expected + "\n", result.stderr


def test_a_head_of_its_own_is_used(copy: Path, skeletons: Workspace, tutor: Tool, compiled: None):
    """Hugging Face does not tie two tensors that are both in the file and differ."""
    table = load_file(copy / "model.safetensors")["transformer.wte.weight"]
    head = table + 0.02 * np.random.default_rng(0).normal(size=table.shape).astype(np.float32)
    change_tensors(copy, {"lm_head.weight": head})
    expected = greedy(copy, "ROMEO:", 20)
    assert expected != greedy(SHIPPED, "ROMEO:", 20)
    options = ("--temperature", "0", "--max-new-tokens", "20", "--no-echo")
    result = tutor(skeletons, "generate", "ROMEO:", "--model", str(copy), *options)
    assert result.stdout == expected + "\n", result.stderr


def test_sizes_under_the_other_names_that_hugging_face_reads(copy: Path):
    assert GPT2Config.attribute_map == OTHER_NAMES
    config = json.loads((copy / "config.json").read_text())
    for other, name in OTHER_NAMES.items():
        config[other] = config.pop(name)
    (copy / "config.json").write_text(json.dumps(config))
    live, ours = GPT2Config.from_pretrained(copy), open_checkpoint(copy).sizes
    assert ours == {name: getattr(live, name) for name in ours} and set(OTHER_NAMES.values()) <= ours.keys()


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
