"""Step 25: training.

Everything is there: a model, a loss, its gradients, and AdamW. What is left is the loop.
It cuts random windows out of a long text, adds up their gradients, takes a step, and
begins again. Now and then it asks how good the model is on text that it has not been
trained on. And what it has learned is written in Hugging Face's format, so that
everything that reads GPT-2 reads your model.

Tasks:
    1. `sample_batch`: cut random windows out of the text. The targets are the same
       windows, one token later.
    2. `accumulate_gradients`: add a share of a batch's gradients to the totals.
    3. `update`: clip the gradients, let AdamW take a step, and set the totals to 0.
    4. `train`: the loop. The batches of a step depend on the seed and the step alone,
       so that training can stop anywhere, and go on as if it had not.
    5. `held_out_loss`: the mean loss over a text, each token predicted once.
    6. `to_hugging_face`: undo what step 15 does to the weights.

Run: `pixi run s25` or `make s25`
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import BufferValue, TensorValue, ops

from solutions.solution_13 import MaxGPT2LMHeadModel
from solutions.solution_15 import CONV1D
from solutions.solution_23 import loss_and_gradients
from solutions.solution_24 import adamw_update, bias_corrections, clip_by_global_norm, learning_rate


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained. (Given.)

    Args:
        steps: how many steps are taken in all.
        batch_size: windows that go through the model at once.
        accumulate: batches whose gradients are added up for one step.
        seq_len: tokens that are predicted in each window.
        peak_learning_rate, warmup_steps, final_learning_rate: as in step 24's `learning_rate`.
        betas, weight_decay: as in step 24's `adamw_update`. Only matrices decay.
        max_norm: as in step 24's `clip_by_global_norm`.
        seed: of the random windows.
    """

    steps: int
    batch_size: int
    seq_len: int
    accumulate: int = 1
    peak_learning_rate: float = 1e-3
    warmup_steps: int = 0
    final_learning_rate: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    max_norm: float = 1.0
    seed: int = 0


# The optimizer treats each number by itself, whatever the shape that it is in. So all matrices of the model lie end to
# end in one long buffer, and all vectors (biases, and the gains of layer norms) in another.
Groups = dict[str, Tensor]


class Trainer(Protocol):
    """What the loop trains: a compiled model with its gradients and running means. (Given.)"""

    def accumulate(self, input_ids: np.ndarray, targets: np.ndarray, share: float) -> float:
        """Runs `accumulate_gradients`; gives the loss of this batch. (Given.)"""
        ...

    def update(self, rate: float, corrections: tuple[float, float]) -> float:
        """Runs `update`; gives the norm of the gradients before clipping. (Given.)"""
        ...


