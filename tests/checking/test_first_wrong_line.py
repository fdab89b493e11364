"""A verdict on wrong numbers points at the line that they come from."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.blamed_lines import Lab, Outcome, count, sample
from tests.support.traced_file import SPEC, TracedFile, X
from tutor.checking.first_wrong_line import FirstWrongLine, Suspects, find_first_wrong_line, frame_of, told, values_of
from tutor.checking.numbers import Given
from tutor.checking.spec import Case
from tutor.graphs.tensor_spec import TensorSpec
from tutor.learner.skeleton import finished_workspace

REFERENCE = """
    def f(x):
        centered = x - F.mean(x, axis=-1)
        variance = F.mean(centered * centered, axis=-1)
        return centered * F.rsqrt(variance + 1.0) + x
"""


class Pair:
    """A learner's file and the solution's."""

    def __init__(self, folder: Path) -> None:
        (folder / "steps").mkdir()
        self.own, self.reference = TracedFile(folder / "steps/step_03.py"), TracedFile(folder / "solution_03.py")

    def find(
        self, own: str, reference: str = REFERENCE, *, trusted: Sequence[str] = (), x: np.ndarray = X
    ) -> FirstWrongLine | None:
        """Writes both files, and finds the first wrong line of the learner's."""
        self.own.write(own)
        self.reference.write(reference)
        graph, solution = self.own.graph("f"), self.reference.graph("f")
        results = solution.evaluate({}, x)
        names = [f"y{index}" for index in range(len(results))]
        subject = type(graph.subject)(
            "subject", lambda code: code, {"x": SPEC}, dict.fromkeys(names, TensorSpec("float32", ("n", 4)))
        )
        given = Given(
            Case("subject", {}, seed=0), subject, {}, {"x": x}, dict(zip(names, results, strict=True)), tolerance=1e-5
        )
        return find_first_wrong_line(
            graph, solution, given, Suspects([self.own.file], [self.reference.file], "f", trusted)
        )


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_the_first_wrong_line_is_found(pair: Pair) -> None:
    line = pair.find(REFERENCE.replace("centered * centered", "x * x"))
    assert line is not None and line.right is not None and line.made is not None and line.next is not None
    assert (line.right.number, line.wrong.number, line.visit) == (9, 10, 1)
    assert line.made.names == line.next.names == ("variance",)
    assert told(line, 3) == (
        "Up to line 9 (`centered = …`) your numbers are the reference's. "
        "Line 10 is the first whose result it never computes."
    )
    frame = frame_of(line)
    assert (frame.file, frame.line, frame.function) == ("steps/step_03.py", 10, "f")
    assert frame.code == "variance = F.mean(x * x, axis=-1)"
    (label, made), (reference, expected) = values_of(line)
    assert (label, reference) == ("line 10", "reference")
    assert (made, expected) == (f"variance (3, 1): {(X**2).mean(1)[0]:.5g}", f"variance (3, 1): {X.var(1)[0]:.5g}")


def test_the_first_line_can_be_wrong(pair: Pair) -> None:
    line = pair.find(REFERENCE.replace("x - F.mean(x, axis=-1)", "x - F.mean(x, axis=-2)"))
    assert line is not None and line.right is None and line.wrong.number == 9
    assert told(line, 3) == "Line 9 is the first whose result the reference never computes."


def test_another_way_to_the_same_numbers_is_not_wrong(pair: Pair) -> None:
    line = pair.find("""
        def f(x):
            length = 4.0
            total = F.sum(x, axis=-1)
            centered = (x * length - total) / length
            variance = F.sum(centered * centered, axis=-1) / length
            scale = 1.0 / F.sqrt(variance + 1.0)
            return centered * scale - x
    """)
    assert line is not None and line.wrong.number == 14
    assert line.right is not None and line.right.number == 13


