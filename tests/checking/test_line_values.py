"""What each line made is told with its names, sizes and numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.support.traced_file import SPEC, TracedFile, X
from tutor.checking.line_values import Value, trace_lines
from tutor.graphs.tensor_spec import TensorSpec


@pytest.fixture
def code(tmp_path: Path) -> TracedFile:
    return TracedFile(tmp_path / "step_99.py")


def names(values: Sequence[Value]) -> list[tuple[str, ...]]:
    return [value.names for value in values]


def test_values_have_names_sizes_and_numbers(code: TracedFile) -> None:
    code.write("""
        def f(x):
            y = F.exp(x) * 2.0  # twice
            return y - F.mean(y, axis=-1)
    """)
    first, last = code.lines("f")
    assert (first.file, first.number, first.end_number, first.function) == (code.file, 9, 9, "f")
    assert first.text == "y = F.exp(x) * 2.0  # twice"
    (y,) = first.values
    assert (y.names, y.dtype, y.dims, y.returned) == (("y",), "float32", ("n", 4), False)
    np.testing.assert_allclose(y.array, 2 * np.exp(X), rtol=1e-6)
    assert [(value.text, value.dims) for value in first.visits[0].inner] == [("F.exp(x)", ("n", 4))]
    (result,) = last.values
    assert (result.names, result.returned, result.text) == ((), True, "y - F.mean(y, axis=-1)")
    assert [value.text for value in last.visits[0].inner] == ["F.mean(y, axis=-1)"]


def test_what_is_unpacked_is_told_name_by_name(code: TracedFile) -> None:
    code.write("""
        def f(x):
            a, b = F.chunk(x, 2, axis=-1)
            c, width, d = a + b, 4, a * b
            _, e = F.chunk(d, 2, axis=-1)
            first, *rest = F.chunk(x, 4, axis=-1)
            pair = (F.exp(e), c)
            g = h = F.tanh(pair[0])
            return g + h, rest[0] + rest[1] + rest[2] + first
    """)
    a, c, e, first, pair, g, result = (line.values for line in code.lines("f"))
    assert names(a) == [("a",), ("b",)]
    np.testing.assert_array_equal(a[1].array, X[:, 2:])
    assert names(c) == [("c",), ("d",)]
    np.testing.assert_allclose(c[1].array, X[:, :2] * X[:, 2:], rtol=1e-6)
    assert names(e) == [("e",)]
    np.testing.assert_allclose(e[0].array, (X[:, :2] * X[:, 2:])[:, 1:], rtol=1e-6)
    assert names(first) == [("first",), ("rest[0]",), ("rest[1]",), ("rest[2]",)]
    assert names(pair) == [("pair[0]",)]
    assert names(g) == [("g", "h")]
    assert [value.text for value in result] == ["g + h", "rest[0] + rest[1] + rest[2] + first"]


def test_a_statement_of_several_lines_is_one_line(code: TracedFile) -> None:
    code.write("""
        def f(x):
            y = (
                x
                + 1.0
            )
            return y
    """)
    (line,) = code.lines("f")
    assert (line.number, line.end_number) == (9, 12)
    assert line.text.splitlines() == ["y = (", "    x", "    + 1.0", ")"]


def test_a_line_that_calls_comes_after_what_it_called(code: TracedFile) -> None:
    code.write("""
        def inner(x):
            y = x * x
            return y + 1.0

        def f(x):
            z = inner(x)
            return inner(z)
    """)
    lines = code.lines("f")
    assert [(line.number, line.depth, len(line.visits)) for line in lines] == [
        (9, 1, 2),
        (10, 1, 2),
        (13, 0, 1),
        (14, 0, 1),
    ]
    assert names(lines[2].values) == [("z",)]
    assert lines[1].visits[0].values[0].array is lines[2].values[0].array
    assert lines[1].visits[1].callers == ((code.file, 14),)
    assert [line.visits[0].innermost for line in lines] == [True, True, False, False]


def test_rounds_of_a_loop_are_visits(code: TracedFile) -> None:
    code.write("""
        def f(x):
            for factor in (2.0, 3.0, 5.0):
                x = x * factor
            for factor in (1.0, 2.0):
                y = x + factor
                x = F.exp(-y)
            return x
    """)
    product, total, exponential = code.lines("f")
    assert [len(line.visits) for line in (product, total, exponential)] == [3, 2, 2]
    np.testing.assert_allclose(product.visits[1].values[0].array, 6 * X, rtol=1e-6)
    np.testing.assert_allclose(total.visits[0].values[0].array, 30 * X + 1, rtol=1e-6)


def test_a_generator_is_a_part_of_its_line(code: TracedFile) -> None:
    code.write("""
        def double(x):
            return x * 2.0

        def f(x):
            a, b = (double(part) for part in F.chunk(x, 2, axis=-1))
            parts = [double(part) for part in (a, b)]
            return parts[0] + parts[1]
    """)
    double, unpacked, parts, _ = code.lines("f")
    assert len(double.visits) == 4
    assert len(unpacked.visits) == 1 and names(unpacked.values) == [("a",), ("b",)]
    np.testing.assert_allclose(unpacked.values[1].array, 2 * X[:, 2:])
    assert len(parts.visits) == 1 and names(parts.values) == [("parts[0]",), ("parts[1]",)]


def test_a_loop_of_maxs_is_told_round_by_round(code: TracedFile) -> None:
    code.write("""
        def f(x):
            def body(i, total):
                more = total + x
                return i + 1, more * 2.0

            _, total = F.while_loop([Tensor(0, dtype=DType.int64, device=CPU()), x], lambda i, total: i < 3, body)
            return total
    """)
    more, result, loop = code.lines("f")
    assert [len(line.visits) for line in (more, result, loop)] == [3, 3, 1]
    np.testing.assert_allclose(more.visits[1].values[0].array, 5 * X, rtol=1e-6)
    assert names(loop.values) == [("total",)]
    np.testing.assert_allclose(loop.values[0].array, 22 * X, rtol=1e-6)
    assert [value.text for value in result.values] == ["i + 1", "more * 2.0"]


def test_a_buffer_is_shown_as_it_is_after_it_was_written(code: TracedFile) -> None:
    code.write("""
        @F.functional
        def f(cache: BufferValue, x: TensorValue) -> TensorValue:
            ops.buffer_store(cache, x * 2.0)
            return ops.buffer_load(cache) + 1.0
    """)
    specs = [TensorSpec("float32", ("n", 4), buffer=True), SPEC]
    cache = np.zeros_like(X)
    written, result = trace_lines(code.graph("f", specs), {}, [cache, X], [code.file])
    (value,) = written.values
    assert value.names == ("cache",) and value.written
    np.testing.assert_allclose(value.array, 2 * X)
    np.testing.assert_allclose(result.values[0].array, 2 * X + 1)
    assert not cache.any()


def test_a_tensor_with_an_assigned_item_is_shown_as_it_is_afterwards(code: TracedFile) -> None:
    code.write("""
        def f(x):
            y = x * 2.0
            y[1] = F.exp(x[0])
            return y + 1.0
    """)
    specs = [TensorSpec("float32", (3, 4))]
    made, assigned, result = trace_lines(code.graph("f", specs), {}, [X], [code.file])
    np.testing.assert_allclose(made.values[0].array, 2 * X)
    item, whole = assigned.values
    assert (item.names, item.written) == (("y[1]",), False)
    np.testing.assert_allclose(item.array.ravel(), np.exp(X[0]), rtol=1e-6)
    assert (whole.names, whole.text, whole.written) == (("y",), "y", True)
    expected = np.stack([2 * X[0], np.exp(X[0]), 2 * X[2]])
    np.testing.assert_allclose(whole.array, expected, rtol=1e-6)
    np.testing.assert_allclose(result.values[0].array, expected + 1, rtol=1e-6)


def test_an_unfinished_graph_is_told_up_to_the_line_that_failed(code: TracedFile) -> None:
    code.write("""
        def f(x):
            y = F.exp(x)
            z = (y + 1.0) @ y
            return z
    """)
    first, failed = trace_lines(code.unfinished("f"), {}, [X], [code.file], unfinished=[(code.file, 10)])
    assert names(first.values) == [("y",)]
    assert not failed.values and [value.text for value in failed.visits[0].inner] == ["y + 1.0"]


def test_a_graph_that_cannot_be_computed_is_told_up_to_there(code: TracedFile) -> None:
    code.write("""
        def f(x):
            y = x + 1.0
            i = F.arange(3, 5, dtype=DType.int64, device=CPU())
            return F.gather(y, i, axis=0)
    """)
    lines = code.lines("f")
    assert [names(line.values) for line in lines[:2]] == [[("y",)], [("i",)]]


def test_a_file_that_is_gone_or_is_not_python_has_no_lines(code: TracedFile) -> None:
    code.write("""
        def f(x):
            return x + 1.0
    """)
    graph = code.graph("f")
    code.file.write_text("def f(:\n")
    assert trace_lines(graph, {}, [X], [code.file, code.file.with_name("none.py")]) == []
