"""Three ways to run the course's model: on batches with a cache (step 17), on one text at a time with a cache
(step 16), and on the whole text for every token (steps 13 and 14).

The solutions take the first. A learner's own steps take the first of them that is filled in.
"""

import itertools
import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from max.driver import Device
from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from tutor.checking.guard import Guard, ProblemFound
from tutor.checking.loader import StepModules
from tutor.checks.step_13 import SHIPPED
from tutor.course import BATCHED_GENERATION, CACHED_GENERATION, CONFIGURATION, GENERATION, LANGUAGE_MODEL
from tutor.errors import QuantizationError
from tutor.generation.linear_layers import fast_layers
from tutor.generation.quantize import linear_layers, with_quantized_layers
from tutor.generation.sampling import Sampler, SamplingParams, end_of, penalised
from tutor.graphs.devices import find_device
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.graphs.traced import TracedGraph
from tutor.learner.workspace import Workspace
from tutor.protocols import GPT2Config


@dataclass(frozen=True)
class Request:
    """What to generate.

    Args:
        prompts: the tokens of each row.
        max_new_tokens: the most tokens to add to a row.
        eos_token_ids: each of them ends a row.
        sampling: how tokens are chosen.
        first_row: the number of the first row among all, for its seed.
        ended: rows that are to end; whoever reads the tokens may add to it.
    """

    prompts: Sequence[Sequence[int]]
    max_new_tokens: int
    eos_token_ids: Sequence[int]
    sampling: SamplingParams
    first_row: int = 0
    ended: set[int] = field(default_factory=set)

    @property
    def end(self) -> int:
        """The token that the steps' loops take for the end of a row."""
        return end_of(self.eos_token_ids)

    def chooser(self, view: StepModules) -> Sampler:
        """Chooses tokens with step 14."""
        choose_token = view[GENERATION].choose_token
        return Sampler(choose_token, self.prompts, self.sampling, self.first_row, self.ended, self.eos_token_ids)


@dataclass(frozen=True)
class Engine:
    """A way to run the model.

    Args:
        name: what it does, in words.
        step: the step that it rests on.
        traced: its graph.
        tokens: generates: it takes the graph, compiled and bound to weights, and a request, and yields
            (row, token) as the tokens come.
    """

    name: str
    step: int
    traced: TracedGraph
    tokens: Callable[[Callable[..., Tensor], Request], Iterator[tuple[int, int]]]


def choose_engine(
    guard: Guard, config: GPT2Config, device: Device, *, quantized: bool = False, tied: bool = True
) -> Engine:
    """Traces the best engine whose steps are filled in.

    Args:
        guard: runs the code of the steps.
        config: the model's `GPT2Config`.
        device: where the graph is to run.
        quantized: take linear layers with quantized weights.
        tied: the head shares the table of the embeddings; else it has a weight of its own.

    Raises:
        ProblemFound: a step is wrong, or one that every engine needs is not filled in.
        QuantizationError: quantized weights are asked for where there is no such thing.
    """
    if quantized and device.label != "cpu":
        raise QuantizationError("quantized weights are for the CPU: say --device cpu, or leave --quantize out")
    for step, make in ((BATCHED_GENERATION, batched), (CACHED_GENERATION, cached)):
        try:
            return guard(
                f"step {step}", lambda make=make: make(guard.view, config, device, quantized=quantized, tied=tied)
            )
        except ProblemFound as stop:
            if stop.problem.kind != "unfilled" or stop.problem.step not in (BATCHED_GENERATION, CACHED_GENERATION):
                raise
    return guard("MaxGPT2LMHeadModel", lambda: whole_text(guard.view, config, device, quantized=quantized, tied=tied))


