"""The statements of a file of Python, and the expressions in them, by where they are."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A line, from 1, and a column in bytes, from 0, as `ast` counts.
Position = tuple[int, int]
Span = tuple[Position, Position]


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement; of one that holds others (`for`, `if`, `with`), its first line alone.

    Args:
        node: what Python's parser makes of it.
        number, end_number: its first and its last line, from 1.
        text: its source, dedented.
    """

    node: ast.stmt
    number: int
    end_number: int
    text: str


class SourceFile:
    """A file's statements."""

    def __init__(self, source: str) -> None:
        """Parses a file.

        Raises:
            SyntaxError, ValueError: it is not Python.
        """
        # As Python counts lines: `splitlines` also ends them at a form feed.
        self._lines = source.replace("\r\n", "\n").split("\n")
        self._by_line: dict[int, Statement] = {}
        self._tree = ast.parse(source)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.stmt):
                statement = self._statement(node)
                for number in range(statement.number, statement.end_number + 1):
                    # Statements come before those that they hold. Of two on one line, the first counts.
                    known = self._by_line.get(number)
                    if known is None or known.number < statement.number:
                        self._by_line[number] = statement

    @classmethod
    def read(cls, file: Path) -> "SourceFile | None":
        """Reads a file; None if it is not there, or is not Python."""
        try:
            return cls(file.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError, RecursionError):
            return None

    def statement_at(self, line: int) -> Statement | None:
        """The innermost statement that a line belongs to."""
        return self._by_line.get(line)

    @functools.cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """The functions and methods of the file, by qualified name; not those inside of others."""
        found = {}
        for node in self._tree.body:
            owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
            for function in node.body if isinstance(node, ast.ClassDef) else [node]:
                if isinstance(function, ast.FunctionDef):
                    found[owner + function.name] = function
        return found

    def function_at(self, line: int) -> str:
        """The qualified name of the function or method that a line is in; empty if it is in none."""
        lines = ((name, node.lineno, node.end_lineno or node.lineno) for name, node in self.functions.items())
        return next((name for name, first, last in lines if first <= line <= last), "")

    def last_return(self, function: str) -> Statement | None:
        """The last `return` of a function, by its qualified name."""
        if function not in self.functions:
            return None
        returns = [node for node in _own_statements(self.functions[function]) if isinstance(node, ast.Return)]
        return self._statement(max(returns, key=lambda node: node.lineno)) if returns else None

    def text_of(self, node: ast.expr) -> str:
        """The source of an expression, in one line."""
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        lines = [line.encode() for line in self._lines[first:last]]
        if not lines or node.end_col_offset is None:
            return ast.unparse(node)
        # The end first: it may be in the line of the beginning.
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return " ".join(b" ".join(lines).decode().split())

    def _statement(self, node: ast.stmt) -> Statement:
        end = node.end_lineno or node.lineno
        body = getattr(node, "body", None)
        if isinstance(body, list) and body:
            end = max(node.lineno, min(end, body[0].lineno - 1))
        lines = self._lines[node.lineno - 1 : end]
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        return Statement(node, node.lineno, end, "\n".join(line[indent:].rstrip() for line in lines))


def _own_statements(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What is in a function, but not in the functions in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def span_of(node: ast.expr) -> Span:
    """Where an expression begins and ends."""
    return (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def is_within(inner: Span, outer: Span) -> bool:
    """Whether one span lies inside another."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]
