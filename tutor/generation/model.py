"""Runs the course's own GPT-2 on a checkpoint, and streams text from it."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from max.experimental.tensor import Tensor
from max.graph import TensorType
from max.graph.weights import SafetensorWeights

from tutor.checking.guard import Guard, ProblemFound
from tutor.checking.loader import StepModules
from tutor.checking.verdict import Problem
from tutor.course import CONFIGURATION, COURSE, LANGUAGE_MODEL, PRETRAINED_WEIGHTS, find_step
from tutor.errors import CheckpointError, CompileError
from tutor.generation.borrowing import OnBorrowed, run_or_borrow
from tutor.generation.checkpoint import Checkpoint
from tutor.generation.engines import Engine, Request, choose_engine
from tutor.generation.quantize import pack
from tutor.generation.sampling import SamplingParams
from tutor.generation.stop_strings import StopStrings
from tutor.generation.tokens import TokenDecoder
from tutor.graphs.compile_process import load_interruptibly
from tutor.graphs.compiled import CompiledGraph
from tutor.graphs.devices import find_device
from tutor.graphs.traced import TracedGraph
from tutor.invocation import typed
from tutor.learner.workspace import Workspace
from tutor.protocols import GPT2Config
from tutor.sizes import language_model

# A head that is tied to the embeddings has no weight of its own, and step 15 reads none.
_HEAD = "lm_head.weight"


@dataclass
class Throughput:
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


@dataclass(frozen=True)
class TextChunk:
    """A piece of text as it comes: of which prompt, and whether it is the last of it."""

    row: int
    text: str
    last: bool = False


@dataclass(frozen=True)
class Model:
    """A compiled model with its weights and its tokenizer."""

    checkpoint: Checkpoint
    guard: Guard
    engine: Engine
    run: Callable[..., Tensor]

    def stream(
        self,
        prompts: Sequence[list[int]],
        *,
        max_new_tokens: int,
        sampling: SamplingParams,
        stops: Sequence[str] = (),
        batch_size: int = 1,
        pace: Throughput | None = None,
    ) -> Iterator[TextChunk]:
        """Continues prompts, in batches; yields each piece of text as soon as it is known.

        Args:
            prompts: the tokens of each, as `Checkpoint.encode` gives them.
            max_new_tokens: the most tokens to add to each.
            sampling: how tokens are chosen.
            stops: strings that end a text; they do not belong to it.
            batch_size: how many prompts are continued together.
            pace: is told when each token comes.

        Raises:
            ProblemFound: the code of a step failed.
        """
        pace = pace or Throughput()
        pace.started = time.perf_counter()
        for first in range(0, len(prompts), batch_size):
            batch = prompts[first : first + batch_size]
            request = Request(batch, max_new_tokens, self.checkpoint.eos_token_ids, sampling, first)
            decoders = [TokenDecoder(self.checkpoint.tokenizer) for _ in batch]
            stoppers, left = [StopStrings(stops) for _ in batch], [max_new_tokens] * len(batch)
            for row, token in self._tokens(request):
                if row in request.ended:
                    continue
                pace.count()
                left[row] -= 1
                end = token == request.end or token in request.eos_token_ids
                ended = end or not left[row]
                text = "" if end else decoders[row].add(token)
                text = stoppers[row].add(text + decoders[row].rest() if ended else text)
                if stoppers[row].stopped or ended:
                    request.ended.add(row)
                    yield TextChunk(first + row, text + stoppers[row].rest(), last=True)
                elif text:
                    yield TextChunk(first + row, text)
            # A loop of a learner's may end before its time.
            for row in set(range(len(batch))) - request.ended:
                yield TextChunk(first + row, stoppers[row].add(decoders[row].rest()) + stoppers[row].rest(), last=True)

    def _tokens(self, request: Request) -> Iterator[tuple[int, int]]:
        """The tokens as the steps' code yields them. What it raises becomes a ProblemFound."""
        where = f"step {self.engine.step}"
        tokens = self.guard(where, lambda: iter(self.engine.tokens(self.run, request)))
        end = object()
        while (pair := self.guard(where, lambda: next(tokens, end))) is not end:
            row, token = pair
            yield int(row), int(token)


def load(
    checkpoint: Checkpoint,
    workspace: Workspace,
    *,
    own_steps: bool,
    device: str,
    quantized: bool = False,
    cache_folder: Path,
    on_compile: Callable[[int], None],
    on_borrowed: OnBorrowed,
) -> Model:
    """Traces and compiles the model for a checkpoint, and puts the weights on the device.

    Args:
        checkpoint: as `open_checkpoint` gives it.
        workspace: whose files.
        own_steps: run the learner's steps in place of the solutions.
        device: `auto`, `cpu` or `gpu`.
        quantized: round the weights of the linear layers to Q4_0.
        cache_folder: where compiled graphs are kept.
        on_compile: called before a compile.
        on_borrowed: see `run_or_borrow`.

    Raises:
        CheckpointError: the weights do not fit the model.
        ProblemFound: the code of a step failed.
    """
    guard, config = open_steps(checkpoint, workspace, own_steps=own_steps, step=LANGUAGE_MODEL)
    where = find_device(device)
    engine = choose_engine(guard, config, where, quantized=quantized, tied=checkpoint.tied)
    run = bind(
        engine, guard, checkpoint, config, cache_folder=cache_folder, on_compile=on_compile, on_borrowed=on_borrowed
    )
    return Model(checkpoint, guard, engine, run)


