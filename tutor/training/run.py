"""Trains a model from the first step to the last, and keeps what it has learned where nothing can lose it.

OUTPUT/config.json, tokenizer.json, model.safetensors    the checkpoint with the lowest held-out loss so far
OUTPUT/training.json                                     how it was made: options, and a row for each evaluation
OUTPUT/resume/                                           the tokens, and the state from which training goes on
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from tutor.checking.guard import Guard
from tutor.checking.loader import StepModules
from tutor.course import CONFIGURATION, COURSE, TRAINING
from tutor.errors import OutputError, TrainingError
from tutor.files import write_atomically
from tutor.graphs.devices import find_device
from tutor.learner.workspace import Workspace
from tutor.protocols import GPT2Config
from tutor.sizes import Settings
from tutor.training.checkpoint import write_config, write_weights
from tutor.training.corpus import stored
from tutor.training.graphs import TrainingGraphs, trace_training
from tutor.training.state import Record, load_state, save_state
from tutor.training.trainer import Trainer

RESUME = "resume"
# The parts of the text whose tokens are kept there.
TOKENS = ("training", "held_out")


@dataclass(frozen=True)
class Start:
    """What training starts from.

    Args:
        settings: the model's sizes.
        weights: its parameters, as a `Linear` layer keeps them.
        tokenizer: cuts texts into tokens.
        end_of_text: the token that ends a text, if there is one.
        training, held_out: the tokens of the text.
        options: all that the numbers depend on, as plain data.
    """

    settings: Settings
    weights: Mapping[str, np.ndarray]
    tokenizer: Tokenizer
    end_of_text: int | None
    training: np.ndarray
    held_out: np.ndarray
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Stepped:
    """A step was taken: how many now, the loss of its batches, and the tokens per second."""

    steps: int
    loss: float
    tokens_per_second: float


@dataclass(frozen=True)
class Evaluated:
    """The held-out text was predicted; `best` says whether better than ever before. What is kept, is written by now."""

    row: Mapping[str, float]
    best: bool


Event = Stepped | Evaluated


@dataclass
class Run:
    """Training that has begun, and its folder.

    Args:
        folder: the output.
        guard: runs the code of the steps.
        settings: the model's sizes.
        tokenizer: of the checkpoint.
        training, held_out: the tokens.
        record: how far it has come.
        trainer: the model in training.
    """

    folder: Path
    guard: Guard
    settings: Settings
    tokenizer: Tokenizer
    training: np.ndarray
    held_out: np.ndarray
    record: Record
    trainer: Trainer

    @property
    def steps(self) -> int:
        """How many steps are taken in all."""
        return self.record.options["training"]["steps"]

    def parameters(self) -> Mapping[str, np.ndarray]:
        """The model's parameters as they are now."""
        return self.trainer.state()["parameters"]

    def events(self) -> Iterator[Event]:
        """Trains; tells each step and each evaluation. Whoever stops reading may call `keep` first.

        Raises:
            TrainingError: the loss is no number any more.
            ProblemFound: the code of a step failed.
            OSError: something cannot be written.
        """
        options, view = self.record.options, self.guard.view
        config = view[TRAINING].TrainingConfig(**_with_tuples(options["training"]))
        every, tokens_in_a_step = options["evaluate_every"], config.accumulate * config.batch_size * config.seq_len
        loop = self.guard(
            "train", lambda: iter(view[TRAINING].train(self.trainer, self.training, config, start=self.record.steps))
        )
        while True:
            began = time.perf_counter()
            taken = self.guard("train", lambda: next(loop, None))
            if taken is None:
                return
            step, loss, norm = taken
            seconds = time.perf_counter() - began
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise TrainingError(self._diverged(step, loss))
            self.record.steps, self.record.seconds = step + 1, self.record.seconds + seconds
            self.record.losses.append(loss)
            yield Stepped(step + 1, loss, tokens_in_a_step / seconds)
            if (step + 1) % every == 0 or step + 1 == config.steps:
                yield self._evaluate(norm)

    def _evaluate(self, norm: float) -> Evaluated:
        training = self.record.options["training"]
        held_out = self.guard(
            "held_out_loss",
            lambda: self.guard.view[TRAINING].held_out_loss(
                self.trainer.loss, self.held_out, batch_size=training["batch_size"], seq_len=training["seq_len"]
            ),
        )
        row = {
            "step": self.record.steps,
            "train_loss": round(float(np.mean(self.record.losses)), 4),
            "held_out_loss": round(held_out, 4),
            "gradient_norm": round(norm, 4),
            "seconds": round(self.record.seconds, 1),
        }
        best = self.record.best is None or held_out < self.record.best["held_out_loss"]
        self.record.history.append(row)
        self.record.losses.clear()
        if best:
            self.record.best = row
            write_weights(self.folder, self.guard.view, self.parameters())
        self.keep()
        return Evaluated(row, best)

    def keep(self) -> None:
        """Writes the state, from which training goes on, and the record.

        Raises:
            OSError: it cannot be written.
        """
        save_state(self.folder / RESUME, self.record, self.trainer.state())
        write_atomically(self.folder / "training.json", json.dumps(asdict(self.record), indent=2) + "\n")

    def _diverged(self, step: int, loss: float) -> str:
        last = self.record.best
        kept = f"{self.folder} keeps the weights of step {last['step']:.0f}" if last else "nothing was kept yet"
        return f"in step {step + 1} the loss is {loss}: training has diverged; {kept}. Try a smaller learning rate"