def sample_batch(
    tokens: np.ndarray, batch_size: int, seq_len: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts random windows out of a text. Every window that fits is equally likely.

    Args:
        tokens: the ids of the text, of shape (length,); any integer type, and perhaps a file too large for memory.
        batch_size: how many windows.
        seq_len: how many tokens are predicted in each.
        rng: decides where the windows are.

    Returns:
        The ids that go into the model, and the targets: those of the same windows, one token later. Both are int64
        of shape (batch_size, seq_len).

    Raises:
        ValueError: the text has fewer than seq_len + 1 tokens; the message names both numbers.
    """
    # Task 1: choose where each window begins, and cut out seq_len + 1 tokens.
    if len(tokens) < seq_len + 1:
        raise ValueError(f"the text has {len(tokens)} tokens; a window of seq_len {seq_len} needs {seq_len + 1}")
    starts = rng.integers(len(tokens) - seq_len, size=batch_size)
    windows = np.stack([tokens[start : start + seq_len + 1] for start in starts]).astype(np.int64)
    return np.ascontiguousarray(windows[:, :-1]), np.ascontiguousarray(windows[:, 1:])


@F.functional
def add_to(total: BufferValue, gradient: TensorValue) -> None:
    """Adds a gradient to what a buffer holds. (Given.)"""
    ops.buffer_store(total, ops.buffer_load(total) + gradient)


@F.functional
def read(buffer: BufferValue) -> TensorValue:
    """What a buffer holds now. (Given.)"""
    return ops.buffer_load(buffer)


@F.functional
def clear(total: BufferValue) -> None:
    """Sets what a buffer holds to 0. (Given.)"""
    ops.buffer_store(total, ops.buffer_load(total) * 0)


def end_to_end(tensors: Mapping[str, Tensor]) -> Groups:
    """Lays the numbers of all matrices end to end, in the order of their names, and those of all vectors. (Given.)"""
    ranks = {"matrices": 2, "vectors": 1}
    return {
        group: F.concat([F.flatten(tensors[name]) for name in sorted(tensors) if tensors[name].rank == rank])
        for group, rank in ranks.items()
    }


def accumulate_gradients(
    model: MaxGPT2LMHeadModel, input_ids: Tensor, targets: Tensor, share: Tensor, totals: Groups
) -> Tensor:
    """Adds a share of the gradients of a batch to the totals, in place.

    Args:
        model: the module of step 13.
        input_ids, targets: as in step 23's `loss_and_gradients`.
        share: what to multiply the gradients by, of shape (): 1 / accumulate.
        totals: the buffers `matrices` and `vectors`, in the order of `end_to_end`.

    Returns:
        The loss of the batch, of shape ().
    """
    # Task 2: compute the gradients, lay them end to end, and add a share of them to each total.
    loss, gradients = loss_and_gradients(model, input_ids, targets)
    for group, gradient in end_to_end(gradients).items():
        add_to(totals[group], share * gradient)
    return loss


def update(
    parameters: Groups,
    totals: Groups,
    means: Groups,
    squares: Groups,
    rate: Tensor,
    corrections: Tensor,
    config: TrainingConfig,
) -> Tensor:
    """Takes one step: clips the gradients, updates the parameters in place, and sets the totals to 0.

    The totals come last: MAX 26.7.0's compiler crashes on a graph that clears them before it has used their gradients.

    Args:
        parameters, totals, means, squares: the parameters, their gradients, and their running means. Each has the
            buffers `matrices` and `vectors`, of any lengths.
        rate, corrections: as in step 24's `adamw_update`.
        config: `betas`, `weight_decay` and `max_norm` are used. Matrices decay, vectors do not.

    Returns:
        The norm of all gradients before clipping, of shape ().
    """
    # Task 3: clip all gradients together, update both groups, and clear the totals at the end.
    gradients, norm = clip_by_global_norm({group: read(total) for group, total in totals.items()}, config.max_norm)
    for group, parameter in parameters.items():
        adamw_update(
            parameter,
            gradients[group],
            means[group],
            squares[group],
            rate,
            corrections,
            betas=config.betas,
            weight_decay=config.weight_decay if group == "matrices" else 0.0,
        )
    for total in totals.values():
        clear(total)
    return norm


def train(
    trainer: Trainer, tokens: np.ndarray, config: TrainingConfig, *, start: int = 0
) -> Iterator[tuple[int, float, float]]:
    """Trains, step by step.

    The windows of a step are those that a generator with the seed [config.seed, step] draws, batch after batch.

    Args:
        trainer: what is trained.
        tokens: the text to train on, as in `sample_batch`.
        config: how.
        start: how many steps have been taken before.

    Yields:
        After each step: its number, from 0; the mean loss of its batches, before it; and the norm of its gradients.
    """
    # Task 4: for each step, draw the batches, add up their gradients, and update.
    for step in range(start, config.steps):
        rng, loss = np.random.default_rng([config.seed, step]), 0.0
        for _ in range(config.accumulate):
            input_ids, targets = sample_batch(tokens, config.batch_size, config.seq_len, rng)
            loss += trainer.accumulate(input_ids, targets, 1 / config.accumulate) / config.accumulate
        rate = learning_rate(
            step,
            peak=config.peak_learning_rate,
            warmup_steps=config.warmup_steps,
            total_steps=config.steps,
            final=config.final_learning_rate,
        )
        yield step, loss, trainer.update(rate, bias_corrections(step, config.betas))


def held_out_loss(
    loss: Callable[[np.ndarray, np.ndarray], float], tokens: np.ndarray, *, batch_size: int, seq_len: int
) -> float:
    """The mean loss over a text: each token but the first is predicted once, from those before it in its window.

    The windows follow each other, and each predicts `seq_len` tokens; the last one what is left.

    Args:
        loss: gives the mean loss of a batch: ids and targets, int64 of shape (batch, length).
        tokens: the ids of the text, of shape (length,), at least two.
        batch_size: the most windows that go through the model at once; all windows of a batch have the same length.
        seq_len: the most tokens that are predicted in a window.

    Returns:
        The mean, in nats a token.
    """
    # Task 5: run the whole windows in batches, then what is left; weigh each mean by its number of tokens.
    predicted = len(tokens) - 1
    whole = predicted // seq_len
    pieces = [(start, min(start + batch_size, whole), seq_len) for start in range(0, whole, batch_size)]
    total = 0.0
    for first, last, length in pieces:
        places = np.arange(first, last)[:, None] * seq_len + np.arange(length)  # (batch, length)
        total += loss(tokens[places].astype(np.int64), tokens[places + 1].astype(np.int64)) * places.size
    rest = tokens[whole * seq_len :].astype(np.int64)[None]
    if rest.shape[1] > 1:
        total += loss(rest[:, :-1], rest[:, 1:]) * (rest.shape[1] - 1)
    return total / predicted


def to_hugging_face(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Gives weights the layout of a checkpoint.

    Args:
        parameters: the model's parameters, by name; the head is not among them, because it is tied.

    Returns:
        The tensors of `model.safetensors`, by the same names. The kernels in step 15's `CONV1D` are transposed to
        [in, out].

    Source: Hugging Face `Conv1D`.
    """
    # Task 6: transpose what step 15 transposes.
    return {
        name: np.ascontiguousarray(array.T if name.endswith(CONV1D) else array) for name, array in parameters.items()
    }
