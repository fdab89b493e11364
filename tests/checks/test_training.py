"""What the checks of the part on training rest on: PyTorch's numbers, and slopes that tell a wrong gradient."""

import types

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from tutor.checking.spec import Arrays, Case, Subject
from tutor.checks import step_25
from tutor.checks.numpy import adamw
from tutor.checks.shared.backward import MisuseError, in_order
from tutor.checks.shared.slopes import slopes_agree
from tutor.course import COURSE
from tutor.graphs.tensor_spec import TensorSpec
from tutor.oracle.hugging_face import language_model


def test_ten_steps_in_numpy_are_those_of_pytorch() -> None:
    """The same batches through Hugging Face's model, PyTorch's clipping and its AdamW."""
    how, (text, parameters) = step_25.TEN, step_25.ten_steps_begin()
    subject = types.SimpleNamespace(settings=step_25.MODEL)
    model: GPT2LMHeadModel = language_model(subject, parameters)  # pyright: ignore[reportArgumentType]
    groups = [
        {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": how["weight_decay"]},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=how["betas"], eps=1e-8)
    losses = []
    for step in range(how["steps"]):
        rng, total = np.random.default_rng([how["seed"], step]), 0.0
        optimizer.zero_grad()
        for _ in range(how["accumulate"]):
            starts = rng.integers(len(text) - how["seq_len"], size=how["batch_size"])
            windows = torch.from_numpy(np.stack([text[start : start + how["seq_len"] + 1] for start in starts]))
            logits = model(windows[:, :-1]).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
            (loss / how["accumulate"]).backward()
            total += loss.item() / how["accumulate"]
        torch.nn.utils.clip_grad_norm_(model.parameters(), how["max_norm"])
        for group in optimizer.param_groups:
            group["lr"] = adamw.learning_rate(
                step,
                peak=how["peak_learning_rate"],
                warmup_steps=how["warmup_steps"],
                total_steps=how["steps"],
                final=how["final_learning_rate"],
            )
        optimizer.step()
        losses.append(total)
    np.testing.assert_allclose(step_25.ten_losses(), losses, rtol=1e-6)


SQUARE = TensorSpec("float64", ("n",))
FORWARD = Subject("sum of squares", lambda code: lambda x: x, {"x": SQUARE}, {"loss": TensorSpec("float64", ())})
BACKWARD = Subject("its gradient", lambda code: lambda x: x, {"x": SQUARE}, {"grad": SQUARE})


class SumOfSquares:
    """Stands for a graph that can be differentiated: the sum of the squares."""

    def __call__(self, parameters: Arrays, *inputs: np.ndarray) -> list[np.ndarray]:
        return [np.array((inputs[0] ** 2).sum())]

    def slope(self, parameters: Arrays, inputs: list[np.ndarray], directions: Arrays, loss: object) -> float:
        return float((2 * inputs[0].astype(np.float64) * directions["x"]).sum())


@pytest.mark.parametrize(
    ("factor", "right"), [(2.0, True), (2.001, False), (1.0, False), (-2.0, False), (np.nan, False)]
)
def test_slopes_tell_a_wrong_gradient(factor: float, right: bool) -> None:
    case = Case(BACKWARD.name, {"n": 5}, seed=3)
    expectation = slopes_agree(FORWARD, BACKWARD, case, lambda results: {"x": results[0]}, part="f")
    graphs = {FORWARD.name: SumOfSquares(), BACKWARD.name: lambda parameters, x: [factor * x]}
    answer = expectation.evaluate(None, graphs)  # pyright: ignore[reportArgumentType] - it asks the graphs alone
    assert (answer == expectation.expected) is right


def test_gradients_are_taken_apart_by_name() -> None:
    assert in_order("f", (1, {"b": 3, "a": 2}), "x", ["a", "b"]) == (1, 2, 3)
    for result, told in (
        (1, "`f` returned a int"),
        ((1, {}), "no gradient named 'a'"),
        ((1, {"a": 2, "b": 3, "c": 4}), "named 'c', and no parameter has that name"),
        ((1, {"a": 2}, 3), "`f` returned 3 things"),
    ):
        with pytest.raises(MisuseError, match=told):
            in_order("f", result, "x", ["a", "b"])


@pytest.mark.parametrize("number", [step.number for step in COURSE])
def test_max_compiles_a_graph_of_every_function_that_has_one(number: int) -> None:
    subjects = [subject for subject in COURSE[number].check.subjects if subject.compiled]
    for part in {subject.part for subject in subjects}:
        assert any(subject.confirmed for subject in subjects if subject.part == part), part
