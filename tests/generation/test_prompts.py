"""Prompts: several in a file, and those that cannot be read or continued."""

import json
import re
from pathlib import Path

import pytest

from tests.support.checkpoint import SHIPPED, refused
from tests.support.workspaces import Tool
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import Workspace

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


@pytest.mark.parametrize("batch_size", ["2", "3"])
def test_a_row_that_outgrows_the_context_leaves_the_others_alone(
    batch_size: str, tmp_path: Path, skeletons: Workspace, tutor: Tool, compiled: None
):
    """One prompt fills the context all but a few tokens, one all of it, and one next to nothing."""
    tokenizer = open_checkpoint(SHIPPED).tokenizer
    lines = ["I" + " am" * 250, "ROMEO:", "I" + " am" * 255]
    assert [len(tokenizer.encode(line).ids) for line in lines] == [251, 2, 256]
    (tmp_path / "prompts.txt").write_text("\n".join(lines))
    options = ("--max-new-tokens", "160", "--temperature", "0.9", "--no-echo")
    together = tutor(skeletons, "generate", "--prompts", str(tmp_path / "prompts.txt"), "--batch-size", batch_size,
                     "--seed", "4", *options)  # fmt: skip
    alone = [
        tutor(skeletons, "generate", line, "--seed", str(4 + number), *options).stdout
        for number, line in enumerate(lines)
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


def test_prompts_that_cannot_be_continued(skeletons: Workspace, tutor: Tool, compiled: None):
    refused(tutor, skeletons, SHIPPED, "the prompt is empty", prompt="")
    refused(tutor, skeletons, SHIPPED, "reads at most 256: shorten it", prompt="word " * 300)
    refused(tutor, skeletons, SHIPPED, "not UTF-8", prompt="caf\udce9")
