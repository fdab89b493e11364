"""Which lines of a function are shown: from its decorators to its end, with the first line of its docstring."""

import ast


def first_line(function: ast.FunctionDef) -> int:
    """The line of a function's first decorator, or its `def`."""
    return min([function.lineno, *(node.lineno for node in function.decorator_list)])


def last_line(function: ast.FunctionDef) -> int:
    """The line in which a function ends."""
    return function.end_lineno or function.lineno


def left_out(function: ast.FunctionDef) -> range:
    """The lines of a docstring after its first."""
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is None:
        return range(0)
    return range(first.lineno + 1, (first.end_lineno or first.lineno) + 1)
