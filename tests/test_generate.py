"""Generation: the shipped checkpoint, the command line, and checkpoints that do not fit."""

import json
import os
import re
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
from transformers.generation import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tests.conftest import Tool
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import REPOSITORY, Workspace

from solutions.solution_14 import choose_token

SHIPPED = Workspace(REPOSITORY).checkpoint
TRAINING = json.loads((SHIPPED / "training.json").read_text())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped checkpoint, to be spoiled."""
    folder = tmp_path / "copy"
    shutil.copytree(SHIPPED, folder)
    return folder


def hugging_face() -> GPT2LMHeadModel:
    return GPT2LMHeadModel.from_pretrained(SHIPPED, local_files_only=True).eval()


def test_greedy_text_is_hugging_faces_token_for_token(skeletons: Workspace, tutor: Tool, compiled: None):
    prompt, tokenizer = "KING HENRY:\nWhat", open_checkpoint(SHIPPED).tokenizer
    result = tutor(skeletons, "generate", prompt, "--temperature", "0", "--max-new-tokens", "40")
    ids = torch.tensor([tokenizer.encode(prompt).ids])
    with torch.no_grad():
        expected = hugging_face().generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=40, pad_token_id=0
        )
    assert result.stdout == tokenizer.decode(expected[0].tolist()) + "\n"
    assert result.returncode == 0 and result.stderr == "", "compiled before: nothing to tell"


def test_the_learners_own_steps_give_the_same_text(filled: Workspace, tutor: Tool, compiled: None):
    options = ("--seed", "7", "--max-new-tokens", "30")
    own = tutor(filled, "generate", "ROMEO:", "--from", "steps", *options)
    solutions = tutor(filled, "generate", "ROMEO:", *options)
    assert own.returncode == 0 and own.stdout == solutions.stdout


@pytest.mark.parametrize(("unfilled", "engine"), [((17,), "with a cache"), ((16, 17), "without a cache")])
def test_a_learner_who_has_not_done_the_last_steps_generates_without_them(
    unfilled: tuple[int, ...], engine: str, filled: Workspace, tutor: Tool, compiled: None
):
    for step in unfilled:
        tutor(filled, "reset", str(step))
    options = ("generate", "ROMEO:", "--seed", "7", "--max-new-tokens", "30", "--stats")
    own, solutions = tutor(filled, *options, "--from", "steps"), tutor(filled, *options)
    assert own.stdout == solutions.stdout and own.returncode == 0, own.stderr
    assert f"({engine})" in " ".join(own.stderr.split())


def test_a_mistake_in_the_last_step_is_told_and_not_worked_around(filled: Workspace, tutor: Tool):
    file = filled.step(17)
    file.write_text(file.read_text().replace("F.elementwise_max(query - start, 0)", "F.elementwise_max(query - start)"))
    result = tutor(filled, "generate", "ROMEO:", "--from", "steps")
    assert result.returncode == 1 and result.stdout == ""
    assert "steps/step_17.py" in result.stderr and "Traceback" not in result.stderr


def test_an_unfilled_step_is_named_and_nothing_is_generated(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "generate", "ROMEO:", "--from", "steps")
    assert result.returncode == 1 and result.stdout == ""
    assert "Not filled in yet: step 01" in result.stderr


def test_the_seed_decides_the_text(skeletons: Workspace, tutor: Tool, compiled: None):
    texts = [tutor(skeletons, "generate", "A", "--seed", seed, "--max-new-tokens", "20").stdout for seed in "556"]
    assert texts[0] == texts[1] != texts[2]


def test_text_looks_like_a_play(skeletons: Workspace, tutor: Tool, compiled: None):
    text = tutor(skeletons, "generate", "ROMEO:\n", "--seed", "3", "--max-new-tokens", "300").stdout
    assert len(re.findall(r"^[A-Z][A-Za-z ]+:$", text, flags=re.MULTILINE)) >= 3, "speakers"
    words = set(re.findall(r"[a-z]+", (text.lower())))
    assert len(words & set(["the", "and", "of", "to", "my", "thou", "thy", "is", "that", "not", "i", "you"])) >= 6


def test_generation_goes_on_beyond_the_context(skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, "generate", "A", "--max-new-tokens", "300", "--seed", "1")
    assert result.returncode == 0
    # More tokens than n_positions (256) were added, if the text was not ended before.
    assert len(open_checkpoint(SHIPPED).tokenizer.encode(result.stdout).ids) > 250


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(0.7, 5, None), (1.3, None, 0.8), (1.0, 7, 0.6), (0.5, None, None)]
)
def test_sampling_follows_hugging_faces_distribution(temperature: float, top_k: int | None, top_p: float | None):
    logits = 2 * np.random.default_rng(0).normal(size=20).astype(np.float32)
    scores = torch.from_numpy(logits)[None].double()
    for warper in (
        TemperatureLogitsWarper(temperature),
        top_k and TopKLogitsWarper(top_k),
        top_p and TopPLogitsWarper(top_p),
    ):
        scores = warper(None, scores) if warper else scores
    expected = torch.softmax(scores, -1)[0].numpy()
    rng, draws = np.random.default_rng(1), 20_000
    tokens = [choose_token(logits, temperature=temperature, top_k=top_k, top_p=top_p, rng=rng) for _ in range(draws)]
    drawn = np.bincount(tokens, minlength=20) / draws
    assert not drawn[expected == 0].any()
    # Five standard deviations of each frequency.
    assert (np.abs(drawn - expected) < 5 * np.sqrt(expected * (1 - expected) / draws) + 1e-12).all()


def test_choose_token_stands_tiny_temperatures_and_huge_logits():
    logits = np.array([1e4, 1e4 + 1, -1e4], np.float32)
    assert choose_token(logits, temperature=1e-6) == 1
    assert choose_token(logits, temperature=1.0, top_p=0.5, rng=np.random.default_rng(0)) == 1


# --- what does not fit ----------------------------------------------------------------------


def refused(
    tutor: Tool, workspace: Workspace, model: Path | str, told: str, prompt: str = "A", **environment: str
) -> None:
    """`generate` ends with one line that says what is wrong."""
    result = tutor(workspace, "generate", prompt, "--model", str(model), "--max-new-tokens", "2", **environment)
    assert result.returncode == 1, result.stdout
    assert result.stdout == ""
    assert re.search(told, result.stderr), result.stderr
    assert result.stderr.startswith("error: ") and "Traceback" not in result.stderr


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


def test_the_learners_own_loading_is_used(filled: Workspace, tutor: Tool, compiled: None):
    """A step 15 that leaves the kernels as they are is found out by `generate --from steps`."""
    file = filled.step(15)
    text = file.read_text()
    assert text.count("array = array.T") == 1
    file.write_text(text.replace("array = array.T", "array = array"))
    result = tutor(filled, "generate", "ROMEO:", "--from", "steps", "--max-new-tokens", "2")
    assert result.returncode == 1 and re.search(r"c_fc.weight has shape \(192, 768\)", result.stderr)


def test_load_pretrained_gives_hugging_faces_logits():
    """The whole of step 15, with MAX's own `compile`, against transformers."""
    from max.driver import CPU
    from max.experimental.tensor import Tensor

    from tutor.checking.loader import StepModules

    model = StepModules(Workspace(REPOSITORY), own=[])[15].load_pretrained(SHIPPED, device=CPU())
    ids = np.random.default_rng(0).integers(0, 1024, (2, 9))
    live = GPT2LMHeadModel.from_pretrained(SHIPPED)(torch.from_numpy(ids)).logits.detach().numpy()
    np.testing.assert_allclose(model(Tensor.from_dlpack(ids)).to_numpy(), live, rtol=0, atol=1e-4)


