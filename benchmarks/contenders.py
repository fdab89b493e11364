"""What `benchmarks/speed.py` compares. Each contender lives in a process of its own and is told what to time.

All have the sizes of GPT-2 small (124M parameters) and float32 weights, and take the best token each time.
"""

import multiprocessing
import os
import time
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from max.experimental.tensor import Tensor

from benchmarks.machine import torch_device
from benchmarks.timing import peak_megabytes, time_call
from tutor.checking.loader import StepModules
from tutor.course import CONFIGURATION
from tutor.generation.engines import Engine, batched, empty_caches, whole_text
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.devices import find_device
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder
from tutor.sizes import language_model

# Rows that are decoded begin with a prompt of this length.
PROMPT = 16
NEW_TOKENS = 32


class Contender(Protocol):
    """One way to run the model. Each method runs once what is timed."""

    def prefill(self, ids: np.ndarray) -> None:
        """Reads prompts (batch, seq_len) and gives the logits for the next token of each."""

    def generate(self, ids: np.ndarray, max_new_tokens: int) -> list[int]:
        """Continues prompts (batch, seq_len); gives the tokens of the first row."""

    def decode_at(self, num_tokens: int) -> Callable[[], None]:
        """Gives a call that computes one token with so many in the cache."""


class Max:
    """This project, with its cache and batches: what `generate` runs."""

    def __init__(self, folder: Path | None, device: str) -> None:
        """Compiles the model, or finds it in the cache."""
        self.view = StepModules(Workspace(REPOSITORY), own=[])
        self.config = self.view[CONFIGURATION].GPT2Config()
        self.device = find_device(device)
        self.engine = self.make()
        shapes = language_model(vars(self.config))
        weights = random_weights(shapes) if folder is None else self.view[15].read_weights(folder, shapes)
        self.run = self.bind(CompileCache(cache_folder()), weights)

    def make(self) -> Engine:
        return batched(self.view, self.config, self.device)

    def bind(self, cache: CompileCache, weights: dict[str, np.ndarray]) -> Callable[..., Tensor]:
        (executable,) = cache.load([self.engine.traced])
        return executable.bind(weights)

    def _call(self, ids: np.ndarray, num_tokens: int, caches: Sequence[Tensor]) -> None:
        starts = np.zeros(len(ids), np.int64)
        self.run(*(Tensor.from_dlpack(array) for array in (ids, np.array(num_tokens), starts)), *caches).to_numpy()

    def prefill(self, ids: np.ndarray) -> None:
        self._call(ids, 0, self._caches(len(ids)))

    def _caches(self, batch: int) -> Sequence[Tensor]:
        # Making room is no part of reading a prompt: it is kept from one call to the next.
        if getattr(self, "_kept", (0,))[0] != batch:
            self._kept = batch, empty_caches(self.view, self.config, batch, self.device)
        return self._kept[1]

    def generate(self, ids: np.ndarray, max_new_tokens: int) -> list[int]:
        pairs = self.view[17].generate_batch(
            self.run,
            self._caches(len(ids)),
            ids.tolist(),
            n_positions=self.config.n_positions,
            max_new_tokens=max_new_tokens,
        )
        return [token for row, token in pairs if row == 0]

    def decode_at(self, num_tokens: int) -> Callable[[], None]:
        ids = np.ones((1, 1), np.int64)
        return lambda: self._call(ids, num_tokens, self._caches(1))


class MaxQuantized(Max):
    """This project with weights of four and a half bits: `generate --quantize`. Its tokens may be other ones."""

    def make(self) -> Engine:
        return batched(self.view, self.config, self.device, quantized=True)

    def bind(self, cache: CompileCache, weights: dict[str, np.ndarray]) -> Callable[..., Tensor]:
        from tutor.generation.model import shapes_of
        from tutor.generation.quantize import pack

        packed = pack(weights, shapes_of(self.engine.traced.constants))
        (executable,) = cache.load([self.engine.traced], constants=packed)
        return executable.bind({})


