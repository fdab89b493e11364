"""Step 14: text generation.

The model gives a score to every token that could come next. Generation is a loop
around it: score, choose one token, append it, score again. What matters is how you
choose: always the likeliest token (greedy), or one drawn at random, from a
distribution that is reshaped by a temperature and cut off by top-k and top-p.

Tasks:
    1. `choose_token`, greedy: reject the settings listed under Raises. If the
       temperature is 0, take the token with the largest logit.
    2. `choose_token`, temperature: divide the logits by the temperature.
    3. `choose_token`, top-k: keep only the k largest logits, and set the rest to -inf.
    4. `choose_token`, top-p: keep the smallest set of likeliest tokens whose
       probabilities sum to at least p, and set the rest to -inf.
    5. `choose_token`, draw: draw one token from the softmax of what is left.
    6. `generate_next_token`: reject an empty prompt, run the model, and choose
       from the logits of the last position.
    7. `generate_tokens`: write the loop. Give the model at most the last `n_positions`
       tokens, yield each new token as soon as it is chosen, and stop after
       `eos_token_id`.

Run: `pixi run s14` or `make s14`
"""

from collections.abc import Callable, Iterator

import numpy as np
from max.experimental.tensor import Tensor


def choose_token(
    logits: np.ndarray,
    *,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    rng: np.random.Generator | None = None,
) -> int:
    """Chooses one token from its logits.

    Args:
        logits: shape (vocab_size,).
        temperature: the number that the logits are divided by; 0 takes the likeliest token.
        top_k: draw only from the k tokens with the largest logits. None draws from all
            tokens, and so does any k that is not smaller than vocab_size.
        top_p: draw only from the smallest set of likeliest tokens that together have at
            least this probability; None draws from all tokens.
        rng: the source of randomness; None makes a new one.

    Returns:
        The id of the chosen token.

    Raises:
        ValueError: temperature is negative or not finite, top_k is below 1, or
            top_p is not above 0 and at most 1.

    Source: Hugging Face `TemperatureLogitsWarper`, `TopKLogitsWarper`,
        `TopPLogitsWarper`; "The Curious Case of Neural Text Degeneration", section 3.
    """
    # Tasks 1 to 5: choose one token, the likeliest one or one drawn at random.
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature ({temperature}) must be 0 or a positive number")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k ({top_k}) must be at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p ({top_p}) must be above 0 and at most 1")

    if temperature == 0:
        return int(np.argmax(logits))
    # float64 throughout: rounded to float32, the probabilities may not sum to 1 closely enough for `choice`.
    # The largest logit is subtracted first, so that a tiny temperature cannot make `exp` overflow.
    logits = (logits.astype(np.float64) - logits.max()) / temperature
    if top_k is not None and top_k < logits.size:
        kth_largest = np.partition(logits, -top_k)[-top_k]
        logits = np.where(logits < kth_largest, -np.inf, logits)
    if top_p is not None and top_p < 1:
        order = np.argsort(-logits, kind="stable")
        probabilities = np.exp(logits[order]) / np.exp(logits).sum()
        # A token stays if those before it have not reached top_p yet. So the first token always stays.
        before = np.cumsum(probabilities) - probabilities
        logits[order[before >= top_p]] = -np.inf
    probabilities = np.exp(logits) / np.exp(logits).sum()
    rng = np.random.default_rng() if rng is None else rng
    return int(rng.choice(logits.size, p=probabilities))


def generate_next_token(
    model: Callable[[Tensor], Tensor],
    input_ids: list[int],
    *,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    rng: np.random.Generator | None = None,
) -> int:
    """Runs the model once and chooses the token that follows `input_ids`.

    Args:
        model: maps int64 ids (1, seq_len) to logits (1, seq_len, vocab_size).
        input_ids: the tokens so far, at least one.
        temperature, top_k, top_p, rng: as in `choose_token`.

    Returns:
        The id of the next token.

    Raises:
        ValueError: `input_ids` is empty, or as in `choose_token`.
    """
    # Task 6: run the model and choose from its last logits.
    if not input_ids:
        raise ValueError("input_ids is empty: the model needs at least one token to continue from")
    ids = Tensor.from_dlpack(np.array([input_ids], dtype=np.int64))  # (1, seq_len)
    logits = model(ids).to_numpy()  # (1, seq_len, vocab_size)
    return choose_token(logits[0, -1], temperature=temperature, top_k=top_k, top_p=top_p, rng=rng)


def generate_tokens(
    model: Callable[[Tensor], Tensor],
    input_ids: list[int],
    *,
    n_positions: int,
    max_new_tokens: int,
    eos_token_id: int | None = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> Iterator[int]:
    """Continues `input_ids`, one token at a time.

    Args:
        model: maps int64 ids (1, seq_len) to logits (1, seq_len, vocab_size).
        input_ids: the prompt, at least one token.
        n_positions: how many tokens the model can read at once.
        max_new_tokens: stop after this many new tokens.
        eos_token_id: stop after this token; None stops at no token.
        temperature, top_k, top_p: as in `choose_token`.
        seed: the same seed gives the same tokens; None gives different ones each time.

    Yields:
        The id of each new token, as soon as it is chosen.

    Raises:
        ValueError: as in `generate_next_token`.

    Source: Hugging Face `GenerationMixin.generate`.
    """
    # Task 7: generate one token at a time.
    rng = np.random.default_rng(seed)
    ids = list(input_ids)
    for _ in range(max_new_tokens):
        token = generate_next_token(
            model, ids[-n_positions:], temperature=temperature, top_k=top_k, top_p=top_p, rng=rng
        )
        yield token
        if token == eos_token_id:
            return
        ids.append(token)
