"""The phrasebook: both sides of a pair give the same numbers, and each piece of advice reaches those whom it helps."""

import math
import re

import numpy as np
import pytest
import torch
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental import random
from max.experimental.tensor import Tensor

from tests.checking.habits import HABITS, IN_PLACE, NEAR_MISSES, attention
from tests.support.judging import Judge, told
from tests.wrong_files import WrongFile
from tutor.checking.phrasebook import KEYWORDS, MESSAGES, PAIRS, SECTIONS, Keyword, Message, Pair
from tutor.graphs.evaluate.evaluator import evaluate
from tutor.graphs.evaluate.reader import read_module
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.learner.workspace import Workspace

RNG = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray] = {
    "x": RNG.normal(size=(2, 3, 6)).astype(np.float32),
    "y": RNG.normal(size=(2, 3, 6)).astype(np.float32),
    "square": RNG.normal(size=(4, 4)).astype(np.float32),
    "weight": RNG.normal(size=(6, 6)).astype(np.float32),
    "ids": np.array([[3, 0, 1], [2, 2, 0]]),
}
OUTSIDE = {pair for section in SECTIONS if section.heading == "Outside a graph" for pair in section.pairs}
OURS: dict[str, object] = {"F": F, "Tensor": Tensor, "DType": DType, "CPU": CPU, "math": math, "random": random}


def theirs(pair: Pair) -> object:
    """What PyTorch or NumPy computes."""
    library = np.asarray if pair.theirs.startswith("np.") else torch.from_numpy
    names: dict[str, object] = {name: library(array) for name, array in ARRAYS.items()}
    return eval(pair.theirs, {"torch": torch, "np": np, "math": math, "array": ARRAYS["x"], **names})


def ours(pair: Pair) -> object:
    """What MAX computes, evaluated from the graph."""
    if "random" in pair.ours:
        with F.lazy():
            return np.zeros([int(dim) for dim in eval(pair.ours, OURS).shape])
    if pair in OUTSIDE:
        return eval(pair.ours, {**OURS, "array": ARRAYS["x"], "x": Tensor.from_dlpack(ARRAYS["x"])})
    plain: list[object] = []

    def run(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
        given = dict(zip(ARRAYS, tensors, strict=True))
        centered = given["x"] - F.mean(given["x"], axis=-1)
        result = eval(pair.ours, {**OURS, **given, "centered": centered})
        if isinstance(result, Tensor):
            return result
        if isinstance(result, list) and all(isinstance(part, Tensor) for part in result):
            return tuple(result)
        plain.append(result)
        return given["x"]

    specs = [TensorSpec(array.dtype.name, array.shape) for array in ARRAYS.values()]
    graph = trace(lambda: run, specs, CPU())
    if plain:
        return plain[0]
    arrays = evaluate(read_module(graph.bytecode), list(ARRAYS.values()))
    return arrays[0] if graph.single else arrays


def as_array(value: object) -> np.ndarray:
    """A result as numbers: a tensor, a shape, a dimension or a plain number."""
    if isinstance(value, Tensor):
        return np.asarray(value.to_numpy())
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, list | tuple) and not (value and isinstance(value[0], torch.Tensor)):
        return np.array([as_array(part) for part in value])
    if isinstance(value, np.ndarray | float):
        return np.asarray(value)
    return np.asarray(int(value)) if hasattr(value, "__int__") or hasattr(value, "__index__") else np.asarray(value)


def parts(value: object) -> list[np.ndarray]:
    """The arrays of a result that is one or several tensors."""
    if isinstance(value, list | tuple) and value and isinstance(value[0], np.ndarray | Tensor | torch.Tensor):
        return [as_array(part) for part in value]
    return [as_array(value)]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.theirs)
def test_both_sides_of_a_pair_give_the_same(pair: Pair):
    expected, got = parts(theirs(pair)), parts(ours(pair))
    assert [array.shape for array in got] == [array.shape for array in expected]
    if "random" not in pair.ours:
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_name_has_one_meaning():
    names = [name for pair in PAIRS for name in pair.names]
    assert len(names) == len(set(names))
    for name in names:
        assert not (hasattr(F, name) and hasattr(Tensor, name)), f"MAX has {name} itself"


NAMED = [(name, pair) for pair in PAIRS for name in pair.names]


