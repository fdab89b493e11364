"""The command `generate`: the text is Hugging Face's, with the learner's own steps and with the solutions."""

import re

import pytest
import torch
from transformers import GPT2LMHeadModel

from tests.support.checkpoint import SHIPPED
from tests.support.workspaces import Tool
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import Workspace


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


# Beyond n_positions (256), both ways with a cache cut at the same place; without one, the window slides (step 14).
@pytest.mark.parametrize(
    ("unfilled", "engine", "count"), [((17,), "with a cache", 300), ((16, 17), "without a cache", 200)]
)
def test_a_learner_who_has_not_done_the_last_steps_generates_without_them(
    unfilled: tuple[int, ...], engine: str, count: int, filled: Workspace, tutor: Tool, compiled: None
):
    for step in unfilled:
        tutor(filled, "reset", str(step))
    options = ("generate", "ROMEO:", "--seed", "1", "--max-new-tokens", str(count), "--stats")
    own, solutions = tutor(filled, *options, "--from", "steps"), tutor(filled, *options)
    assert own.stdout == solutions.stdout and own.returncode == 0, own.stderr
    assert own.stderr.lstrip().startswith(f"{count} tokens,"), "the text did not end before"
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


def test_the_learners_own_loading_is_used(filled: Workspace, tutor: Tool, compiled: None):
    """A step 15 that leaves the kernels as they are is found out by `generate --from steps`."""
    file = filled.step(15)
    text = file.read_text()
    assert text.count("array = array.T") == 1
    file.write_text(text.replace("array = array.T", "array = array"))
    result = tutor(filled, "generate", "ROMEO:", "--from", "steps", "--max-new-tokens", "2")
    assert result.returncode == 1 and re.search(r"c_fc.weight has shape \(192, 768\)", result.stderr)


def test_no_echo_leaves_the_prompt_out(skeletons: Workspace, tutor: Tool, compiled: None):
    options = ("--seed", "3", "--max-new-tokens", "9")
    whole, alone = (tutor(skeletons, "generate", "ROMEO:", *options, echo).stdout for echo in ("--echo", "--no-echo"))
    assert whole == "ROMEO:" + alone


def test_stats_are_on_stderr(skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "9", "--stats")
    told = r"9 tokens, the first after \d+\.\d\d s, then \d+\.\d tokens per second \(with a cache, in batches\)"
    assert re.fullmatch(rf"\n{told}\n", result.stderr), "on a line of its own, below an empty one"
    assert "tokens" not in result.stdout
    assert result.stdout == tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "9").stdout


@pytest.mark.parametrize("arguments", [(), ("A", "--prompts", "-"), ("A", "--batch-size", "0")])
def test_commands_that_make_no_sense(arguments: tuple[str, ...], skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "generate", *arguments)
    assert result.returncode == 2 and result.stdout == ""
