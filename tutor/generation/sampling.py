"""Chooses tokens for the rows of a batch, with step 14's `choose_token`."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

import numpy as np
from max.experimental.tensor import Tensor


@dataclass(frozen=True)
class SamplingParams:
    """How tokens are chosen.

    Args:
        temperature, top_k, top_p: as in `choose_token` of step 14.
        repetition_penalty: as in `penalise`; 1 changes nothing.
        seed: of the first row; the next one takes seed + 1, and so on. So each row is what it would be alone
            with its own seed. None for other tokens each time.
    """

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0
    seed: int | None = None

    def seed_of(self, row: int) -> int | None:
        """The seed of a row."""
        return None if self.seed is None else self.seed + row


# Ends a row that is told to end where the checkpoint has no end-of-text token: no token has this id.
_NO_TOKEN = -1


def end_of(eos_token_ids: Sequence[int]) -> int:
    """The token that the steps' loops take for the end of a row."""
    return next(iter(eos_token_ids), _NO_TOKEN)


def penalise(logits: np.ndarray, read: Sequence[int] | np.ndarray, penalty: float) -> np.ndarray:
    """Makes the tokens that were read already less likely.

    Args:
        logits: shape (vocab_size,).
        read: the tokens of the text so far.
        penalty: positive logits of these tokens are divided by it, negative ones multiplied.

    Source: "CTRL" (Keskar et al. 2019), section 4.1; Hugging Face `RepetitionPenaltyLogitsProcessor`.
    """
    if penalty == 1:
        return logits
    logits, seen = logits.copy(), np.unique(read)
    logits[seen] = np.where(logits[seen] < 0, logits[seen] * penalty, logits[seen] / penalty)
    return logits


def penalised(run: Callable[[Tensor], Tensor], penalty: float) -> Callable[[Tensor], Tensor]:
    """Wraps the model of step 14, ids (1, seq_len) to logits (1, seq_len, vocab_size), so that it penalises."""
    if penalty == 1:
        return run

    def call(input_ids: Tensor) -> Tensor:
        logits = run(input_ids).to_numpy().copy()
        logits[0, -1] = penalise(logits[0, -1], input_ids.to_numpy(), penalty)
        return Tensor.from_dlpack(logits)

    return call


class Sampler:
    """Chooses for each row of a batch, with a die of its own."""

    def __init__(
        self,
        choose_token: Callable[..., int],
        prompts: Sequence[Sequence[int]],
        sampling: SamplingParams,
        first_row: int,
        ended: Container[int],
        eos_token_ids: Sequence[int],
    ) -> None:
        """Begins with the prompts.

        Args:
            choose_token: that of step 14.
            prompts: the tokens of each row.
            sampling: how to choose.
            first_row: the number of the first row among all, for its seed.
            ended: rows that are to end.
            eos_token_ids: the tokens that end a row. The steps' loops know one: all stand for the first.
        """
        self._choose_token, self._sampling = choose_token, sampling
        self._read = [list(prompt) for prompt in prompts]
        self._rngs = [np.random.default_rng(sampling.seed_of(first_row + row)) for row in range(len(prompts))]
        self._ended, self._eos_token_ids = ended, eos_token_ids

    def __call__(self, row: int, logits: np.ndarray) -> int:
        """Chooses the next token of a row from logits of shape (vocab_size,)."""
        if row in self._ended:
            return end_of(self._eos_token_ids)
        sampling = self._sampling
        token = int(
            self._choose_token(
                penalise(logits, self._read[row], sampling.repetition_penalty),
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
                rng=self._rngs[row],
            )
        )
        self._read[row].append(token)
        return end_of(self._eos_token_ids) if token in self._eos_token_ids else token