def batched(
    view: StepModules, config: GPT2Config, device: Device, *, quantized: bool = False, tied: bool = True
) -> Engine:
    """All prompts together, with a cache."""
    step = view[BATCHED_GENERATION]
    _rehearse(lambda: step.generate_batch(_no_model, [], [[0], [0, 0]], n_positions=4, max_new_tokens=1))
    inputs = _inputs(config, TensorSpec("int64", ("batch",)))
    traced = _trace_fast(lambda: step.BatchedGPT2LMHeadModel(config), inputs, device, quantized, tied)

    def tokens(run: Callable[..., Tensor], request: Request) -> Iterator[tuple[int, int]]:
        choose, left = request.chooser(view), request.max_new_tokens
        texts, most = {row: list(prompt) for row, prompt in enumerate(request.prompts)}, config.n_positions
        # Where one row outgrows the context, the step's loop would cut them all. A row is to be what it is alone:
        # so the loop is left just before, and those that are too long are cut to their last half.
        while texts and left:
            rows = list(texts)
            for row, text in texts.items():
                if len(text) > most:
                    texts[row] = text[-max(1, most // 2) :]
            count = min(left, most + 1 - max(map(len, texts.values())))
            left -= count
            for index, token in step.generate_batch(
                run,
                empty_caches(view, config, len(rows), device),
                [list(text) for text in texts.values()],
                n_positions=most,
                max_new_tokens=count,
                eos_token_id=request.end,
                choose=lambda index, logits, rows=rows: choose(rows[index], logits),
            ):
                row = rows[index]
                yield row, token
                texts[row].append(int(token))
                if token == request.end:
                    del texts[row]

    return Engine("with a cache, in batches", BATCHED_GENERATION, traced, tokens)


def cached(
    view: StepModules, config: GPT2Config, device: Device, *, quantized: bool = False, tied: bool = True
) -> Engine:
    """One prompt after the other, with a cache."""
    step = view[CACHED_GENERATION]
    _rehearse(lambda: step.generate_with_cache(_no_model, [], [0], n_positions=4, max_new_tokens=1))
    traced = _trace_fast(lambda: step.CachedGPT2LMHeadModel(config), _inputs(config), device, quantized, tied)

    def tokens(run: Callable[..., Tensor], request: Request) -> Iterator[tuple[int, int]]:
        choose, caches = request.chooser(view), empty_caches(view, config, 1, device)
        for row, prompt in enumerate(request.prompts):
            for token in step.generate_with_cache(
                run,
                caches,
                list(prompt),
                n_positions=config.n_positions,
                max_new_tokens=request.max_new_tokens,
                eos_token_id=request.end,
                choose=lambda logits, row=row: choose(row, logits),
            ):
                yield row, token

    return Engine("with a cache", CACHED_GENERATION, traced, tokens)


def whole_text(
    view: StepModules, config: GPT2Config, device: Device, *, quantized: bool = False, tied: bool = True
) -> Engine:
    """One prompt after the other, and the whole text for every token."""
    ids = TensorSpec("int64", ("batch", "seq_len"))
    if quantized:
        traced = _trace_fast(lambda: view[LANGUAGE_MODEL].MaxGPT2LMHeadModel(config), [ids], device, quantized, tied)
    elif tied:
        traced = trace_model(view, config, device)
    else:
        traced = trace(lambda: _untied(view[LANGUAGE_MODEL].MaxGPT2LMHeadModel(config)), [ids], device)

    def tokens(run: Callable[[Tensor], Tensor], request: Request) -> Iterator[tuple[int, int]]:
        sampling = request.sampling
        for row, prompt in enumerate(request.prompts):
            for token in view[GENERATION].generate_tokens(
                penalised(run, sampling.repetition_penalty),
                list(prompt),
                n_positions=config.n_positions,
                max_new_tokens=request.max_new_tokens,
                eos_token_id=request.end if request.eos_token_ids else None,
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
                seed=sampling.seed_of(request.first_row + row),
            ):
                yield row, token
                if row in request.ended or token in request.eos_token_ids:
                    break

    return Engine("without a cache", GENERATION, traced, tokens)


def shipped_graphs(workspace: Workspace, device: str) -> list[TracedGraph]:
    """What `generate` runs on the checkpoint that comes with the course."""
    modules = StepModules(workspace, own=[])
    config = modules[CONFIGURATION].GPT2Config(**SHIPPED.settings)
    return [batched(modules, config, find_device(device)).traced]


def trace_model(view: StepModules, config: GPT2Config, device: Device) -> TracedGraph:
    """Traces the model of step 13: ids (batch, seq_len) to logits (batch, seq_len, vocab_size)."""
    ids = TensorSpec("int64", ("batch", "seq_len"))
    return trace(lambda: view[LANGUAGE_MODEL].MaxGPT2LMHeadModel(config), [ids], device)


def empty_caches(view: StepModules, config: GPT2Config, batch: int, device: Device) -> list[Tensor]:
    """Makes the caches of step 16. On a CPU, memory is taken page by page as they fill."""
    if device.label != "cpu":
        return view[CACHED_GENERATION].empty_caches(config, batch, device)
    shape = (batch, config.n_head, config.n_positions, config.head_dim)
    size = int(np.prod(shape))
    # Not `np.zeros`: NumPy asks for pages of two megabytes, and a few tokens of each head would touch them all.
    arrays = (np.frombuffer(mmap.mmap(-1, 4 * size), np.float32).reshape(shape) for _ in range(2 * config.n_layer))
    return [Tensor.from_dlpack(array) for array in arrays]


def _rehearse(loop: Callable[[], Iterable[object]]) -> None:
    """Runs a loop for one token without a model, to see whether everything in it is filled in.

    Raises:
        NotImplementedError: it is not. What else is wrong, the loop will say itself, on the real model.
    """
    try:
        list(itertools.islice(loop(), 2))
    except NotImplementedError:
        raise
    except Exception:
        return


def _no_model(input_ids: Tensor, *others: Tensor) -> Tensor:
    """Stands for a model with caches and a vocabulary of one token: logits (batch, 1)."""
    return Tensor.from_dlpack(np.zeros((int(input_ids.shape[0]), 1), np.float32))


def _trace_fast(
    build: Callable[[], Module], inputs: Sequence[TensorSpec], device: Device, quantized: bool, tied: bool
) -> TracedGraph:
    with fast_layers():
        if quantized:  # such a head has a weight of its own in any case
            return trace(lambda: with_quantized_layers(build()), inputs, device, constant=True)
        return trace(build if tied else lambda: _untied(build()), inputs, device)


def _untied(model: Module) -> Module:
    """Gives the head a weight of its own."""
    head = dict(linear_layers(model))["lm_head"]
    head.weight = Tensor.zeros(head.weight.shape)
    return model


def _inputs(config: GPT2Config, *between: TensorSpec) -> list[TensorSpec]:
    """The inputs of a model with caches; `between` are those between the number of tokens and the caches."""
    cache = TensorSpec("float32", ("batch", config.n_head, config.n_positions, config.head_dim), buffer=True)
    return [
        TensorSpec("int64", ("batch", "seq_len")),
        TensorSpec("int64", (), on_host=True),
        *between,
        *[cache] * (2 * config.n_layer),
    ]
