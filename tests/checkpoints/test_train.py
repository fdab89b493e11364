"""The script that trains the small checkpoint: it takes any text, and its result is a Hugging Face checkpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel

from tests.support.workspaces import Tool
from tutor.learner.workspace import REPOSITORY, Workspace

TEXT = "".join(f"Line {i}: the quick brown fox jumps over {i * i} lazy dogs.\n" for i in range(400))
SMALL = [
    "--vocab-size",
    "300",
    "--n-layer",
    "1",
    "--n-head",
    "2",
    "--n-embd",
    "16",
    "--n-positions",
    "24",
    "--batch",
    "4",
    "--steps",
    "6",
    "--eval-every",
    "3",
]


def train(text: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "checkpoints/train.py"), str(text), "--output", str(output), *options]
    # The environment is passed on by hand: see ENVIRONMENT in support/repository.py.
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    return file


def test_the_same_seed_trains_the_same_model_and_hugging_face_loads_it(text: Path, tmp_path: Path):
    folders = [tmp_path / name for name in ("first", "second", "other")]
    for folder, seed in zip(folders, "112", strict=True):
        result = train(text, folder, *SMALL, "--seed", seed)
        assert result.returncode == 0, result.stderr
        assert "held-out loss" in result.stdout
    weights = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert weights[0] == weights[1] != weights[2]
    record = json.loads((folders[0] / "training.json").read_text())
    assert [row["step"] for row in record["history"]] == [3, 6]
    model = GPT2LMHeadModel.from_pretrained(folders[0], local_files_only=True).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) == record["parameters"]
    with torch.no_grad():
        assert torch.isfinite(model(torch.tensor([[1, 2, 3]])).logits).all()


def test_texts_that_cannot_be_learned_from(tmp_path: Path, skeletons: Workspace, tutor: Tool):
    short, binary = tmp_path / "short.txt", tmp_path / "binary.txt"
    short.write_text("too short")
    binary.write_bytes(b"\xff\xfe\x00")
    for file, told in (
        (short, "is too short"),
        (binary, "is not UTF-8 text"),
        (tmp_path / "none.txt", "does not exist"),
    ):
        result = train(file, tmp_path / "out", *SMALL)
        assert result.returncode != 0 and told in result.stderr and "Traceback" not in result.stderr
        assert not (tmp_path / "out").exists()
