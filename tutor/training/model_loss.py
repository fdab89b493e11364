"""The loss of a checkpoint on a text file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tutor.course import TRAINING
from tutor.errors import CheckpointError
from tutor.generation.checkpoint import Checkpoint
from tutor.generation.model import open_steps, read_weights
from tutor.graphs.compile_process import load_interruptibly
from tutor.graphs.devices import find_device
from tutor.learner.workspace import Workspace
from tutor.sizes import language_model
from tutor.training.corpus import encode, read_text
from tutor.training.evaluation import Evaluation, evaluate
from tutor.training.graphs import PREFIX, trace_loss


def evaluate_file(
    file: Path,
    checkpoint: Checkpoint,
    workspace: Workspace,
    *,
    own_steps: bool,
    device: str,
    stride: int,
    cache_folder: Path,
    on_compile: Callable[[int], None],
    on_progress: Callable[[int, int], None],
) -> Evaluation:
    """Measures how well a checkpoint predicts a text.

    Args:
        file: UTF-8 text.
        checkpoint: the model.
        workspace: whose files.
        own_steps: run the learner's steps in place of the solutions.
        device: `auto`, `cpu` or `gpu`.
        stride: see `evaluate`.
        cache_folder: where compiled graphs are kept.
        on_compile: called before a compile.
        on_progress: see `evaluate`.

    Raises:
        CheckpointError: the weights do not fit the model, or its head is not tied.
        ProblemFound: the code of a step failed.
        TrainingError: the text cannot be read, or is too short.
    """
    if not checkpoint.tied:
        raise CheckpointError(f"{checkpoint.folder}: its head has a weight of its own, which cannot be evaluated here")
    text = read_text(file, held_out=0.0).training
    tokens = encode(text, checkpoint.tokenizer, None)
    guard, config = open_steps(checkpoint, workspace, own_steps=own_steps, step=TRAINING)
    weights = read_weights(guard, checkpoint, language_model(vars(config)), lambda told: None)
    traced = guard("the loss", lambda: trace_loss(guard.view, config, find_device(device)))
    (compiled,) = load_interruptibly([traced], cache_folder, on_compile)
    parameters = {f"{PREFIX}{name}": array for name, array in weights.items()}

    def loss(ids: np.ndarray, targets: np.ndarray) -> float:
        return float(compiled(parameters, ids, targets)[0])

    found = evaluate(loss, tokens, n_positions=checkpoint.n_positions, stride=stride, on_progress=on_progress)
    first = checkpoint.tokenizer.decode([int(tokens[0])], skip_special_tokens=False)
    return Evaluation(len(tokens) - 1, found, max(1, len(text.encode()) - len(first.encode())))