class MaxWithoutCache(Max):
    """The model of step 13 and the loop of step 14: the whole text is read for every token."""

    def make(self) -> Engine:
        return whole_text(self.view, self.config, self.device)

    def prefill(self, ids: np.ndarray) -> None:
        self.run(Tensor.from_dlpack(ids)).to_numpy()

    def generate(self, ids: np.ndarray, max_new_tokens: int) -> list[int]:
        tokens = []
        for row in ids.tolist():
            tokens = list(
                self.view[14].generate_tokens(
                    self.run, row, n_positions=self.config.n_positions, max_new_tokens=max_new_tokens
                )
            )
        return tokens

    def decode_at(self, num_tokens: int) -> Callable[[], None]:
        ids = np.ones((1, num_tokens + 1), np.int64)
        return lambda: self.prefill(ids)


class Torch:
    """Hugging Face `generate` on PyTorch, as it comes."""

    def __init__(self, folder: Path | None, device: str) -> None:
        """Makes the model."""
        import torch
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.set_num_threads(os.cpu_count() or 1)
        if folder is None:
            self.model = GPT2LMHeadModel(GPT2Config()).eval()
            state = random_weights(language_model(GPT2Config().to_dict()))
            for name, parameter in self.model.named_parameters():
                weight = state.pop(name)
                # Hugging Face's Conv1D keeps its kernels as [in, out].
                turned = name.endswith(("c_attn.weight", "c_fc.weight", "c_proj.weight"))
                parameter.data = torch.from_numpy(weight.T.copy() if turned else weight)
            assert not state
        else:
            self.model = GPT2LMHeadModel.from_pretrained(folder).eval()
        self.torch, self.device = torch, torch_device(device)
        self.model.to(self.device)
        self.options: dict[str, object] = {}

    def prefill(self, ids: np.ndarray) -> None:
        with self.torch.inference_mode():
            self.model(self.torch.from_numpy(ids).to(self.device), use_cache=True, logits_to_keep=1).logits.cpu()

    def generate(self, ids: np.ndarray, max_new_tokens: int) -> list[int]:
        prompts = self.torch.from_numpy(ids).to(self.device)
        with self.torch.inference_mode():
            tokens = self.model.generate(
                prompts,
                attention_mask=self.torch.ones_like(prompts),
                do_sample=False,
                max_new_tokens=max_new_tokens,
                min_new_tokens=max_new_tokens,
                pad_token_id=0,
                **self.options,
            )
        return tokens[0, ids.shape[1] :].tolist()

    def decode_at(self, num_tokens: int) -> Callable[[], None]:
        from transformers import DynamicCache

        torch, config = self.torch, self.model.config
        filled = torch.zeros(1, config.n_head, num_tokens, config.n_embd // config.n_head, device=self.device)
        token = torch.ones(1, 1, dtype=torch.long, device=self.device)

        def call() -> None:
            with torch.inference_mode():
                self.model(token, past_key_values=self.cache, use_cache=True).logits.cpu()
                self.cache.crop(num_tokens)

        self.cache = DynamicCache()
        for layer in range(config.n_layer):
            self.cache.update(filled.clone(), filled.clone(), layer)
        return call


class CompiledTorch(Torch):
    """Hugging Face `generate` on PyTorch with a static cache, which it compiles."""

    def __init__(self, folder: Path | None, device: str) -> None:
        """Makes the model, to be compiled when it is first used."""
        super().__init__(folder, device)
        from transformers import CompileConfig

        # Each batch size and each length of the cache compiles again; past a limit PyTorch would give up in silence.
        self.torch._dynamo.config.recompile_limit = 256
        self.model.generation_config.cache_implementation = "static"
        compile_config = CompileConfig(mode="default", fullgraph=False)
        compile_config._compile_all_devices = True  # transformers compiles by itself on GPUs only
        self.options = {"compile_config": compile_config}


CONTENDERS: dict[str, Callable[[Path | None, str], Contender]] = {
    "this project": Max,
    "this project, no cache": MaxWithoutCache,
    "this project, Q4_0": MaxQuantized,
    "PyTorch": Torch,
    "PyTorch, compiled": CompiledTorch,
}


def random_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Weights of the size that GPT-2's have: the same for the same names, in every process."""
    weights = {}
    for name, shape in shapes.items():
        numbers = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape, dtype=np.float32)
        weights[name] = 0.02 * numbers + np.float32("ln_" in name and name.endswith("weight"))
    return weights


