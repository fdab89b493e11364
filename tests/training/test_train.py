"""`train`: the model is Hugging Face's, a seed gives the same numbers, and nothing that was learned is lost."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.numpy import load_file
from transformers import GPT2LMHeadModel

from tests.support.whole_command import main_command
from tests.support.workspaces import Tool
from tutor.cli import cli
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import Workspace
from tutor.training import run as training
from tutor.training.state import load_state

SMALL = ["--vocab-size", "300", "--n-layer", "1", "--n-head", "2", "--n-embd", "16", "--n-positions", "12",
         "--batch-size", "3", "--steps", "6", "--evaluate-every", "2", "--learning-rate", "0.01"]  # fmt: skip

pytestmark = pytest.mark.usefixtures("evaluated")


def train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["train", *map(str, arguments)])


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def rows(folder: Path) -> list[dict[str, float]]:
    return json.loads((folder / "training.json").read_text())["history"]


def test_it_learns_and_hugging_face_loads_the_model(text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    result = train("--data", text, "--output", folder, *SMALL)
    assert result.exit_code == 0, result.output
    losses = [row["held_out_loss"] for row in rows(folder)]
    assert len(losses) == 3 and losses[-1] < losses[0]
    assert f"whose held-out loss is {min(losses):.4f}" in result.output

    # The recorded loss is that of Hugging Face's model with these weights, over the same windows.
    model = GPT2LMHeadModel.from_pretrained(folder, local_files_only=True).eval()
    tokens = torch.from_numpy(np.load(folder / "resume" / "held_out.npy").astype(np.int64))
    total = 0.0
    for start in range(0, len(tokens) - 1, 12):
        ids, targets = tokens[start : start + 12], tokens[start + 1 : start + 13]
        ids = ids[: len(targets)]
        with torch.no_grad():
            total += float(torch.nn.functional.cross_entropy(model(ids[None]).logits[0], targets, reduction="sum"))
    assert total / (len(tokens) - 1) == pytest.approx(min(losses), abs=2e-4)
    assert open_checkpoint(folder).config.n_layer == 1


def test_a_seed_gives_the_same_model_and_another_seed_another(text: Path, tmp_path: Path) -> None:
    for name, seed in (("first", "0"), ("second", "0"), ("other", "1")):
        assert train("--data", text, "--output", tmp_path / name, *SMALL, "--seed", seed).exit_code == 0
    first, second, other = (weights(tmp_path / name) for name in ("first", "second", "other"))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first)


def test_training_that_was_stopped_goes_on_to_the_same_numbers(text: Path, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert train("--data", text, "--output", whole, *SMALL).exit_code == 0
    stopped = stopped_after(3, "--data", text, "--output", halves, *SMALL)
    assert stopped.exit_code == 130 and "saved after step 3; to go on: make train" in stopped.output
    assert load_state(halves / "resume")[0].steps == 3
    again = train("--output", halves, "--resume")
    assert again.exit_code == 0, again.output
    first, second = ([{**row, "seconds": 0} for row in rows(folder)] for folder in (whole, halves))
    assert first == second and [row["step"] for row in first] == [2, 4, 6]
    assert all(np.array_equal(array, weights(halves)[name]) for name, array in weights(whole).items())
    done = train("--output", halves, "--resume")
    assert done.exit_code == 1 and "all 6 steps have been taken" in _told(done)


def stopped_after(steps: int, *arguments: str | Path) -> Result:
    """Trains, and presses Ctrl-C while a step is going on."""
    original, taken = training.Trainer.update, 0

    def update(self: training.Trainer, rate: float, corrections: tuple[float, float]) -> float:
        nonlocal taken
        taken += 1
        if taken == steps:
            signal.raise_signal(signal.SIGINT)
        return original(self, rate, corrections)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.Trainer, "update", update)
        return CliRunner().invoke(main_command, ["train", *map(str, arguments)])


def test_the_log_gets_a_line_an_evaluation(text: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("before\n")
    assert train("--data", text, "--output", tmp_path / "model", *SMALL, "--log", log).exit_code == 0
    before, *lines = log.read_text().splitlines()
    assert before == "before" and [json.loads(line) for line in lines] == rows(tmp_path / "model")


def test_accumulated_batches_give_the_step_of_one_large_batch(text: Path, tmp_path: Path) -> None:
    """The same windows in one batch of 4, or in two of 2: the generator draws them alike."""
    found = []
    for name, how in (("one", ["--batch-size", "4"]), ("two", ["--batch-size", "2", "--accumulate", "2"])):
        options = [*SMALL, *how, "--steps", "3", "--evaluate-every", "3", "--warmup", "1"]
        assert train("--data", text, "--output", tmp_path / name, *options).exit_code == 0
        found.append(weights(tmp_path / name))
    one, two = found
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=2e-4)


def test_fine_tuning_starts_from_a_model_and_keeps_its_tokenizer(text: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert train("--data", text, "--output", first, *SMALL).exit_code == 0
    options = ["--steps", "1", "--evaluate-every", "1", "--learning-rate", "1e-9", "--batch-size", "2"]
    result = train("--data", text, "--output", second, "--model", first, *options)
    assert result.exit_code == 0, result.output
    assert (first / "tokenizer.json").read_text() == (second / "tokenizer.json").read_text()
    for name, array in weights(first).items():
        np.testing.assert_allclose(weights(second)[name], array, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--n-head", "3"], "--n-head 3 must divide --n-embd 16"),
        (["--seq-len", "13"], "--seq-len 13 is more than the model can read at once, which is 12"),
        (["--warmup", "6"], "--warmup 6 must be less than --steps 6"),
        (["--learning-rate", "nan"], "nan is not a finite number"),
        (["--learning-rate", "0"], "is not in the range"),
        (["--held-out", "1"], "is not in the range"),
    ],
)
def test_options_that_make_no_sense(options: list[str], told: str, text: Path, tmp_path: Path) -> None:
    result = train("--data", text, "--output", tmp_path / "model", *SMALL, *options)
    assert result.exit_code != 0 and told in _told(result)
    assert not (tmp_path / "model" / "model.safetensors").exists()


def _told(result: Result) -> str:
    return " ".join((result.output + str(result.exception or "")).split())


def test_texts_that_cannot_be_learned_from(tmp_path: Path) -> None:
    short, binary, empty = (tmp_path / name for name in ("short.txt", "binary.txt", "empty.txt"))
    short.write_text("too short")
    binary.write_bytes(b"\xff\xfe\x00")
    empty.write_text("")
    for file, told in (
        (short, "tokens; a window needs 13"),
        (binary, "is not UTF-8 text"),
        (empty, "a window needs 13"),
    ):
        result = train("--data", file, "--output", tmp_path / "out", *SMALL)
        assert result.exit_code != 0 and told in _told(result), file
        assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(text: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("irreplaceable")
    result = train("--data", text, "--output", tmp_path / "mine", *SMALL)
    assert result.exit_code != 0 and "is not empty" in _told(result)
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_resumed_run_takes_no_other_options(text: Path, tmp_path: Path) -> None:
    result = train("--output", tmp_path, "--resume", "--steps", "3", "--data", text)
    assert result.exit_code == 2 and "leave out --data, --steps" in _told(result)
    result = train("--output", tmp_path / "nothing", "--resume")
    assert result.exit_code != 0 and "there is nothing to resume" in _told(result)
    result = train("--output", tmp_path / "nothing")
    assert result.exit_code == 2 and "say what to learn from" in _told(result)


def test_a_damaged_state_is_told_in_one_line(text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert train("--data", text, "--output", folder, *SMALL).exit_code == 0
    state = folder / "resume" / "state.safetensors"
    for content in (b"", b"no safetensors", state.read_bytes()[:-7]):
        state.write_bytes(content)
        result = train("--output", folder, "--resume")
        assert result.exit_code != 0 and "is damaged" in _told(result)


def test_a_loss_that_is_no_number_ends_training_and_keeps_the_last_good_model(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = training.Trainer.accumulate, 0

    def accumulate(self: training.Trainer, ids: np.ndarray, targets: np.ndarray, share: float) -> float:
        nonlocal calls
        calls += 1
        return float("nan") if calls == 4 else original(self, ids, targets, share)

    monkeypatch.setattr(training.Trainer, "accumulate", accumulate)
    folder = tmp_path / "model"
    result = train("--data", text, "--output", folder, *SMALL)
    told = _told(result)
    assert result.exit_code != 0 and "in step 4 the loss is nan" in told and "keeps the weights of step 2" in told
    assert np.isfinite(np.concatenate([array.ravel() for array in weights(folder).values()])).all()


def test_a_full_disk_leaves_what_was_there(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"

    def full(file: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(file))

    with monkeypatch.context() as patch:
        patch.setattr("tutor.training.state.write_atomically", full)
        result = CliRunner().invoke(main_command, ["train", "--data", str(text), "--output", str(folder), *SMALL])
    assert result.exit_code == 1 and "No space left on device" in _told(result) and "Traceback" not in result.output
    assert open_checkpoint(folder).config.n_layer == 1, "the weights were written before"


def test_the_learners_own_steps_train(text: Path, tmp_path: Path, skeletons: Workspace, tutor: Tool) -> None:
    """A step that is not filled in is told by its name: its code is what would have run."""
    options = ["--data", str(text), "--output", str(tmp_path / "model"), *SMALL]
    result = tutor(skeletons, "train", *options, "--from", "steps")
    assert result.returncode == 1 and "Not filled in yet: step" in result.stderr + result.stdout
