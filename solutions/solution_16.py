"""Step 16: the key-value cache.

Step 14 runs the whole text through the model for every new token, and throws almost all
of the results away. But the keys and values of earlier tokens never change, because no
token sees a later one. So keep them. Then each call reads only the new tokens, and writes
their keys and values into the cache, after those that are already there.

Tasks:
    1. `cache_type`: return the type of one cache, a `BufferType` of shape (batch, n_head,
       n_positions, head_dim). Unlike a tensor, a buffer can be written to.
    2. `extend`: store the new keys (or values) from position `num_tokens` on, with
       `ops.buffer_store_slice`, and return a slice of all that are there now.
    3. `attend`: compute attention over all these keys, with a given mask.
    4. `predict`: write the forward pass of steps 11 to 13 with the caches in it. Only the
       last position goes through the head.
    5. `forward`: number the new tokens and all tokens, and make the mask. Step 02's mask
       needs `num_tokens` while the graph is built, but here it is known only when the
       graph runs. So compare positions: 0 where key <= query, -inf elsewhere.
    6. `generate_with_cache`: write the loop. When the cache is full, start again with the
       last half of the text.

Run: `pixi run s16` or `make s16`
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from max.driver import Buffer, Device
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import BufferType, BufferValue, DeviceRef, TensorValue, ops

from solutions.solution_01 import GPT2Config
from solutions.solution_13 import MaxGPT2LMHeadModel
from solutions.solution_14 import choose_token


def cache_type(config: GPT2Config, device: Device) -> BufferType:
    """Returns the type of the buffer in which one layer keeps its keys, or its values.

    Args:
        config: the model's sizes.
        device: the device that holds the cache.

    Returns:
        The type of a float32 buffer of shape (batch, n_head, n_positions, head_dim), where batch is symbolic.
    """
    # Task 1: describe a buffer with room for n_positions tokens.
    shape = ("batch", config.n_head, config.n_positions, config.head_dim)
    return BufferType(DType.float32, shape, DeviceRef.from_device(device))


def empty_caches(config: GPT2Config, batch: int, device: Device) -> list[Tensor]:
    """Makes the caches of all layers: keys of layer 0, values of layer 0, keys of layer 1, ... (Given.)"""
    shape = (batch, config.n_head, config.n_positions, config.head_dim)
    return [Tensor(storage=Buffer.zeros(shape, DType.float32, device)) for _ in range(2 * config.n_layer)]


def tokens_after(num_tokens: TensorValue, seq_len: object) -> TensorValue:
    """Computes num_tokens + seq_len, a number that is known only when the graph runs. (Given.)"""
    return num_tokens + ops.shape_to_tensor([seq_len]).reshape([]).cast(DType.int64)


@F.functional
def extend(cache: BufferValue, new: TensorValue, num_tokens: TensorValue) -> TensorValue:
    """Writes new keys or values into the cache, after those that are already there.

    cache[:, :, num_tokens : num_tokens + seq_len] = new

    Args:
        cache: shape (batch, n_head, n_positions, head_dim).
        new: shape (batch, n_head, seq_len, head_dim).
        num_tokens: how many tokens are in the cache, an int64 scalar on the CPU.

    Returns:
        All keys or values that are in the cache now: (batch, n_head, total_len, head_dim).

    Source: Hugging Face `StaticCache`.
    """
    # Task 2: store what is new, and return everything that is there.
    seq_len = new.shape[2]
    end = tokens_after(num_tokens, seq_len)
    every = slice(None)
    ops.buffer_store_slice(cache, new, [every, every, (slice(num_tokens, end), seq_len), every])
    return ops.slice_tensor(ops.buffer_load(cache), [every, every, (slice(0, end), "total_len"), every])


@F.functional
def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Blends the values, weighted by how well each query fits the keys that it may see.

    attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim) + mask) V

    Args:
        query: shape (batch, n_head, seq_len, head_dim).
        keys, values: shape (batch, n_head, total_len, head_dim).
        mask: 0 where a query may see a key, -inf elsewhere; its shape is (seq_len, total_len),
            or any other that broadcasts to (batch, n_head, seq_len, total_len).

    Returns:
        The blended values, of shape (batch, n_head, seq_len, head_dim).

    Source: "Attention Is All You Need", section 3.2.1.
    """
    # Task 3: score, scale, mask, softmax and blend.
    head_dim = int(query.shape[-1])
    scores = query @ keys.transpose(-1, -2) / math.sqrt(head_dim)  # (batch, n_head, seq_len, total_len)
    return F.softmax(scores + mask) @ values  # (batch, n_head, seq_len, head_dim)