def open_code(workspace: Workspace, *, own_steps: bool) -> Guard:
    """Takes the code of the steps to train with: the learner's, or the solutions."""
    return Guard(StepModules(workspace, own=[step.number for step in COURSE] if own_steps else []), TRAINING)


def check_folder(folder: Path) -> None:
    """Sees to it, before any work is done, that nothing is overwritten.

    Raises:
        OutputError: the folder is not empty.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder} is not empty: give another folder, or --resume to go on there")


def begin(
    start: Start, folder: Path, guard: Guard, device: str, cache_folder: Path, on_compile: Callable[[int], None]
) -> Run:
    """Begins to train.

    Args:
        start: what from.
        folder: the output, which is made; it must be new or empty.
        guard: runs the code of the steps.
        device: `auto`, `cpu` or `gpu`.
        cache_folder: where compiled graphs are kept.
        on_compile: told how many graphs are about to be compiled.

    Raises:
        OutputError: the folder is not empty, or cannot be made.
        TrainingError: the text is too short.
        ProblemFound: the code of a step failed.
    """
    _check_lengths(start)
    check_folder(folder)
    (folder / RESUME).mkdir(parents=True, exist_ok=True)
    record = Record(0, start.options)
    trainer = _trainer(guard, start.settings, record, {"parameters": start.weights}, device, cache_folder, on_compile)
    write_config(folder, start.settings, start.end_of_text, start.tokenizer)
    training, held_out = (
        stored(folder / RESUME / f"{name}.npy", tokens)
        for name, tokens in zip(TOKENS, (start.training, start.held_out), strict=True)
    )
    return Run(folder, guard, start.settings, start.tokenizer, training, held_out, record, trainer)


def resume(folder: Path, guard: Guard, device: str, cache_folder: Path, on_compile: Callable[[int], None]) -> Run:
    """Goes on where training was stopped; the arguments are those of `begin`.

    Raises:
        TrainingError: there is nothing to resume, or it is damaged, or it has come to its end.
        ProblemFound: the code of a step failed.
    """
    record, state = load_state(folder / RESUME)
    if record.steps >= record.options["training"]["steps"]:
        raise TrainingError(f"{folder}: all {record.steps} steps have been taken")
    try:
        training, held_out = (np.load(folder / RESUME / f"{name}.npy", mmap_mode="r") for name in TOKENS)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the tokenizers package raises bare Exceptions
        raise TrainingError(f"{folder} is damaged ({error}): begin again in another folder") from None
    settings = record.options["sizes"]
    trainer = _trainer(guard, settings, record, state, device, cache_folder, on_compile)
    return Run(folder, guard, settings, tokenizer, training, held_out, record, trainer)


def _trainer(
    guard: Guard,
    settings: Settings,
    record: Record,
    state: Mapping[str, Mapping[str, np.ndarray]],
    device: str,
    cache_folder: Path,
    on_compile: Callable[[int], None],
) -> Trainer:
    where = find_device(device)

    def make() -> TrainingGraphs:
        config: GPT2Config = guard.view[CONFIGURATION].GPT2Config(**settings)
        training = guard.view[TRAINING].TrainingConfig(**_with_tuples(record.options["training"]))
        return trace_training(guard.view, config, training, where)

    return Trainer(guard("training", make), where, state, cache_folder=cache_folder, on_compile=on_compile)


def _check_lengths(start: Start) -> None:
    needed = start.options["training"]["seq_len"] + 1
    for name, tokens in (("training", start.training), ("held-out", start.held_out)):
        if len(tokens) < needed:
            raise TrainingError(
                f"the {name} part of the text has {len(tokens)} tokens; a window needs {needed}: give a longer text, "
                f"or a "
                "smaller --seq-len"
            )


def _with_tuples(training: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has lists in place of tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in training.items()}