@pytest.mark.parametrize(("name", "pair"), NAMED, ids=[name for name, _ in NAMED])
def test_each_name_is_explained_where_max_lacks_it_and_not_elsewhere(
    name: str, pair: Pair, filled: Workspace, judge: Judge
):
    owner = "scores" if not hasattr(Tensor, name) else "F"
    attention("", f"{owner}.{name}").write(filled)
    words = told(judge(8, filled))
    assert (f"Leave `{name}` out" if pair.ours == "x" else f"write `{pair.ours}`") in words, words
    attention("", f"type('Other', (), {{}})().{name}").write(filled)
    words = told(judge(8, filled))
    assert f"write `{pair.ours}`" not in words and "out." not in words, words


@pytest.mark.parametrize("habit", [*HABITS, *IN_PLACE], ids=lambda habit: habit.name[:80])
def test_a_habit_gets_its_advice(habit: WrongFile, filled: Workspace, judge: Judge):
    habit.write(filled)
    words = told(judge(habit.step, filled))
    assert habit.told in words, words


@pytest.mark.parametrize("near", NEAR_MISSES, ids=lambda near: near.name[:80])
def test_a_near_miss_does_not_get_it(near: WrongFile, filled: Workspace, judge: Judge):
    near.write(filled)
    verdict = judge(near.step, filled)
    assert verdict.status == "red" and near.told not in told(verdict), told(verdict)


def fragments(message: Message) -> list[str]:
    """The parts of a message's advice that are the same for every error."""
    return [part for part in re.split(r"\{\w+\}", message.advice)]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.said[:60])
def test_each_message_is_made_to_happen(message: Message):
    assert any(any(told_in(habit.told, part) for part in fragments(message)) for habit in HABITS)


def told_in(words: str, part: str) -> bool:
    """Whether what a habit is told is a piece of this text, or holds a long piece of it."""
    return words in part or (len(part) > 15 and part.strip() in words)


@pytest.mark.parametrize("keyword", KEYWORDS, ids=lambda keyword: keyword.theirs)
def test_each_keyword_is_tried(keyword: Keyword):
    assert any(re.search(rf"\b{keyword.theirs}=", new) for habit in HABITS for _, new in habit.replace)


def test_a_question_that_raises_keeps_its_name_and_its_advice(filled: Workspace, judge: Judge):
    text = filled.step(14).read_text()
    filled.step(14).write_text(text.replace("top_k is not None and top_k < logits.size", "top_k is not None"))
    words = told(judge(14, filled))
    assert "kth(=-5) out of bounds" in words and "while checking top_k larger than the vocabulary" in words, words
    assert "Cut off only if there is something to cut" in words, words


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("model(ids).to_numpy()", "model(ids)", "`choose_token` got a Tensor. "),
        ("model(ids).to_numpy()", "model.forward(ids)", "the model has no `forward`: call the model itself"),
        ("logits[0, -1]", "logits[-1]", "`choose_token` got logits of shape (3, 11)."),
        ("logits[0, -1]", "logits[0, 0]", "These are the logits of the first position."),
        ("np.array([input_ids], dtype", "np.array(input_ids, dtype", "The model got ids of shape (3,)."),
        ("rng.choice(", "np.random.choice(", "Draw with the generator: `rng.choice(…)`, not `np.random.choice(…)`"),
        ("int(np.argmax(logits))", "int(np.argmin(logits))", "These are the smallest logits: use `np.argmax`."),
        ('if not 0 <= temperature < float("inf")', "if temperature < 0", "choose_token(logits, temperature=inf) is"),
    ],
)  # fmt: skip
def test_what_a_stand_in_is_given_is_checked(old: str, new: str, expected: str, filled: Workspace, judge: Judge):
    text = filled.step(14).read_text()
    assert text.count(old) == 1
    filled.step(14).write_text(text.replace(old, new))
    words = told(judge(14, filled))
    assert expected in words, words


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.name[:80])
def test_nothing_raw_is_printed(habit: WrongFile, filled: Workspace, judge: Judge):
    habit.write(filled)
    problem = judge(habit.step, filled).problem
    assert problem is not None and problem.advice
    raw = ("Inputs:", "incompatible function", "explicit rebind", "no message", "Diagnostics", "<unrealized>")
    assert not any(part in problem.summary for part in raw), problem.summary
    assert problem.summary.count("\n") <= 1, problem.summary
