"""Small changes to a line of Python, of the kind that a learner makes by mistake."""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# A change replaces one expression by another.
Replacement = tuple[ast.expr, ast.expr]

_OTHER_OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Div(),
    ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Mult(),
    ast.BitAnd: ast.BitOr(),
}

_OTHER_COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
    ast.LtE: ast.Lt(),
    ast.Lt: ast.LtE(),
    ast.GtE: ast.Gt(),
    ast.Gt: ast.GtE(),
    ast.Eq: ast.NotEq(),
}

_OTHER_TEXTS = {"tanh": "none", "-inf": "inf"}


@dataclass(frozen=True)
class Mutation:
    """A changed file.

    Args:
        line: the line in which the changed statement begins, from 1.
        function: the function that it is in.
        kind: which change.
        before, after: the expression that was changed.
        source: the whole file.
    """

    line: int
    function: str
    kind: str
    before: str
    after: str
    source: str


def mutations(source: str) -> Iterator[Mutation]:
    """All changes to the functions of a file that the learner writes, each by itself."""
    for function in _functions(ast.parse(source)):
        names = sorted({argument.arg for argument in function.args.args} - {"self"})
        for statement in _statements(function):
            for node in _expressions(statement):
                for kind, change in _CHANGES.items():
                    for old, new in change(node, names):
                        after = ast.unparse(new)
                        text = _replaced(
                            source, old, after if isinstance(new, ast.Name | ast.Constant) else f"({after})"
                        )
                        yield Mutation(statement.lineno, function.name, kind, ast.unparse(old), after, text)
            yield from _swapped_targets(source, statement, function.name)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and "(Given.)" not in (ast.get_docstring(node) or ""):
            yield node


def _statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """The statements of a function that are not in another one inside of it."""
    waiting: list[ast.stmt] = list(function.body)
    while waiting:
        statement = waiting.pop(0)
        if isinstance(statement, ast.FunctionDef):
            continue
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_text and not isinstance(statement, ast.Raise):
            yield statement
        for name in ("body", "orelse"):
            waiting += getattr(statement, name, [])


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement, but not those of statements inside of it."""
    waiting: list[ast.AST] = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    while waiting:
        node = waiting.pop(0)
        # What is raised or said is no number.
        if isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):
            yield node
        waiting += ast.iter_child_nodes(node)


def _swap_operands(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add | ast.Mult | ast.BitAnd):
        yield node, ast.BinOp(node.right, node.op, node.left)


def _drop_term(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.BinOp):
        yield node, node.left
        yield node, node.right


def _change_operator(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.BinOp) and type(node.op) in _OTHER_OPERATORS:
        yield node, ast.BinOp(node.left, _OTHER_OPERATORS[type(node.op)], node.right)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER_COMPARISONS:
        yield node, ast.Compare(node.left, [_OTHER_COMPARISONS[type(node.ops[0])], *node.ops[1:]], node.comparators)


def _change_sign(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node, node.operand
    elif isinstance(node, ast.BinOp):
        yield node, ast.BinOp(ast.UnaryOp(ast.USub(), node.left), node.op, node.right)


def _change_constant(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    others: tuple[object, ...] = ()
    if value is None:
        others = (0,)
    elif isinstance(value, bool):
        others = (not value,)
    elif isinstance(value, int):
        others = (value + 1, value - 1) if value else (1,)
    elif isinstance(value, float):
        others = (2 * value,) if value else (1.0,)
    elif value in _OTHER_TEXTS:
        others = (_OTHER_TEXTS[value],)
    for other in others:
        yield node, ast.Constant(other)


def _change_axis(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        if isinstance(value, int):
            yield node, ast.UnaryOp(ast.USub(), ast.Constant(value + 1))


def _swap_arguments(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.Call):
        for index in range(len(node.args) - 1):
            changed = copy.copy(node)
            changed.args = list(node.args)
            changed.args[index : index + 2] = [node.args[index + 1], node.args[index]]
            if not any(isinstance(argument, ast.Starred) for argument in node.args[index : index + 2]):
                yield node, changed


def _swap_parts(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.Tuple | ast.List) and not any(isinstance(part, ast.Slice) for part in node.elts):
        for index in range(len(node.elts) - 1):
            parts = list(node.elts)
            parts[index : index + 2] = [parts[index + 1], parts[index]]
            yield node, type(node)(parts, ast.Load())


def _drop_call(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        yield node, node.func.value
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield node, node.args[0]


def _drop_keyword(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            changed = copy.copy(node)
            changed.keywords = [other for other in node.keywords if other is not keyword]
            yield node, changed


def _other_name(node: ast.expr, names: list[str]) -> Iterator[Replacement]:
    if isinstance(node, ast.Name) and node.id in names and len(names) > 1:
        yield node, ast.Name(names[(names.index(node.id) + 1) % len(names)])


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("F", "ops", "math", "np", "random", "self")


_CHANGES: dict[str, Callable[[ast.expr, list[str]], Iterator[Replacement]]] = {
    "operands swapped": _swap_operands,
    "term dropped": _drop_term,
    "other operator": _change_operator,
    "other sign": _change_sign,
    "other constant": _change_constant,
    "other axis": _change_axis,
    "arguments swapped": _swap_arguments,
    "parts swapped": _swap_parts,
    "call dropped": _drop_call,
    "keyword dropped": _drop_keyword,
    "other variable": _other_name,
}


def _swapped_targets(source: str, statement: ast.stmt, function: str) -> Iterator[Mutation]:
    """Of `a, b = …`, `b, a = …`."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple):
        return
    targets = statement.targets[0]
    for index in range(len(targets.elts) - 1):
        first, second = targets.elts[index : index + 2]
        if isinstance(first, ast.Starred) or isinstance(second, ast.Starred) or ast.dump(first) == ast.dump(second):
            continue
        parts = [ast.unparse(part) for part in targets.elts]
        parts[index : index + 2] = parts[index + 1], parts[index]
        text = _replaced(source, targets, ", ".join(parts))
        yield Mutation(statement.lineno, function, "names swapped", ast.unparse(targets), ", ".join(parts), text)


def _replaced(source: str, node: ast.expr, text: str) -> str:
    """The source with other text in place of an expression; `ast` counts columns in bytes."""
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: (node.end_lineno or node.lineno) - 1])) + (node.end_col_offset or 0)
    encoded = source.encode()
    return (encoded[:start] + text.encode() + encoded[end:]).decode()
