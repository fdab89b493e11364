"""A stand-in for a model says what should have come when something else comes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from max.experimental.tensor import Tensor

from tutor.checks.shared.stand_ins import CACHES, VOCAB_SIZE, CachedStandIn, StandIn, Table, row_of_logits

TABLE = Table.draw(np.random.default_rng(0))


def tensor(value: Any, dtype: type = np.int64) -> Tensor:
    return Tensor.from_dlpack(np.array(value, dtype))


def plain() -> StandIn:
    return StandIn(TABLE)


def batched() -> CachedStandIn:
    return CachedStandIn(TABLE, batched=True)


IDS, COUNT, STARTS = tensor([[1, 2]]), tensor(0), tensor([0])


def test_right_arguments_give_the_rows_of_the_table():
    assert np.array_equal(plain()(IDS).to_numpy(), TABLE.logits[[[1, 2]]])
    model = batched()
    assert np.array_equal(model(IDS, COUNT, STARTS, *CACHES).to_numpy(), TABLE.logits[[2]])
    assert (model.num_tokens, model.starts, model.caches) == ([0], [[0]], [CACHES])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: plain()([[1, 2]]), "the model got a list for ids; give it `Tensor.from_dlpack(np.array([input_ids]"),
        (lambda: plain()(np.array([[1]])), "the model got an ndarray for ids; give it `Tensor.from_dlpack("),
        (lambda: plain()(tensor([1, 2])), "the model got ids of shape (2,); give it"),
        (lambda: plain()(tensor([[1]], np.int32)), "the model got ids of dtype int32, not int64; give it"),
        (lambda: plain()(tensor([[]])), "the model got no tokens at all; it needs at least one"),
        (lambda: plain()(tensor([[VOCAB_SIZE]])), "a token that is not in its vocabulary: [[11]]"),
        (lambda: plain()(IDS, COUNT), "the model got 2 arguments; give it the ids and nothing else"),
        (lambda: CachedStandIn(TABLE)(IDS, COUNT), "give it the ids, num_tokens and then the 2 caches, one by one"),
        (lambda: CachedStandIn(TABLE)(IDS, 0, *CACHES), "the model got an int for num_tokens; give it"),
        (lambda: CachedStandIn(TABLE)(IDS, tensor([0]), *CACHES), "num_tokens of shape (1,); give it"),
        (lambda: batched()(IDS, COUNT, tensor([0, 0]), *CACHES), "the starts of shape (2,); give it"),
        (lambda: row_of_logits(tensor([0.0], np.float32)), "`choose` got a Tensor; give it the logits of one row"),
        (lambda: row_of_logits(np.zeros((1, VOCAB_SIZE))), "`choose` got logits of shape (1, 11); give it the logits"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(call: Callable[[], object], told: str):
    with pytest.raises(TypeError) as raised:
        call()
    assert told in str(raised.value)