# --- options of the command -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "stops", "expected"),
    [
        (["one ", "two ", "three"], ["two"], "one "),
        (["one t", "w", "o three"], ["two"], "one "),  # the stop is spread over pieces
        (["one t", "w", "in"], ["two"], "one twin"),  # held back, then let go
        (["ab", "cd"], ["cx", "d"], "abc"),
        (["aab"], ["ab"], "a"),
        (["a", "a", "b"], ["ab"], "a"),
        (["xyz"], [], "xyz"),
        (["end of tw"], ["two"], "end of tw"),  # what was held back at the end belongs to the text
        (["two"], ["two"], ""),
    ],
)
def test_stop_strings(pieces: list[str], stops: list[str], expected: str):
    from tutor.generation.stop_strings import StopStrings

    stopper = StopStrings(stops)
    assert "".join([*map(stopper.add, pieces), stopper.rest()]) == expected


def test_the_stop_string_ends_the_text(skeletons: Workspace, tutor: Tool, compiled: None):
    whole = tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "40").stdout
    word = whole.split()[4]
    stopped = tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "40", "--stop", word).stdout
    assert stopped == whole[: whole.index(word)] + "\n"
    empty = tutor(skeletons, "generate", "ROMEO:", "--stop", "")
    assert empty.returncode == 2 and "the text must not be empty" in empty.stderr


def test_no_echo_leaves_the_prompt_out(skeletons: Workspace, tutor: Tool, compiled: None):
    options = ("--seed", "3", "--max-new-tokens", "9")
    whole, alone = (tutor(skeletons, "generate", "ROMEO:", *options, echo).stdout for echo in ("--echo", "--no-echo"))
    assert whole == "ROMEO:" + alone


def test_stats_are_on_stderr(skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "9", "--stats")
    told = r"9 tokens, the first after \d+\.\d\d s, then \d+\.\d tokens per second \(with a cache, in batches\)"
    assert re.search(told, " ".join(result.stderr.split()))
    assert "tokens" not in result.stdout
    assert result.stdout == tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "9").stdout


def test_repetition_penalty_is_hugging_faces(skeletons: Workspace, tutor: Tool, compiled: None):
    tokenizer = open_checkpoint(SHIPPED).tokenizer
    ids = torch.tensor([tokenizer.encode("ROMEO:").ids])
    live = GPT2LMHeadModel.from_pretrained(SHIPPED).generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.3, max_new_tokens=30,
        pad_token_id=0,
    )  # fmt: skip
    options = ("--temperature", "0", "--repetition-penalty", "1.3", "--max-new-tokens", "30")
    assert tutor(skeletons, "generate", "ROMEO:", *options).stdout == tokenizer.decode(live[0].tolist()) + "\n"


