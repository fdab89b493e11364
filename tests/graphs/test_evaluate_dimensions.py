"""Sizes of tensors: read from MAX's text, bound from shapes, computed."""

import pytest

from tutor.graphs.evaluate.dimensions import Expression, bind, names_in, parse_dims, size_of, unknown_operators
from tutor.graphs.evaluate.errors import EvaluationError


def test_a_shape_is_read_from_maxs_text() -> None:
    dims, rest = parse_dims("[n, 4, add(mul_no_wrap(n, 2), m, -1)], f32, gpu:0")
    assert dims == ("n", 4, Expression("add", (Expression("mul_no_wrap", ("n", 2)), "m", -1)))
    assert rest == ", f32, gpu:0"
    assert parse_dims("[]") == ((), "")
    assert names_in(dims) == {"n", "m"}


@pytest.mark.parametrize("text", ["", "n", "[n", "[n, *]", "[add(n, 1]", "[(n)]"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        parse_dims(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("7", 7),
        ("n", 10),
        ("add(n, -3)", 7),
        ("add(n, m, 1)", 14),
        ("mul_no_wrap(n, m)", 30),
        ("div(n, m)", 3),
        ("div(mul_no_wrap(n, -1), m)", -3),
        ("floor_div_s(mul_no_wrap(n, -1), m)", -4),
        ("ceil_div_s(n, m)", 4),
        ("mod(n, m)", 1),
        ("max(n, m)", 10),
        ("min(n, m, 2)", 2),
    ],
)
def test_a_size_is_computed(text: str, size: int) -> None:
    (dim,), _ = parse_dims(f"[{text}]")
    assert size_of(dim, {"n": 10, "m": 3}) == size


def test_a_size_that_cannot_be_computed_says_why() -> None:
    with pytest.raises(EvaluationError, match="dimension 'n' is not known"):
        size_of("n", {})
    with pytest.raises(EvaluationError, match="divided by 0"):
        size_of(Expression("div", (1, "n")), {"n": 0})
    assert unknown_operators(parse_dims("[add(shl(n, 1), 2)]")[0]) == {"shl"}


def test_names_get_their_sizes_from_shapes() -> None:
    sizes = {"n": 2}
    bind(("n", "m", Expression("add", ("n", "m"))), (2, 3, 5), sizes, "x")
    assert sizes == {"n": 2, "m": 3}
    with pytest.raises(EvaluationError, match="y has size 4 on axis 1 where its type has 3"):
        bind(("n", "m"), (2, 4), sizes, "y")
    with pytest.raises(EvaluationError, match="y has 1 axes where its type has 2"):
        bind(("n", "m"), (2,), sizes, "y")
