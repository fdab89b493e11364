"""Small changes to a line of Python.

`mutations` makes those that a learner makes by mistake, for `benchmarks.blamed_lines`. `every_mutation` makes many
more, for `tests.mutants`: whatever a function promises, some change breaks it.
"""

import ast
import copy
import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Part = ast.expr | ast.stmt
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

    def changed(self, right: str) -> tuple[str, str]:
        """The lines that were changed, before and after, without their line numbers: what names a mutation."""
        lines = right.splitlines(), self.source.splitlines()
        blocks = [block for block in difflib.SequenceMatcher(None, *lines).get_opcodes() if block[0] != "equal"]
        first, last = blocks[0], blocks[-1]
        one, other = lines[0][first[1] : last[2]], lines[1][first[3] : last[4]]
        return " ".join(map(str.strip, one)), " ".join(map(str.strip, other))


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


def every_mutation(source: str) -> Iterator[Mutation]:
    """Those of `mutations` and many more: statements dropped, boundaries, conditions, defaults, messages, loops cut.

    No two give the same file, and none gives a file with the meaning of the one that is given.
    """
    seen = {ast.dump(ast.parse(source))}
    for mutation in [*mutations(source), *_more_mutations(source)]:
        dump = ast.dump(ast.parse(mutation.source))
        if dump not in seen:
            seen.add(dump)
            yield mutation


def _more_mutations(source: str) -> Iterator[Mutation]:
    tree = ast.parse(source)
    attributes = _attributes(tree)

    def made(node: Part, function: str, kind: str, old: Part, new: Part) -> Mutation:
        before, after = ast.unparse(old), ast.unparse(new)
        bare = isinstance(new, ast.Name | ast.Constant | ast.JoinedStr | ast.stmt)
        text = _replaced(source, old, after if bare else f"({after})")
        return Mutation(node.lineno, function, kind, before, after, text)

    for owner in tree.body:
        # The values of a class's fields.
        for field in owner.body if isinstance(owner, ast.ClassDef) else ():
            if isinstance(field, ast.AnnAssign) and field.value is not None:
                for old, new in _change_boundary(field.value, attributes):
                    yield made(field, owner.name, "other default", old, new)
    for function in _functions(tree):
        name = function.name
        for default in filter(None, [*function.args.defaults, *function.args.kw_defaults]):
            for old, new in _change_boundary(default, attributes):
                yield made(default, name, "other default", old, new)
        for decorator in function.decorator_list:
            yield made(decorator, name, "decorator dropped", decorator, ast.parse("lambda f: f", mode="eval").body)
        for statement in _statements(function, raising=True):
            yield made(statement, name, "statement dropped", statement, ast.Pass())
            for node in _expressions(statement, texts=True):
                for kind, change in _MORE_CHANGES.items():
                    for old, new in change(node, attributes):
                        yield made(statement, name, kind, old, new)
            if isinstance(statement, ast.If | ast.While):
                for value in (True, False):
                    yield made(statement, name, "other condition", statement.test, ast.Constant(value))
            if isinstance(statement, ast.For):
                for new in _cut(statement.iter):
                    yield made(statement, name, "loop cut", statement.iter, new)


Attributes = dict[str, list[str]]


def _attributes(tree: ast.Module) -> Attributes:
    """The attributes that a file reads of each thing, in the order of the alphabet."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not _is_library(node.value):
            found.setdefault(ast.unparse(node.value), set()).add(node.attr)
    return {owner: sorted(names) for owner, names in found.items()}


def _is_library(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("F", "ops", "math", "np", "random", "json", "DType", "Tensor")


def _cut(iterated: ast.expr) -> Iterator[ast.expr]:
    """What a loop goes over, without its first or its last."""
    for part in ("1:", ":-1"):
        yield ast.parse(f"list({ast.unparse(iterated)})[{part}]", mode="eval").body


def _change_boundary(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    others: tuple[object, ...] = ()
    if value is None:
        others = (0, 1)
    elif isinstance(value, bool):
        others = (not value,)
    elif isinstance(value, int):
        others = (0, 1, -1, value + 1, value - 1, None)
    elif isinstance(value, float):
        others = (0.0, 1.0, -1.0, 2 * value, -value)
    elif isinstance(value, str):
        others = (value + "_", "")
    for other in others:
        if other != value or type(other) is not type(value):
            yield node, ast.Constant(other)


def _change_condition(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in _ALL_COMPARISONS:
                if other is not type(operator) and (other in _ORDERS) == (type(operator) in _ORDERS):
                    ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                    yield node, ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield node, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for index in range(len(node.values)):
            rest = [*node.values[:index], *node.values[index + 1 :]]
            yield node, rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, node.operand
    elif isinstance(node, ast.IfExp):
        yield node, node.body
        yield node, node.orelse


_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_ALL_COMPARISONS: tuple[type[ast.cmpop], ...] = (*_ORDERS, ast.Is, ast.IsNot, ast.In, ast.NotIn)


def _is_to_equals(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    """`x is not None` to `x`: 0 is taken for nothing."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
        yield node, node.left if isinstance(node.ops[0], ast.IsNot) else ast.UnaryOp(ast.Not(), node.left)
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and isinstance(node.comparators[0], ast.Name):
        yield node, ast.BoolOp(ast.And(), [node.comparators[0], node])


