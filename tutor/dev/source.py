"""Reads and extends Python files without running them."""

import ast

from tutor.errors import CourseError


def assignment(source: str, name: str) -> ast.Assign | ast.AnnAssign:
    """The statement at the top of a file that gives `name` its value.

    Raises:
        CourseError: there is none.
    """
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in _assigned(node):
            return node
    raise CourseError(f"no statement gives {name} its value")


def keys(source: str, name: str) -> list[str | int]:
    """The literal keys of the dictionary that a file assigns to `name`, in order; none if there is no such name."""
    try:
        value = assignment(source, name).value
    except CourseError:
        return []
    literal = [key.value for key in value.keys if isinstance(key, ast.Constant)] if isinstance(value, ast.Dict) else []
    return [key for key in literal if isinstance(key, str | int)]


def append_entry(source: str, name: str, entry: str) -> str:
    """Adds an entry at the end of the tuple or dictionary that a file assigns to `name`, a line for each entry.

    Raises:
        CourseError: the file does not assign `name`, or its value does not end on a line of its own.
    """
    lines = source.splitlines(keepends=True)
    end = (assignment(source, name).end_lineno or 0) - 1
    if lines[end].strip() not in (")", "}"):
        raise CourseError(f"{name} does not end with a bracket on a line of its own")
    return "".join([*lines[:end], entry, *lines[end:]])


def insert_before(source: str, name: str, code: str) -> str:
    """Puts code in front of the assignment to `name` and the comment above it."""
    lines = source.splitlines(keepends=True)
    start = assignment(source, name).lineno - 1
    while start and lines[start - 1].startswith("#"):
        start -= 1
    return "".join([*lines[:start], code, *lines[start:]])


def defined_names(source: str) -> set[str]:
    """The names that a file defines at its top: functions, classes and variables."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names |= _assigned(node)
    return names


def _assigned(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}