def read_bandwidth(device: str = "cpu", repeat: int = 9) -> float:
    """The bytes that the processor reads from memory in a second: the best of several ways to read."""
    if device == "gpu":
        return _read_bandwidth_of_gpu(repeat)
    threads = os.cpu_count() or 1
    numbers = np.ones(125_000_000, np.float32)  # 500 MB: far more than any processor cache
    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for parts in (threads, 4 * threads):
            pieces = np.array_split(numbers, parts)
            for read in (lambda piece: np.dot(piece, piece), np.max):
                timing = time_call(lambda read=read, pieces=pieces: list(pool.map(read, pieces)), repeat)
                best = max(best, numbers.nbytes / timing.best)
    return best


def _read_bandwidth_of_gpu(repeat: int) -> float:
    import torch

    numbers = torch.ones(1_000_000_000, device="cuda")  # 4 GB
    best = min(time_call(lambda read=read: read().item(), repeat).best for read in (numbers.max, numbers.sum))
    return numbers.nbytes / best


@dataclass
class Process:
    """A contender in its process. Only one works at a time."""

    name: str
    process: SpawnProcess
    pipe: Connection

    @classmethod
    def start(cls, name: str, folder: Path | None, device: str) -> "Process":
        """Starts a contender, and waits until it is ready."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(name, folder, device, theirs), daemon=True)
        process.start()
        self = cls(name, process, ours)
        self._answer()
        return self

    def time(self, what: str, *arguments: int) -> Any:
        """Has the contender time something: see `_Timed`."""
        self.pipe.send((what, arguments))
        return self._answer()

    def stop(self) -> None:
        """Ends the process."""
        self.pipe.send(None)
        self.process.join()

    def _answer(self) -> Any:
        ok, answer = self.pipe.recv()
        if not ok:
            raise RuntimeError(f"{self.name}:\n{answer}")
        return answer


class _Timed:
    """The measurements, in seconds: the best of `repeat` runs."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender

    def prefill(self, seq_len: int, repeat: int) -> float:
        ids = _ids(1, seq_len)
        return _best(lambda: self.contender.prefill(ids), repeat)

    def generate(self, batch: int, max_new_tokens: int, repeat: int) -> float:
        ids = _ids(batch, PROMPT)
        self.contender.generate(ids, 2)  # what is made once for each size of a batch is no part of a token
        return _best(lambda: self.contender.generate(ids, max_new_tokens), repeat)

    def decode_at(self, num_tokens: int, repeat: int) -> float:
        return _best(self.contender.decode_at(num_tokens), repeat)

    def tokens(self, count: int) -> list[int]:
        return self.contender.generate(_ids(1, PROMPT), count)

    def peak(self) -> float:
        return peak_megabytes()


def _best(call: Callable[[], object], repeat: int) -> float:
    time.sleep(0.3)  # threads of the contender before may still wait for work, which takes a processor
    return time_call(call, repeat).best


def _ids(batch: int, seq_len: int) -> np.ndarray:
    return np.random.default_rng(batch * seq_len).integers(50257, size=(batch, seq_len))


def _serve(name: str, folder: Path | None, device: str, pipe: Connection) -> None:
    try:
        timed = _Timed(CONTENDERS[name](folder, device))
        pipe.send((True, None))
        while (order := pipe.recv()) is not None:
            what, arguments = order
            pipe.send((True, getattr(timed, what)(*arguments)))
    except Exception:
        pipe.send((False, traceback.format_exc()))