# --- several prompts --------------------------------------------------------------------------

LINES = ["ROMEO:", "First Citizen:", "JULIET: good morrow, my lord", "K"]


@pytest.fixture
def lines(tmp_path: Path) -> str:
    """A file with prompts, an empty line among them."""
    file = tmp_path / "prompts.txt"
    file.write_text("\n\n".join(LINES) + "\n")
    return str(file)


@pytest.mark.parametrize("batch_size", ["1", "3", "8"])
def test_each_prompt_of_a_file_gets_the_text_that_it_gets_alone(
    batch_size: str, lines: str, skeletons: Workspace, tutor: Tool, compiled: None
):
    options = ("--max-new-tokens", "25", "--temperature", "0.9")
    together = tutor(skeletons, "generate", "--prompts", lines, "--batch-size", batch_size, "--seed", "4", *options)
    alone = [
        tutor(skeletons, "generate", line, "--seed", str(4 + number), *options).stdout
        for number, line in enumerate(LINES)
    ]
    assert together.returncode == 0 and together.stdout == "---\n".join(alone), together.stderr


def test_json_has_a_line_for_each_prompt(lines: str, skeletons: Workspace, tutor: Tool, compiled: None):
    options = ("--seed", "4", "--max-new-tokens", "9", "--stop", "\n")
    result = tutor(skeletons, "generate", "--prompts", lines, "--json", *options)
    found = sorted((json.loads(line) for line in result.stdout.splitlines()), key=lambda line: line["prompt"])
    assert [line["text"] for line in found] == LINES
    texts = tutor(skeletons, "generate", "--prompts", lines, "--no-echo", *options).stdout
    assert "\n---\n".join(line["continuation"] for line in found) + "\n" == texts


def test_prompts_that_cannot_be_read(tmp_path: Path, skeletons: Workspace, tutor: Tool):
    file = tmp_path / "prompts.txt"
    for content, told in (
        (b"", "has no prompts: write one on each line"),
        (b"\n \n", "has no prompts: write one on each line"),
        (b"A\nB\xff\n", "line 2 of .*prompts.txt is not UTF-8 text"),
        (b"A\n" + b"word " * 300, r"line 2 of .*prompts.txt has \d+ tokens; this model reads at most 256: shorten it"),
    ):
        file.write_bytes(content)
        result = tutor(skeletons, "generate", "--prompts", str(file))
        assert result.returncode == 1 and result.stdout == "", content
        assert re.search(told, " ".join(result.stderr.split())) and result.stderr.startswith("error: "), result.stderr
    missing = tutor(skeletons, "generate", "--prompts", str(tmp_path / "none.txt"))
    assert missing.returncode == 1 and "none.txt: No such file or directory" in missing.stderr


@pytest.mark.parametrize("arguments", [(), ("A", "--prompts", "-"), ("A", "--batch-size", "0")])
def test_commands_that_make_no_sense(arguments: tuple[str, ...], skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "generate", *arguments)
    assert result.returncode == 2 and result.stdout == ""


def test_no_such_model(skeletons: Workspace, tutor: Tool):
    refused(tutor, skeletons, "/nowhere/at/all", "there is no folder /nowhere/at/all")
    refused(tutor, skeletons, "not a name!", "neither a folder nor the id of a repository")


def test_a_model_on_the_hub_that_cannot_be_reached(skeletons: Workspace, tutor: Tool, tmp_path: Path):
    refused(tutor, skeletons, "openai-community/gpt2", "is not a folder, and downloading it failed",
            HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))  # fmt: skip


def test_prompts_that_cannot_be_continued(skeletons: Workspace, tutor: Tool, compiled: None):
    refused(tutor, skeletons, SHIPPED, "the prompt is empty", prompt="")
    refused(tutor, skeletons, SHIPPED, "reads at most 256: shorten it", prompt="word " * 300)
    refused(tutor, skeletons, SHIPPED, "not UTF-8", prompt="caf\udce9")


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
from tutor.loader import StepModules
from tutor.workspace import REPOSITORY, Workspace

def resident(field):
    line = next(line for line in open("/proc/self/status") if line.startswith(field))
    return int(line.split()[1]) * 1024

view = StepModules(Workspace(REPOSITORY), own=[])
step = view[15]
config = step.read_config(Path(sys.argv[1]))
from tutor.checks.sizes import language_model
import dataclasses
shapes = language_model(dataclasses.asdict(config))
next(step.tensors_of(Path(sys.argv[1]) / "model.safetensors"))  # what MAX loads for reading belongs to no weight
before = resident("VmRSS")
weights = step.read_weights(Path(sys.argv[1]), shapes)
print((resident("VmHWM") - before) / sum(weight.nbytes for weight in weights.values()))
"""
    # The environment is passed on by hand: see ENVIRONMENT in test_repository.py.
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
