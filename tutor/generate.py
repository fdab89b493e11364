"""Runs the course's own GPT-2 on a checkpoint, and streams text from it."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from max.driver import Device
from max.experimental.tensor import Tensor
from safetensors import SafetensorError, safe_open
from tokenizers.decoders import DecodeStream

from tutor import graphs
from tutor.artifacts import ArtifactCache
from tutor.check import Spec
from tutor.checkpoint import Checkpoint
from tutor.course import COURSE
from tutor.errors import CheckpointError
from tutor.guard import Guard
from tutor.loader import View
from tutor.workspace import Workspace

CONFIG_STEP, MODEL_STEP, GENERATION_STEP, LOADING_STEP = 1, 13, 14, 15


@dataclass
class Pace:
    """How fast text came: filled in while it is generated."""

    started: float = 0.0
    first: float = 0.0
    last: float = 0.0
    tokens: int = 0

    def count(self) -> None:
        """Notes that a token has come."""
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.tokens += 1

    def __str__(self) -> str:
        told = f"{self.tokens} tokens, the first after {self.first - self.started:.2f} s"
        if self.tokens < 2:
            return told
        return f"{told}, then {(self.tokens - 1) / (self.last - self.first):.1f} tokens per second"


def penalised(run: Callable[[Tensor], Tensor], penalty: float) -> Callable[[Tensor], Tensor]:
    """Wraps a model so that the tokens that it has read already become less likely.

    Args:
        run: int64 ids (1, seq_len) to logits (1, seq_len, vocab_size).
        penalty: at the last position, the positive logits of the tokens read are divided by it, negative ones
            multiplied. 1 changes nothing.

    Source: "CTRL" (Keskar et al. 2019), section 4.1; Hugging Face `RepetitionPenaltyLogitsProcessor`.
    """

    def call(input_ids: Tensor) -> Tensor:
        logits = run(input_ids).to_numpy().copy()
        read, last = np.unique(input_ids.to_numpy()), logits[0, -1]
        last[read] = np.where(last[read] < 0, last[read] * penalty, last[read] / penalty)
        return Tensor.from_dlpack(logits)

    return call


@dataclass(frozen=True)
class Model:
    """A compiled model with its weights and its tokenizer."""

    checkpoint: Checkpoint
    n_positions: int
    guard: Guard
    run: Callable[..., object]

    def stream(
        self,
        prompt: str,
        *,
        max_new_tokens: int,
        repetition_penalty: float = 1.0,
        pace: Pace | None = None,
        **sampling: object,
    ) -> Iterator[str]:
        """Continues the prompt; yields each piece of text as soon as it is known.

        Args:
            prompt: the text to continue.
            max_new_tokens: the most tokens to add.
            repetition_penalty: as in `penalised`.
            pace: is told when each token comes.
            sampling: passed on to `generate_tokens` of step 14.

        Raises:
            PromptError: the prompt is empty, too long, or not UTF-8 text.
            Stop: the code of a step failed.
        """
        ids = self.checkpoint.encode(prompt, n_positions=self.n_positions)
        run = self.run if repetition_penalty == 1 else penalised(self.run, repetition_penalty)
        pace = pace or Pace()
        pace.started = time.perf_counter()
        generate_tokens = self.guard("importing", lambda: self.guard.view[GENERATION_STEP]).generate_tokens
        tokens = self.guard(
            "generate_tokens",
            lambda: iter(
                generate_tokens(
                    run,
                    ids,
                    n_positions=self.n_positions,
                    max_new_tokens=max_new_tokens,
                    eos_token_id=self.checkpoint.eos_token_id,
                    **sampling,
                )
            ),
        )
        # A character may be spread over several tokens; the stream waits for all of them.
        decoder = DecodeStream(skip_special_tokens=True)
        end = object()
        while (token := self.guard("generate_tokens", lambda: next(tokens, end))) is not end:
            pace.count()
            piece = decoder.step(self.checkpoint.tokenizer, int(token))
            if piece:
                yield piece


def load(
    checkpoint: Checkpoint,
    workspace: Workspace,
    *,
    own_steps: bool,
    device: str,
    cache_folder: Path,
    on_compile: Callable[[int], None],
) -> Model:
    """Traces and compiles the model for a checkpoint, and puts the weights on the device.

    Args:
        checkpoint: as `open_checkpoint` gives it.
        workspace: whose files.
        own_steps: run the learner's steps in place of the solutions.
        device: `auto`, `cpu` or `gpu`.
        cache_folder: where compiled graphs are kept.
        on_compile: called before a compile.

    Raises:
        CheckpointError: the weights do not fit the model.
        Stop: the code of a step failed.
    """
    view = View(workspace, own=[step.number for step in COURSE] if own_steps else [])
    guard = Guard(view, MODEL_STEP)
    config = configuration(guard, checkpoint)
    where = graphs.find_device(device)
    traced = guard("MaxGPT2LMHeadModel", lambda: trace_model(view, checkpoint.sizes, where))
    executable, parameters = with_weights(guard, checkpoint, traced, cache_folder, on_compile)
    return Model(checkpoint, config.n_positions, guard, executable.bind(parameters))


def configuration(guard: Guard, checkpoint: Checkpoint) -> Any:
    """The course's configuration for a checkpoint. If it refuses the sizes, the checkpoint is wrong."""

    def make() -> object:
        try:
            return guard.view[CONFIG_STEP].GPT2Config(**checkpoint.sizes)
        except ValueError as error:
            return error

    config = guard("GPT2Config", make)
    if isinstance(config, ValueError):
        raise CheckpointError(f"{checkpoint.folder / 'config.json'}: {config}")
    return config


def with_weights(
    guard: Guard,
    checkpoint: Checkpoint,
    traced: graphs.Traced,
    cache_folder: Path,
    on_compile: Callable[[int], None],
) -> tuple[graphs.Executable, Mapping[str, np.ndarray]]:
    """Reads the weights for a traced model, and then compiles it.

    Raises:
        CheckpointError: the weights do not fit the model.
        Stop: the code of step 15 failed.
    """
    shapes = {name: tuple(map(int, type_.shape)) for name, type_ in traced.parameters.items()}
    parameters = guard("read_weights", lambda: _weights(guard.view, checkpoint, shapes))
    (executable,) = ArtifactCache(cache_folder).load([traced], on_compile)
    return executable, parameters


def _weights(view: View, checkpoint: Checkpoint, shapes: Mapping[str, tuple[int, ...]]) -> Mapping[str, np.ndarray]:
    """The weights as step 15 reads them. What it refuses is the checkpoint's fault."""
    file = checkpoint.folder / "model.safetensors"
    try:
        view[LOADING_STEP].read_config(checkpoint.folder)  # refuses the settings that the model does not know
    except ValueError as error:
        raise CheckpointError(f"{checkpoint.folder / 'config.json'}: {error}") from None
    try:
        with safe_open(file, framework="numpy"):
            pass  # the header is right: what step 15 refuses after this is no damage
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} is damaged: {error}") from None
    try:
        return view[LOADING_STEP].read_weights(checkpoint.folder, shapes)
    except ValueError as error:
        raise CheckpointError(f"{file}: {error}") from None


def trace_model(view: View, sizes: Mapping[str, Any], device: Device) -> graphs.Traced:
    """Traces the whole model: ids (batch, seq_len) to logits (batch, seq_len, vocab_size)."""
    return graphs.trace(
        lambda: view[MODEL_STEP].MaxGPT2LMHeadModel(view[CONFIG_STEP].GPT2Config(**sizes)),
        [Spec("int64", ("batch", "seq_len"))],
        device,
    )