def _other_attribute(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    if isinstance(node, ast.Attribute) and not _is_library(node.value):
        known = attributes[ast.unparse(node.value)]
        if len(known) > 1:
            yield node, ast.Attribute(node.value, known[(known.index(node.attr) + 1) % len(known)])


def _cut_slice(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        bounds = node.slice
        for lower, upper in ((None, bounds.upper), (bounds.lower, None)):
            if (lower, upper) != (bounds.lower, bounds.upper):
                yield node, ast.Subscript(node.value, ast.Slice(lower, upper, bounds.step))
        if bounds.step is not None:
            yield node, ast.Subscript(node.value, ast.Slice(bounds.lower, bounds.upper, None))


def _cut_comprehension(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
        first, *others = node.generators
        for iterated in _cut(first.iter):
            changed = copy.copy(node)
            changed.generators = [ast.comprehension(first.target, iterated, first.ifs, 0), *others]
            yield node, changed
        if first.ifs:
            changed = copy.copy(node)
            changed.generators = [ast.comprehension(first.target, first.iter, [], 0), *others]
            yield node, changed


def _cut_text(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    """A message without one of its values."""
    if isinstance(node, ast.JoinedStr):
        for index, value in enumerate(node.values):
            if isinstance(value, ast.FormattedValue):
                yield node, ast.JoinedStr([*node.values[:index], *node.values[index + 1 :]])


def _exchange_keywords(node: ast.expr, attributes: Attributes) -> Iterator[Replacement]:
    if isinstance(node, ast.Call):
        for index in range(len(node.keywords) - 1):
            one, other = node.keywords[index : index + 2]
            changed = copy.copy(node)
            changed.keywords = list(node.keywords)
            changed.keywords[index : index + 2] = [
                ast.keyword(one.arg, other.value),
                ast.keyword(other.arg, one.value),
            ]
            yield node, changed


_MORE_CHANGES: dict[str, Callable[[ast.expr, Attributes], Iterator[Replacement]]] = {
    "boundary": _change_boundary,
    "other condition": _change_condition,
    "truth of a value": _is_to_equals,
    "other attribute": _other_attribute,
    "slice cut": _cut_slice,
    "loop cut": _cut_comprehension,
    "message cut": _cut_text,
    "keywords exchanged": _exchange_keywords,
}


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and "(Given.)" not in (ast.get_docstring(node) or ""):
            yield node


def _statements(function: ast.FunctionDef, *, raising: bool = False) -> Iterator[ast.stmt]:
    """The statements of a function that are not in another one inside of it; `raising`: those that raise too."""
    waiting: list[ast.stmt] = list(function.body)
    while waiting:
        statement = waiting.pop(0)
        if isinstance(statement, ast.FunctionDef):
            continue
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_text and (raising or not isinstance(statement, ast.Raise)):
            yield statement
        for name in ("body", "orelse"):
            waiting += getattr(statement, name, [])


def _expressions(statement: ast.stmt, *, texts: bool = False) -> Iterator[ast.expr]:
    """The expressions of a statement, but not those of statements inside of it; `texts`: f-strings as a whole too."""
    waiting: list[ast.AST] = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    while waiting:
        node = waiting.pop(0)
        # What is raised or said is no number.
        if isinstance(node, ast.JoinedStr):
            if texts:
                yield node
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


def _replaced(source: str, node: Part, text: str) -> str:
    """The source with other text in place of an expression or a statement; `ast` counts columns in bytes."""
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: (node.end_lineno or node.lineno) - 1])) + (node.end_col_offset or 0)
    encoded = source.encode()
    if text.isdigit() and encoded[end : end + 1] == b".":
        text = f"({text})"  # an attribute of a number
    return (encoded[:start] + text.encode() + encoded[end:]).decode()
