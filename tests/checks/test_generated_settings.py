"""Settings that hypothesis makes up: the solutions beside Hugging Face's warpers, and beside models of the loops.

The solutions decide nothing in a check. But what a check asks for must be what the docstrings promise, so that the
solutions have to keep these promises for all settings, and not only for those that a check tries.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tests.support.widget_numbers import CapturingRng
from tutor.checks import step_16, step_17
from tutor.checks.shared.stand_ins import CACHES, VOCAB_SIZE, CachedStandIn, StandIn, Table, until

from solutions.solution_14 import choose_token, generate_tokens
from solutions.solution_16 import generate_with_cache
from solutions.solution_17 import generate_batch
from solutions.solution_19 import check_shapes

SEEDS = st.integers(0, 1000)
TOKENS = st.integers(0, VOCAB_SIZE - 1)
PROMPTS = st.lists(TOKENS, min_size=1, max_size=7)
ROOMS = st.integers(1, 9)
COUNTS = st.integers(0, 9)
some = settings(max_examples=60, deadline=None)


def table(seed: int) -> Table:
    return Table.draw(np.random.default_rng(seed))


@some
@given(
    seed=SEEDS,
    shift=st.sampled_from([0.0, 80.0, -80.0]),
    temperature=st.floats(0.05, 50),
    top_k=st.none() | st.integers(1, 30),
    top_p=st.none() | st.floats(0.01, 1),
)
def test_step_14_draws_from_the_distribution_of_hugging_face(
    seed: int, shift: float, temperature: float, top_k: int | None, top_p: float | None
):
    logits = 3 * np.random.default_rng(seed).normal(size=20).astype(np.float32) + np.float32(shift)
    rng = CapturingRng()
    choose_token(logits, temperature=temperature, top_k=top_k, top_p=top_p, rng=rng)
    scores = torch.tensor(logits[None].astype(np.float64))
    warpers = [TemperatureLogitsWarper(temperature)]
    warpers += [] if top_k is None else [TopKLogitsWarper(top_k)]
    warpers += [] if top_p is None else [TopPLogitsWarper(top_p)]
    for warper in warpers:
        scores = warper(None, scores)
    expected = torch.softmax(scores, dim=-1)[0].numpy()
    # A sum that is top_p but for rounding may keep one token more or less.
    if np.array_equal(rng.probabilities > 0, expected > 0) or top_p is None:
        np.testing.assert_allclose(rng.probabilities, expected, rtol=1e-6, atol=1e-12)
    else:
        assert abs(int((rng.probabilities > 0).sum()) - int((expected > 0).sum())) == 1


@some
@given(
    setting=st.sampled_from(["temperature", "top_k", "top_p"]),
    number=st.one_of(st.floats(max_value=-1e-9), st.just(float("nan")), st.just(float("inf")), st.integers(-5, -1)),
    temperature=st.sampled_from([0.0, 1.0]),
)
def test_step_14_rejects_what_is_out_of_range(setting: str, number: float, temperature: float):
    if setting == "top_k":
        number = -abs(int(number)) if np.isfinite(number) and abs(number) < 1e9 else 0
    options: dict[str, float] = {"temperature": temperature} | {setting: number}
    with pytest.raises(ValueError, match=rf"^{setting} \("):
        choose_token(np.zeros(5, np.float32), **options)


@some
@given(seed=SEEDS, prompt=PROMPTS, n_positions=ROOMS, count=COUNTS, eos=st.none() | TOKENS)
def test_step_14_yields_a_chain_and_reads_the_last_tokens(
    seed: int, prompt: list[int], n_positions: int, count: int, eos: int | None
):
    model = StandIn(table(seed))
    options = {"n_positions": n_positions, "max_new_tokens": count, "eos_token_id": eos}
    chain = table(seed).chain(prompt[-1], count)
    expected = chain if eos is None else until(chain, eos)
    assert list(generate_tokens(model, list(prompt), **options)) == expected
    text = prompt + expected
    windows = [text[: len(prompt) + number][-n_positions:] for number in range(len(expected))]
    assert [ids[0].tolist() for ids in model.seen] == windows


@some
@given(seed=SEEDS, prompt=PROMPTS, n_positions=ROOMS, count=COUNTS, eos=st.none() | TOKENS)
def test_step_16_reads_each_token_once_until_the_caches_are_full(
    seed: int, prompt: list[int], n_positions: int, count: int, eos: int | None
):
    model, chain = CachedStandIn(table(seed)), table(seed).chain(prompt[-1], count)
    options = {"n_positions": n_positions, "max_new_tokens": count, "eos_token_id": eos}
    tokens = list(generate_with_cache(model, CACHES, list(prompt), **options))
    assert tokens == (chain if eos is None else until(chain, eos))
    calls = [(ids[0].tolist(), number) for ids, number in zip(model.seen, model.num_tokens, strict=True)]
    assert calls == step_16.Numbers(table(seed), prompt).calls(n_positions, count)[: len(tokens)]
    assert all(number + len(ids) <= n_positions for ids, number in calls)


@some
@given(
    seed=SEEDS,
    prompts=st.lists(PROMPTS, min_size=1, max_size=4),
    n_positions=ROOMS,
    count=COUNTS,
    eos=st.none() | TOKENS,
)
def test_step_17_gives_each_row_what_it_gets_alone(
    seed: int, prompts: list[list[int]], n_positions: int, count: int, eos: int | None
):
    model = CachedStandIn(table(seed), batched=True)
    options = {"n_positions": n_positions, "max_new_tokens": count, "eos_token_id": eos}
    pairs = list(generate_batch(model, CACHES, [list(prompt) for prompt in prompts], **options))
    chains = [table(seed).chain(prompt[-1], count) for prompt in prompts]
    expected = [chain if eos is None else until(chain, eos) for chain in chains]
    assert [[token for owner, token in pairs if owner == row] for row in range(len(prompts))] == expected
    assert len(model.seen) == max(map(len, expected))
    assert all(n + ids.shape[1] <= n_positions for ids, n in zip(model.seen, model.num_tokens, strict=True))
    if eos is None:
        numbers = [number for _, number in step_17.Numbers(table(seed), prompts).calls(n_positions, count)]
        assert model.num_tokens == numbers


class Shaped:
    """Stands for a tensor of which only the shape is looked at."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.rank = shape, len(shape)


SHAPES = st.lists(st.integers(2, 4), min_size=1, max_size=5).map(tuple)


@settings(max_examples=400, deadline=None)
@given(query=SHAPES, key=SHAPES, value=SHAPES, fitting=st.booleans())
def test_step_19_rejects_exactly_what_does_not_fit(
    query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...], fitting: bool
):
    if fitting and len(query) >= 2:
        key = (*query[:-2], key[0], query[-1])
        value = (*key[:-1], value[-1])
    tensors = [Shaped(shape) for shape in (query, key, value)]
    fits = (
        len(query) == len(key) == len(value) and 2 <= len(query) <= 4 and query[-1] == key[-1] and key[-2] == value[-2]
    )
    if fits:
        check_shapes(*tensors)
    else:
        with pytest.raises(ValueError, match=r"give all three|project both|from the same tokens"):
            check_shapes(*tensors)