def mask_of(visible: Tensor, hidden: float = float("-inf")) -> Tensor:
    """Makes a mask: 0 where `visible` is True, and the number `hidden` elsewhere. (Given.)"""
    zero = Tensor(0.0, dtype=DType.float32, device=visible.device)
    mask = F.where(visible, zero, Tensor(hidden, dtype=DType.float32, device=visible.device))
    # A band without limits keeps everything, but it makes MAX store the mask as a table. Otherwise MAX 26.7.0
    # moves the comparison into its attention kernel, and there it misreads a row that is compared with a column.
    return F.band_part(mask, num_lower=None, num_upper=None)


class CachedGPT2LMHeadModel(MaxGPT2LMHeadModel):
    """GPT-2 that reads only the new tokens of a text, and finds the keys and values of the others in its caches.

    Source: Hugging Face `GPT2LMHeadModel` with `past_key_values`.
    """

    def predict(
        self, input_ids: Tensor, num_tokens: Tensor, positions: Tensor, mask: Tensor, caches: Sequence[Tensor]
    ) -> Tensor:
        """Runs the model on the new tokens.

        Args:
            input_ids: the new tokens, int64 of shape (batch, seq_len).
            num_tokens: how many tokens are in the caches.
            positions: the position of each new token, (seq_len,) or (batch, seq_len).
            mask: which keys each new token may see, as in `attend`.
            caches: keys and values of each layer, in the order of `empty_caches`.

        Returns:
            The logits that follow the last token, of shape (batch, vocab_size).
        """
        # Task 4: combine steps 11 to 13 with the caches, and predict from the last position.
        transformer = self.transformer
        x = transformer.wte(input_ids) + F.gather(transformer.wpe.weight, positions, axis=0)
        for block, keys, values in zip(transformer.h, caches[::2], caches[1::2], strict=True):
            attn = block.attn
            query, key, value = (attn._split_heads(projected) for projected in attn.c_attn(block.ln_1(x)))
            keys, values = extend(keys, key, num_tokens), extend(values, value, num_tokens)
            x = x + attn.c_proj(attn._merge_heads(attend(query, keys, values, mask)))
            x = x + block.mlp(block.ln_2(x))
        return self.lm_head(transformer.ln_f(x[:, -1]))  # (batch, vocab_size)

    def forward(self, input_ids: Tensor, num_tokens: Tensor, *caches: Tensor) -> Tensor:
        """Maps the new tokens (batch, seq_len) to the logits that follow the last of them, (batch, vocab_size)."""
        # Task 5: number the new tokens and all tokens, and make the mask.
        seq_len = input_ids.shape[1]
        total = tokens_after(TensorValue(num_tokens), seq_len)
        positions = F.arange(0, seq_len, dtype=DType.int64, device=input_ids.device) + num_tokens.to(input_ids.device)
        keys = F.arange(0, total, out_dim="total_len", dtype=DType.int64, device=input_ids.device)
        visible = F.unsqueeze(keys, 0) <= F.unsqueeze(positions, 1)  # (seq_len, total_len)
        return self.predict(input_ids, num_tokens, positions, mask_of(visible), caches)


def generate_with_cache(
    model: Callable[..., Tensor],
    caches: Sequence[Tensor],
    input_ids: list[int],
    *,
    n_positions: int,
    max_new_tokens: int,
    eos_token_id: int | None = None,
    choose: Callable[[np.ndarray], int] = choose_token,
) -> Iterator[int]:
    """Continues `input_ids`. As long as the caches have room, the model reads each token only once.

    Args:
        model: maps ids (1, seq_len), the number of tokens in the caches (an int64 scalar) and
            the caches to logits (1, vocab_size).
        caches: as `empty_caches` makes them; what is in them does not matter.
        input_ids: the prompt, at least one token.
        n_positions: how many tokens the caches have room for; when full, half as many, rounded down, are read again.
        max_new_tokens: stop after this many new tokens.
        eos_token_id: stop after this token; None stops at no token.
        choose: chooses a token from logits of shape (vocab_size,).

    Yields:
        The id of each new token, as soon as it is chosen.

    Raises:
        ValueError: `input_ids` is empty.

    Source: Hugging Face `GenerationMixin.generate` with `use_cache=True`.
    """
    # Task 6: read the prompt, then one token at a time.
    if not input_ids:
        raise ValueError("input_ids is empty: the model needs at least one token to continue from")
    ids, new, num_tokens = list(input_ids), list(input_ids), 0
    for _ in range(max_new_tokens):
        if num_tokens + len(new) > n_positions:
            # Keys depend on the embedding of their position, so the cache cannot be shifted: read the text again.
            new, num_tokens = ids[-max(1, n_positions // 2) :], 0
        read = Tensor.from_dlpack(np.array([new], dtype=np.int64))
        logits = model(read, Tensor.from_dlpack(np.array(num_tokens)), *caches)  # (1, vocab_size)
        num_tokens += len(new)
        token = choose(logits.to_numpy()[0])
        yield token
        if token == eos_token_id:
            return
        ids.append(token)
        new = [token]