def open_steps(checkpoint: Checkpoint, workspace: Workspace, *, own_steps: bool, step: int) -> tuple[Guard, GPT2Config]:
    """Takes the code of the steps to run a checkpoint with, and makes its configuration.

    Args:
        checkpoint: as `open_checkpoint` gives it.
        workspace: whose files.
        own_steps: take the learner's steps in place of the solutions.
        step: which step is to blame for an error in none of their lines.

    Raises:
        CheckpointError: `GPT2Config` refuses the checkpoint's sizes.
        ProblemFound: the code of step 01 failed.
    """
    guard = Guard(StepModules(workspace, own=[each.number for each in COURSE] if own_steps else []), step)

    def make() -> GPT2Config | ValueError:
        try:
            return guard.view[CONFIGURATION].GPT2Config(**checkpoint.sizes)
        except ValueError as error:
            return error

    config = guard("GPT2Config", make)
    if isinstance(config, ValueError):
        raise CheckpointError(f"{checkpoint.folder / 'config.json'}: {config}")
    return guard, config


def bind(
    engine: Engine,
    guard: Guard,
    checkpoint: Checkpoint,
    config: GPT2Config,
    *,
    cache_folder: Path,
    on_compile: Callable[[int], None] = lambda count: None,
    on_borrowed: OnBorrowed = lambda told: None,
) -> Callable[..., Tensor]:
    """Compiles an engine's graph, and gives it the weights of a checkpoint. The rest is as in `load`.

    Raises:
        CheckpointError: the weights do not fit the model.
        ProblemFound: the code of step 15 failed.
    """
    traced = engine.traced
    # With quantized layers, the model's own parameters tell no longer what shapes the file has.
    shapes = language_model(vars(config)) if traced.constants else shapes_of(traced.parameters)
    weights = read_weights(guard, checkpoint, shapes, on_borrowed)
    if not traced.constants:
        return compile_model(traced, cache_folder, on_compile).bind(weights)
    return compile_model(traced, cache_folder, on_compile, pack(weights, shapes_of(traced.constants))).bind({})


def compile_model(
    traced: TracedGraph,
    cache_folder: Path,
    on_compile: Callable[[int], None],
    constants: Mapping[str, np.ndarray] | None = None,
) -> CompiledGraph:
    """Makes the graph of a model ready to run; see `load_interruptibly`.

    Raises:
        CompileError: MAX cannot compile it.
    """
    try:
        (compiled,) = load_interruptibly([traced], cache_folder, on_compile, constants)
        return compiled
    except CompileError as error:
        raise CompileError(f"MAX cannot compile the model: {error}") from None


def shapes_of(types: Mapping[str, TensorType]) -> dict[str, tuple[int, ...]]:
    """The shapes of parameters as plain numbers."""
    return {name: tuple(map(int, type_.shape)) for name, type_ in types.items()}


def read_weights(
    guard: Guard, checkpoint: Checkpoint, shapes: Mapping[str, tuple[int, ...]], on_borrowed: OnBorrowed
) -> Mapping[str, np.ndarray]:
    """The weights as step 15 reads them; while it is not filled in, its solution reads them.

    Args:
        guard: runs the code of the steps.
        checkpoint: where the weights are.
        shapes: those of the model's parameters.
        on_borrowed: see `run_or_borrow`.

    Raises:
        CheckpointError: step 15 refuses the checkpoint, or it is damaged.
        ProblemFound: the code of step 15 failed.
    """
    return run_or_borrow(
        guard,
        PRETRAINED_WEIGHTS,
        "read_weights",
        lambda: _weights(guard.view, checkpoint, shapes),
        on_borrowed=on_borrowed,
    )


def _weights(
    view: StepModules, checkpoint: Checkpoint, shapes: Mapping[str, tuple[int, ...]]
) -> Mapping[str, np.ndarray]:
    """The weights as step 15 reads them. What it refuses is the checkpoint's fault, or the learner's."""
    label = find_step(PRETRAINED_WEIGHTS).label
    check = f" (your step {label} says so: `{typed(f's{label}')}` checks it)" if PRETRAINED_WEIGHTS in view.own else ""
    file, step = checkpoint.weights_file, view[PRETRAINED_WEIGHTS]
    read = {name: shape for name, shape in shapes.items() if name != _HEAD}
    try:
        step.read_config(checkpoint.folder)  # refuses the settings that the model does not know
    except ValueError as error:
        raise CheckpointError(f"{checkpoint.folder / 'config.json'}: {error}{check}") from None
    try:
        weights = step.read_weights(checkpoint.folder, read)
        head = None if checkpoint.tied else step.as_float32(_HEAD, SafetensorWeights([file])[_HEAD].data().to_buffer())
    except ValueError as error:
        raise CheckpointError(f"{file}: {error}{check}") from None
    fault = _fault(weights, read)
    if fault:
        raise ProblemFound(Problem("returns", PRETRAINED_WEIGHTS, f"`read_weights` returned {fault}."))
    if head is not None:
        weights = {**weights, _HEAD: head}
    for name, array in weights.items():
        if not math.isfinite(array.sum(dtype=np.float64)):
            raise CheckpointError(f"{file}: {name} holds numbers that are not finite")
    return weights


def _fault(weights: object, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What is wrong with weights that were read, as the object of a sentence; empty if they fit the model."""
    if not isinstance(weights, Mapping):
        return f"{type(weights).__name__}, and not a dict of arrays by name"
    for name, shape in shapes.items():
        array = weights.get(name)
        if array is None:
            return f"no array for {name}"
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            return f"{getattr(array, 'dtype', type(array).__name__)} for {name}, and not float32"
        if array.shape != shape:
            return f"an array of shape {array.shape} for {name}; the model needs {shape}"
    return ""
