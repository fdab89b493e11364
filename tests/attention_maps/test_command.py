"""The command `attention`: what it cannot show, and the learner's own steps."""

import pytest

from tests.support.workspaces import Tool
from tests.wrong_files.step_19 import RETURN
from tutor.learner.workspace import Workspace


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([""], 1, "error: the text is empty"),
        (["A", "--layer", "4"], 1, "error: there is no layer 4: this model has layers 0 to 3"),
        (["A", "--head", "6"], 1, "error: there is no head 6: this model has heads 0 to 5"),
        (["A", "--layer", "-1"], 2, "-1 is not in the range x>=0"),
        (["A", "--head", "two"], 2, "'two' is not a valid integer range"),
        (["word " * 400], 1, "this model reads at most 256: shorten it"),
        (["A", "--summary"], 1, "error: the text is too short for a summary (1 of at least 3 tokens)"),
        (["A b c", "--summary", "--head", "1"], 2, "leave --layer, --head and --output out"),
        (["A", "--output", "map.pdf"], 1, "error: map.pdf: the end of the name says what to write"),
        (["A", "--output", "map"], 1, "must be one of .svg, .html, .png"),
        (["A", "--output", "nowhere/map.svg"], 1, "error: there is no folder nowhere: make it first"),
        (["A", "--output", "folder.svg"], 1, "error: folder.svg is a folder"),
        (["A", "--model", "./nowhere"], 1, "error: there is no folder ./nowhere"),
        (["A", "--from", "elsewhere"], 2, "'elsewhere' is not one of"),
        ([], 2, "Missing argument 'TEXT'"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown(skeletons: Workspace, tutor: Tool, arguments: list[str], status: int, told: str):
    (skeletons.root / "folder.svg").mkdir()
    result = tutor(skeletons, "attention", *arguments)
    assert result.returncode == status and result.stdout == ""
    assert told in " ".join(result.stderr.replace("│", " ").split()), result.stderr
    assert "Traceback" not in result.stderr
    if status == 1:
        assert result.stderr.count("\n") == 1, "one line"


def test_an_unfilled_model_is_named(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "attention", "A", "--from", "steps")
    assert result.returncode == 1 and "Not filled in yet: step 01" in result.stderr


def test_while_step_19_is_unfilled_its_solution_stands_in(filled: Workspace, tutor: Tool, compiled: None):
    tutor(filled, "reset", "19")
    result = tutor(filled, "attention", "A b", "--from", "steps")
    assert result.returncode == 0 and result.stdout == tutor(filled, "attention", "A b").stdout
    assert result.stderr == "Step 19 is not filled in yet: for now, its solution computes the weights of attention.\n"


@pytest.mark.parametrize(
    ("step", "old", "new", "told"),
    [
        (19, RETURN, "return attention_weights @ value", "must return its output and its weights"),
        (19, RETURN, "return attention_weights, attention_weights @ value", "the weights have the shape"),
        (9, "_split_heads", "_cut_heads", "no attribute '_split_heads'"),
        (2, "def causal_mask", "def mask", "no attribute 'causal_mask'"),
    ],
)  # fmt: skip
def test_steps_that_cannot_be_used_are_told_without_a_traceback(
    filled: Workspace, tutor: Tool, step: int, old: str, new: str, told: str
):
    text = filled.step(step).read_text()
    assert old in text
    filled.step(step).write_text(text.replace(old, new))
    result = tutor(filled, "attention", "A b", "--from", "steps")
    assert result.returncode == 1 and result.stdout == ""
    assert told in " ".join(result.stderr.split()) and "Traceback" not in result.stderr, result.stderr


def test_the_learners_own_steps_draw_the_same_map(filled: Workspace, tutor: Tool, compiled: None):
    words = ("attention", "To be, or not to be", "--layer", "1", "--head", "3")
    own = tutor(filled, *words, "--from", "steps")
    assert own.returncode == 0 and own.stdout == tutor(filled, *words).stdout
