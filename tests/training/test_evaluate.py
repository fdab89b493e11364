"""`evaluate`: loss, perplexity and bits for each byte are Hugging Face's, whatever the stride is."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from transformers import GPT2LMHeadModel

from tutor.cli import cli
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import REPOSITORY
from tutor.training.evaluation import windows_of

SHIPPED = REPOSITORY / "checkpoints" / "shakespeare"
TEXT = "ROMEO:\nIs the day so young?\n\nBENVOLIO:\nBut new struck nine — good morrow, cousin.\n" * 12


def reference(tokens: list[int], stride: int, n_positions: int) -> float:
    """Hugging Face's own recipe for a text that is longer than the context."""
    model = GPT2LMHeadModel.from_pretrained(SHIPPED, local_files_only=True).eval()
    total, before = 0.0, 0
    for start in range(0, len(tokens) - 1, stride):
        end = min(start + n_positions + 1, len(tokens))
        ids = torch.tensor([tokens[start:end]])
        labels = ids.clone()
        labels[:, : max(1, before - start)] = -100
        with torch.no_grad():
            logits = model(ids[:, :-1]).logits
        total += float(
            torch.nn.functional.cross_entropy(logits[0].double(), labels[0, 1:], ignore_index=-100, reduction="sum")
        )
        before = end
        if end == len(tokens):
            break
    return total / (len(tokens) - 1)


@pytest.mark.usefixtures("evaluated")
@pytest.mark.parametrize("stride", [None, 100, 256])
def test_the_loss_is_that_of_hugging_face(stride: int | None, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    options = [] if stride is None else ["--stride", str(stride)]
    result = CliRunner().invoke(cli, ["evaluate", str(file), "--json", *options])
    assert result.exit_code == 0, result.output
    numbers = json.loads(result.stdout)
    tokens = open_checkpoint(SHIPPED).tokenizer.encode(TEXT).ids
    expected = reference(tokens, stride or 128, 256)
    assert numbers["tokens"] == len(tokens) - 1 > 256
    assert numbers["loss"] == pytest.approx(expected, abs=1e-5)
    assert numbers["perplexity"] == pytest.approx(math.exp(expected), rel=1e-5)
    first = len(open_checkpoint(SHIPPED).tokenizer.decode(tokens[:1]).encode())
    bits = expected * (len(tokens) - 1) / math.log(2) / (len(TEXT.encode()) - first)
    assert numbers["bits_per_byte"] == pytest.approx(bits, rel=1e-5)
    words = CliRunner().invoke(cli, ["evaluate", str(file), *options]).stdout
    assert f"loss           {expected:.4f} nats a token" in words and "bits per byte" in words


@given(st.integers(1, 60), st.integers(1, 12), st.data())
def test_windows_predict_each_token_once(predicted: int, n_positions: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, n_positions))
    windows = list(windows_of(predicted, n_positions, stride))
    new = np.concatenate([np.arange(first, end) for _, first, end in windows])
    assert np.array_equal(new, np.arange(predicted))
    assert all(0 <= start <= first < end <= start + n_positions for start, first, end in windows)


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        (b"", [], "there is nothing to predict"),
        (b"\xff\xfe", [], "is not UTF-8 text"),
        (b"some text", ["--stride", "257"], "--stride 257 would leave tokens out: at most 256"),
        (b"some text", ["--stride", "0"], "is not in the range"),
        (b"some text", ["--model", "no/such/model"], "there is no folder"),
    ],
)
def test_what_cannot_be_measured(content: bytes, options: list[str], told: str, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["evaluate", str(file), *options])
    assert result.exit_code != 0 and told in " ".join((result.output + str(result.exception or "")).split())
