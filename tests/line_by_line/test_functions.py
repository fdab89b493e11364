"""Which lines of a function are shown."""

import ast

import pytest

from tutor.line_by_line.functions import first_line, last_line, left_out


def function(source: str) -> ast.FunctionDef:
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.FunctionDef)
    return node


@pytest.mark.parametrize(
    ("body", "skipped"),
    [
        ('"""One line."""\n    return x', []),
        ('"""Three\n\n    lines."""\n    return x', [3, 4]),
        ('"""\n    Begins below.\n    """', [3, 4]),
        ("'in ' \\\n    'parts'\n    return x", [3]),
        ("return x", []),
        ('f"""No\n    docstring."""', []),
        ('b"""No\n    docstring."""', []),
        ('y = """No\n    docstring."""', []),
        ('""\n    return x', []),
    ],
)
def test_of_a_docstring_the_first_line_stays(body: str, skipped: list[int]):
    assert list(left_out(function(f"def f(x):\n    {body}\n"))) == skipped


def test_decorators_belong_to_a_function():
    node = function("@one\n@two(\n    3\n)\ndef f(x):\n    return (\n        x\n    )\n")
    assert (first_line(node), last_line(node)) == (1, 8)