def test_a_step_that_is_left_out_shows_in_what_is_returned(pair: Pair) -> None:
    line = pair.find(REFERENCE.replace(" + x\n", "\n"))
    assert line is not None and line.wrong.number == 11 and line.made is None and line.next is not None
    np.testing.assert_allclose(line.next.array, pair.reference.graph("f").evaluate({}, X)[0])
    assert "line 11 returns something else" in told(line, 3)


def test_a_function_that_computes_nothing_returns_something_else(pair: Pair) -> None:
    line = pair.find("""
        def f(x):
            return x
    """)
    assert line is not None and (line.wrong.number, line.right, line.made) == (9, None, None)


def test_the_round_of_a_loop_is_told(pair: Pair) -> None:
    loop = """
        def f(x):
            for factor in (2.0, 3.0, 5.0):
                x = F.tanh(x) * factor
            return x
    """
    line = pair.find(loop.replace("3.0", "4.0"), loop)
    assert line is not None and (line.wrong.number, line.visit) == (10, 2)
    assert "Line 10, when it runs for the 2nd time, is the first" in told(line, 3)


def test_a_loop_of_maxs_is_looked_into(pair: Pair) -> None:
    loop = """
        def f(x):
            def body(i, y):
                z = y * x
                return i + 1, F.tanh(z) + x

            _, y = F.while_loop([Tensor(0, dtype=DType.int64, device=CPU()), x], lambda i, y: i < 3, body)
            return y + 1.0
    """
    wrong_body = pair.find(loop.replace("y * x", "y + x"), loop)
    assert wrong_body is not None and wrong_body.wrong.number == 10
    wrong_end = pair.find(loop.replace("y + 1.0", "y - 1.0"), loop)
    assert wrong_end is not None and wrong_end.wrong.number == 14


def test_what_is_right_is_passed_over(pair: Pair) -> None:
    source = """
        def attend(query, key):
            scores = query * 2.0 - key
            return F.softmax(scores)

        def f(x):
            y = F.exp(x)
            return attend(x, y)
    """
    swapped = source.replace("attend(x, y)", "attend(y, x)")
    line = pair.find(swapped, source, trusted=["attend"])
    assert line is not None and line.wrong.number == 14
    line = pair.find(swapped, source)
    assert line is not None and line.wrong.number == 9


def test_a_mask_that_happens_to_hide_nothing_is_not_taken_for_another(pair: Pair) -> None:
    reference = """
        def f(x):
            none = x < -9.0
            visible = x > 0.5
            return F.where(visible, x, 0.0) + F.where(none, x, 1.0)
    """
    line = pair.find(reference.replace("x > 0.5", "x == -1.0"), reference)
    assert line is not None and line.wrong.number == 10


def test_a_reference_that_was_tampered_with_says_nothing(pair: Pair) -> None:
    pair.own.write(REFERENCE)
    pair.reference.write(REFERENCE)
    graph = pair.own.graph("f")
    subject = type(graph.subject)("subject", lambda code: code, {"x": SPEC}, {"y": SPEC})
    given = Given(Case("subject", {}, seed=0), subject, {}, {"x": X}, {"y": X + 9.0}, tolerance=1e-5)
    suspects = Suspects([pair.own.file], [pair.reference.file], "f", ())
    assert find_first_wrong_line(graph, pair.reference.graph("f"), given, suspects) is None


# A fixed sample of what `python -m benchmarks.blamed_lines` measures on all steps.
@pytest.mark.parametrize("step", [3, 8, 9, 11, 16])
def test_the_line_that_was_changed_is_named(step: int, tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as output:
        lab = Lab(step, finished_workspace(tmp_path), output)
        try:
            outcomes: list[Outcome] = [lab.check(mutation) for mutation in sample(step, lab.right, most=16)]
        finally:
            lab.close()
    *_, all_ = count(outcomes)
    missed = [outcome for outcome in outcomes if outcome.verdict in ("numbers", "survived") and not outcome.named]
    assert all_.changed >= 2, "the sample shows nothing"
    assert all_.rejected == all_.changed, missed
    assert all_.named >= 0.8 * all_.changed, missed
