"""Finds advice for an error: what the learner's line should say, by the phrasebook.

An error leaves its frames behind, with all values in them. So the expression that failed is found in the file, the
function that it calls is the real one, with its real arguments, and a call can be written again as MAX wants it.
"""

import ast
import copy
import difflib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, ModuleType, TracebackType

from tutor.checking.phrasebook import IMPORTS, KEYWORDS, MESSAGES, PAIRS, Keyword, Message

_COURSE = ("steps", "solutions")
_NOT_SHAPED = re.compile(
    r"Input (?P<a_name>\w+) \(shape \[(?P<a>.*?)\]\) dimension at axis \d+ \(value (?P<a_size>.+?)\) and input "
    r"(?P<b_name>\w+) \(shape \[(?P<b>.*?)\]\) dimension at axis \d+ \(value (?P<b_size>.+?)\) are neither equivalent"
)
# What a plain value of Python is called in a dtype of MAX's.
_DTYPES = {"int": "int64", "float": "float32", "double": "float64", "str": "float32"}
# Functions that take a shape or an order of axes as one list, and how many arguments come before it.
_FIELDS = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "head_dim", "n_inner", "layer_norm_epsilon")
# An endless recursion has a thousand frames.
_MOST_STATEMENTS = 10
_ONE_LIST = {"reshape", "view", "permute", "broadcast_to", "ones", "zeros", "normal", "uniform", "gaussian"}


@dataclass(frozen=True)
class Failure:
    """An error, and the line of the course in which it surfaced.

    Args:
        error: which.
        frame: the innermost frame of the course's code.
        statement: the statement there, and its text.
        expression: the part of it that failed.
        frames: all frames of the course's code, innermost last.
        statements: the statement that each of them is at, as far as it could be found.
        below: the frames of other code from there to the error, innermost last.
    """

    error: BaseException
    frame: FrameType | None
    statement: ast.stmt | None
    text: str
    expression: ast.expr | None
    frames: Sequence[FrameType]
    statements: Sequence[tuple[FrameType, ast.stmt]]
    below: Sequence[FrameType]

    @property
    def said(self) -> str:
        """The error's type and message."""
        return f"{type(self.error).__name__}: {self.error}"

    @property
    def in_max(self) -> bool:
        """Whether MAX's own code raised it."""
        return any(str(frame.f_globals.get("__name__")).partition(".")[0] == "max" for frame in self.below)

    def value(self, node: ast.expr | None) -> object:
        """What a simple expression stands for where the error surfaced: a name, an attribute, an entry of a shape.

        Raises:
            LookupError: nothing is known of it.
        """
        if self.frame is None:
            raise LookupError("no frame")
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                for names in (self.frame.f_locals, self.frame.f_globals, self.frame.f_builtins):
                    if name in names:
                        return names[name]
            case ast.Attribute(value=base, attr=name):
                return _attribute(self.value(base), name)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
                return -number
            case ast.Subscript(value=ast.Attribute(attr="shape") as base, slice=index):
                shape, place = self.value(base), self.value(index)
                if isinstance(shape, list) and isinstance(place, int):
                    return shape[place]
        raise LookupError("no simple expression")

    def known(self, node: ast.expr | None) -> object:
        """As `value`, but None if nothing is known."""
        try:
            return self.value(node)
        except LookupError:
            return None


def _attribute(base: object, name: str) -> object:
    try:
        return getattr(base, name)
    except Exception:
        raise LookupError(name) from None  # a property may raise anything


def find_failure(error: BaseException, is_of_course: Callable[[str], bool]) -> Failure:
    """Finds the place of an error.

    Args:
        error: as it was caught.
        is_of_course: whether a file, by its path, is one of the steps or the solutions.
    """
    entries = list(_walk(error.__traceback__))
    places = [index for index, entry in enumerate(entries) if is_of_course(entry.tb_frame.f_code.co_filename)]
    if not places:
        return Failure(error, None, None, "", None, [], [], [entry.tb_frame for entry in entries])
    entry = entries[places[-1]]
    below = [later.tb_frame for later in entries[places[-1] + 1 :]]
    frames = [entries[index].tb_frame for index in places]
    trees = {frame.f_code.co_filename: _parsed(frame.f_code.co_filename) for frame in frames}
    statements = [
        (entries[index].tb_frame, statement)
        for index in places[-_MOST_STATEMENTS:]
        if (statement := _statement_at(trees[entries[index].tb_frame.f_code.co_filename], entries[index].tb_lineno))
    ]
    tree = trees[entry.tb_frame.f_code.co_filename]
    statement = _statement_at(tree, entry.tb_lineno)
    text = "" if statement is None else ast.unparse(_head(statement))
    expression = _expression_at(tree, entry)
    return Failure(error, entry.tb_frame, statement, text, expression, frames, statements, below)


def _parsed(file: str) -> ast.Module:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _walk(entry: TracebackType | None) -> Iterator[TracebackType]:
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _statement_at(tree: ast.Module, line: int) -> ast.stmt | None:
    around = [
        node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)), default=None)


def _head(statement: ast.stmt) -> ast.stmt:
    """The statement without the block that belongs to it."""
    if not hasattr(statement, "body"):
        return statement
    bare = copy.copy(statement)
    for block in ("body", "orelse", "finalbody", "handlers"):
        if hasattr(bare, block):
            setattr(bare, block, [ast.Pass()] if block == "body" else [])
    return bare


def _expression_at(tree: ast.Module, entry: TracebackType) -> ast.expr | None:
    positions = list(entry.tb_frame.f_code.co_positions())
    line, end_line, column, end_column = positions[entry.tb_lasti // 2]
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) == (
            line,
            end_line,
            column,
            end_column,
        ):
            return node
    return None


def find_advice(failure: Failure) -> str:
    """What to write instead, in a sentence or two; empty if nothing is known."""
    finders = (
        _about_recursion,
        _about_dimension,
        _about_import,
        _about_name,
        _about_attribute,
        _about_numpy,
        _about_layer,
        _about_number,
        _about_shapes,
        _about_message,
        _about_unpacking,
        _about_call,
        _about_index,
        _about_max,
    )
    return next((advice for find in finders if (advice := find(failure))), "")


def _about_recursion(failure: Failure) -> str:
    if not isinstance(failure.error, RecursionError):
        return ""
    entries = traceback.extract_tb(failure.error.__traceback__)
    if any(frame.f_code.co_name == "forward" for frame in failure.frames) and any(
        re.search(r"\bself(\.forward)?\(", entry.line or "") for entry in entries
    ):
        return (
            "`self(x)` calls `forward`, which calls itself without end. "
            "For the layer that this class extends, write `super().forward(x)`."
        )
    return "The same line runs again and again: a function calls itself, and nothing ends it."


# --- dimensions, shapes, messages ---------------------------------------------------------------


def _about_dimension(failure: Failure) -> str:
    """A dimension stands where Python wants a number."""
    if not re.search(r"[Dd]ims?\b", failure.said):
        return ""
    from max.graph.dim import Dim, StaticDim

    at = failure.below[-1] if failure.below else None
    dim = at.f_locals.get("self") if at is not None else None
    if not isinstance(dim, Dim) or at is None or at.f_code.co_name not in ("__index__", "__int__", "__float__"):
        dim = _dimension_in(failure)
    elif any(frame.f_code.co_name in ("__bool__", "item", "chunk", "split") for frame in failure.below):
        return ""  # a number was wanted of a tensor, or of the axis that is cut
    if dim is None:
        return ""
    if isinstance(dim, StaticDim):
        return f"This dimension is static, {int(dim)}: `int(x.shape[-1])` makes a number of it."
    if "arange" in failure.text or "range(" in failure.text:
        return (
            f"The dimension {dim} is symbolic: it has no value while the graph is built, and Python cannot count up "
            "to it. `F.arange(0, n, dtype=DType.int64, device=x.device)` takes it as n."
        )
    return (
        f"The dimension {dim} is symbolic: it has no value while the graph is built. "
        "Pass it to operations of `F` as it is, without `int`."
    )


def _dimension_in(failure: Failure) -> object:
    """A dimension that an operator or a function of Python's or NumPy's was given, if that is the error."""
    from max.graph.dim import Dim

    if not re.search(r"'?(Static|Symbolic|Algebraic)Dim'?|when using dims to index", failure.said):
        return None
    if failure.in_max and "when using dims to index" not in failure.said:
        return None
    for node in ast.walk(failure.expression) if failure.expression is not None else ():
        if isinstance(node, ast.Name | ast.Subscript) and isinstance(dim := failure.known(node), Dim):
            return dim
    return None


def _about_shapes(failure: Failure) -> str:
    """Two shapes that do not fit, in words."""
    match = _NOT_SHAPED.search(failure.said)
    if match is None:
        return ""
    a, b = match["a"].split(", "), match["b"].split(", ")
    told = f"The shapes ({match['a']}) and ({match['b']}) do not fit: {match['a_size']} meets {match['b_size']}. "
    if isinstance(failure.expression, ast.BinOp) and isinstance(failure.expression.op, ast.Mult):
        if len(b) > 1 and a[-1] == b[-2]:
            return told + "`*` multiplies entry by entry; a matrix product is written `a @ b`."
        if len(b) > 1 and a[-1] == b[-1]:
            return told + "`*` multiplies entry by entry; a matrix product with [out, in] weights is `x @ weight.T`."
    return told + "Seen from the right, two axes must be equally long, or one of them must be 1."


def _about_message(failure: Failure) -> str:
    return next((told for message in MESSAGES if (told := _from_message(message, failure))), "")


def _from_message(message: Message, failure: Failure) -> str:
    said, line = re.search(message.said, failure.said, re.DOTALL), re.search(message.line, failure.text)
    if said is None or line is None:
        return ""
    if message.within and not any(frame.f_code.co_name in message.within for frame in failure.below):
        return ""
    groups = {**line.groupdict(), **said.groupdict()}
    dtype = groups.get("dtype")
    groups["ours"] = f"DType.{_DTYPES.get(dtype, dtype)}" if dtype else ""
    return message.advice.format(**groups)


def _about_max(failure: Failure) -> str:
    """What helps with any error that MAX raises."""
    if not failure.in_max:
        return ""
    return (
        "MAX does not take what this line gives it. Write `print(x)` above it: that shows a tensor's shape and dtype."
    )


# --- names --------------------------------------------------------------------------------------


def phrase(name: str) -> str:
    """What is written with MAX in place of a name of PyTorch's or NumPy's; empty if the phrasebook has none."""
    pair = next((pair for pair in PAIRS if name in pair.names), None)
    if pair is None:
        return ""
    if pair.ours == "x":
        return f"Leave `{name}` out. {pair.note}"
    told = f"In place of `{pair.theirs}`, write `{pair.ours}`."
    return f"{told} {pair.note}".strip()


def _close(name: str, names: Sequence[str], *, most: int = 3) -> list[str]:
    public = [known for known in names if not known.startswith("_")]
    lower = {known.lower(): known for known in public}
    return [lower[known] for known in difflib.get_close_matches(name.lower(), list(lower), most, 0.7)]


def _listed(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _maxs_names(name: str) -> list[str]:
    """Names of F and of Tensor that are like this one, as they are written."""
    if "max.experimental.functional" not in sys.modules:
        return []  # the code does without MAX
    from max.experimental import functional
    from max.experimental.tensor import Tensor

    ours = {known: f"F.{known}" for known in dir(functional) if callable(getattr(functional, known))}
    methods = {known: f"x.{known}" for known in dir(Tensor)}
    exact = [names[name] for names in (ours, methods) if name in names]
    return exact or [(ours.get(known) or methods[known]) for known in _close(name, [*ours, *methods])]


def _about_attribute(failure: Failure) -> str:
    error = failure.error
    if not isinstance(error, AttributeError) or error.name is None:
        return ""
    owner, name = error.obj, error.name
    if _is_max(owner):
        if _is_module(owner):
            return _of_a_layer(failure)
        if not _has_operations(owner):
            return ""
        if told := phrase(name):
            return told
        if close := _maxs_names(name):
            return f"MAX writes this {_listed(close)}."
        return (
            f"MAX has nothing called `{name}`. The operations that a step needs are listed in its chapter, "
            'under "MAX operations".'
        )
    if isinstance(owner, ModuleType):
        return _misspelt(name, dir(owner))
    if isinstance(owner, int | float | str | bool) and (told := _not_a_config(failure, name)):
        return told
    if type(owner).__module__.partition(".")[0] in _COURSE:
        return _of_the_course(failure, owner, name)
    if name == "sqrt":
        return f"A number has no `sqrt`: write `math.sqrt({_shown(failure)})`."
    if isinstance(owner, tuple | list):
        return (
            f"This is a {type(owner).__name__} of {len(owner)}, not a tensor. Take its parts: `a, b, c = …`."
            if phrase(name) or _maxs_names(name)
            else ""
        )
    if type(owner).__module__ == "numpy":
        return {"to_numpy": "It is a NumPy array already: leave `.to_numpy()` out."}.get(name, "")
    return ""


def _has_operations(owner: object) -> bool:
    """Whether tensors' operations are looked for in it: in a module of MAX such as F, or in a tensor."""
    from max.experimental.tensor import Tensor
    from max.graph import TensorValue

    return isinstance(owner, ModuleType | Tensor | TensorValue) or owner is Tensor


def _shown(failure: Failure) -> str:
    match failure.expression:
        case ast.Attribute(value=base) | ast.Call(func=ast.Attribute(value=base)):
            return ast.unparse(base)
    return "x"


def _misspelt(name: str, names: Sequence[str]) -> str:
    close = _close(name, names)
    return f"Did you mean {_listed(close)}?" if close else ""


def _not_a_config(failure: Failure, name: str) -> str:
    """An int where the configuration belongs."""
    if name not in _FIELDS:
        return ""
    return (
        f"The whole configuration belongs here, and not a number: `config.{name}` is taken from it later. "
        "Pass `config` itself, in its place."
    )


def _of_the_course(failure: Failure, owner: object, name: str) -> str:
    if failure.in_max:
        return f"A `{type(owner).__name__}` stands where a tensor belongs. Give its parameter: `….weight`."
    if close := _close(name, [*dir(owner), *_own_fields(owner)]):
        return f"Did you mean {_listed(close)}?"
    if "self" in _names_in(failure.expression):
        return f"`self.{name}` was never made. Store it in `__init__`: `self.{name} = …`."
    if _is_module(owner) and (phrase(name) or _maxs_names(name)):
        return _of_a_layer(failure)
    fields = _own_fields(owner)
    return f"It has {_listed(fields)}." if fields else ""


def _of_a_layer(failure: Failure) -> str:
    layer = _shown(failure)
    return f"`{layer}` is a layer, not a tensor. Call it, `{layer}(x)`, or take its parameter, `{layer}.weight`."


def _own_fields(owner: object) -> list[str]:
    return [name for name in vars(owner) if not name.startswith("_")] if hasattr(owner, "__dict__") else []


def _names_in(node: ast.AST | None) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node is not None else set()


def _about_name(failure: Failure) -> str:
    error = failure.error
    if not isinstance(error, NameError) or isinstance(error, UnboundLocalError) or failure.frame is None:
        return ""
    name = error.name or ""
    if name in ("torch", "nn", "np", "numpy") and (told := _used_of(failure, name)):
        return told
    if name == "torch":
        return f"This course uses MAX in place of PyTorch: `{IMPORTS['F']}`."
    if name in IMPORTS:
        return f"Write `{IMPORTS[name]}` at the top of the file."
    owner = next((f.f_locals["self"] for f in reversed(failure.frames) if "self" in f.f_locals), None)
    if owner is not None and hasattr(owner, name):
        return f"Write `self.{name}`."
    if owner is not None and name in inspect.signature(type(owner).__init__).parameters:
        return (
            f"`{name}` is an argument of `__init__`. Store it there, `self.{name} = {name}`, and write `self.{name}`."
        )
    if name in _FIELDS:
        return f"`{name}` is a field of the configuration: `config.{name}`. What `forward` needs is stored on `self`."
    names = [*failure.frame.f_locals, *failure.frame.f_globals, *IMPORTS]
    close = [known for known in _close(name, names) if known != name]
    if close:
        return f"Did you mean {_listed(close)}?"
    if told := phrase(name):
        return told
    return ""


def _used_of(failure: Failure, name: str) -> str:
    """What stands for the name that the statement takes from a module such as `torch`."""
    for node in ast.walk(failure.statement) if failure.statement is not None else ():
        if not isinstance(node, ast.Attribute) or name not in _names_in(node):
            continue
        if told := phrase(node.attr):
            return told
        if name in ("torch", "nn") and (ours := _maxs_names(node.attr)):
            return f"MAX writes this {_listed(ours[:1])}; this course does without PyTorch."
    return ""


def _about_import(failure: Failure) -> str:
    error = failure.error
    if not isinstance(error, ImportError) or not error.name:
        return ""
    if error.name.partition(".")[0] == "torch":
        return f"This course uses MAX in place of PyTorch: `{IMPORTS['F']}`."
    wanted = re.search(r"cannot import name '(\w+)'", str(error))
    if wanted is None or error.name.partition(".")[0] not in ("max", *_COURSE):
        return ""
    if wanted[1] in IMPORTS:
        return f"Write `{IMPORTS[wanted[1]]}`."
    return phrase(wanted[1])


def _is_max(owner: object) -> bool:
    """Whether a module, a class or an object is MAX's own; a learner's layer is not."""
    if isinstance(owner, ModuleType):
        return owner.__name__.partition(".")[0] == "max"
    kind = owner if isinstance(owner, type) else type(owner)
    return kind.__module__.partition(".")[0] == "max"


def _is_module(owner: object) -> bool:
    from max.experimental.nn import Module

    return isinstance(owner, Module)


# --- calls --------------------------------------------------------------------------------------


def _call(failure: Failure) -> tuple[ast.Call, Callable[..., object]] | None:
    """The call that failed, and what it calls."""
    node = failure.expression
    if not isinstance(node, ast.Call):
        return None
    called = failure.known(node.func)
    match node.func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name):
            owner = failure.frame.f_locals.get("self") if failure.frame is not None else None
            called = next((vars(base)[name] for base in type(owner).__mro__[1:] if name in vars(base)), None)
        case ast.Attribute(value=ast.Call() | ast.BinOp() | ast.Subscript(), attr=name) if called is None:
            from max.experimental.tensor import Tensor

            if "Tensor" in str(failure.error):
                called = getattr(Tensor, name, None)
    return (node, called) if callable(called) else None


def _signature(called: Callable[..., object]) -> inspect.Signature | None:
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return None
    return signature


def _parameters(called: Callable[..., object]) -> list[str]:
    signature = _signature(called)
    return [] if signature is None else [name for name in signature.parameters if name != "self"]


_OF_ARGUMENTS = re.compile(
    r"unexpected keyword argument|missing (a|\d+) required|positional arguments?( but|$)|"
    r"object is not iterable|multiple values for argument"
)


def _about_call(failure: Failure) -> str:
    """The arguments of a call do not fit its function."""
    if not isinstance(failure.error, TypeError) or not _OF_ARGUMENTS.search(failure.said):
        return ""
    found = _call(failure)
    if found is None:
        return ""
    node, called = found
    if "<lambda>" in failure.said and _calls_max(called):
        return ""  # it is the function that MAX was given
    if _calls_max(called) and (told := _rewritten(node, called)):
        return told
    if "not iterable" in failure.said:
        return ""
    name, signature = ast.unparse(node.func), _signature(called)
    if signature is None or len(name) > 40:
        return ""
    arguments = _written(signature)
    by_name = " Those after `*` are passed by name." if "*, " in arguments else ""
    return f"Its arguments are `{name}({arguments})`.{by_name}"


def _calls_max(called: Callable[..., object]) -> bool:
    module = getattr(inspect.unwrap(called), "__module__", None) or ""
    return module.partition(".")[0] == "max" and not _is_course_class(called)


def _is_course_class(called: object) -> bool:
    return isinstance(called, type) and called.__module__.partition(".")[0] in _COURSE


def _written(signature: inspect.Signature) -> str:
    """The parameters without their types."""
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))[1:-1]


def _rewritten(node: ast.Call, called: Callable[..., object]) -> str:
    """The same call as MAX wants it, if that is known."""
    names, notes, renamed = _parameters(called), list[str](), list[str]()
    new = copy.deepcopy(node)
    new.keywords = []
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in names:
            new.keywords.append(keyword)
            continue
        known = next((known for known in KEYWORDS if known.theirs == keyword.arg), None)
        if known is None:
            close = _close(keyword.arg, names, most=1)
            if not close:
                return f"`{ast.unparse(node.func)}` has no argument `{keyword.arg}`; it takes {_listed(names)}."
            known = Keyword(keyword.arg, tuple(close))
        ours = next((name for name in known.ours if name in names), None)
        if ours is None and known.ours:
            return f"`{ast.unparse(node.func)}` has no argument `{keyword.arg}`; it takes {_listed(names)}."
        if ours is not None:
            new.keywords.append(ast.keyword(ours, keyword.value))
            renamed.append(ours)
        else:
            notes.append(known.note)
    if renamed:
        it = "it" if len(renamed) == 1 else "them"
        notes.insert(0, f"MAX calls {it} {' and '.join(f'`{name}`' for name in renamed)}")
    last = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    bound = len(node.args) - (1 if names[:1] in (["x"], ["input"]) else 0)
    before = len(node.args) - bound
    if last == "transpose" and bound > 2 and isinstance(new.func, ast.Attribute):
        new.func.attr, new.args = "permute", [*node.args[:before], ast.List(node.args[before:], ast.Load())]
        notes.append("`transpose` exchanges two axes, and `permute` takes the new order as a list")
    elif last == "transpose" and bound == 1 and isinstance(node.args[-1], ast.List | ast.Tuple):
        if isinstance(new.func, ast.Attribute):
            new.func.attr = "permute"
        notes.append("`transpose` exchanges two axes, and `permute` takes the new order as a list")
    elif last == "transpose" and not bound:
        new.args = [*node.args, *(ast.parse(text, mode="eval").body for text in ("-1", "-2"))]
        notes.append("say which two axes are exchanged")
    elif last in _ONE_LIST and bound >= 1 and not isinstance(node.args[before], ast.List | ast.Tuple):
        new.args = [*node.args[:before], ast.List(node.args[before:], ast.Load())]
        notes.append("MAX takes them as one list")
    elif last == "arange" and len(node.args) == 1:
        new.args = [ast.Constant(0), *node.args]
        if "dtype" not in {keyword.arg for keyword in new.keywords}:
            dtype = ast.parse("DType.int64", mode="eval").body
            new.keywords.append(ast.keyword("dtype", dtype))
        notes.append("start and stop are both given, and without a dtype the numbers are floats")
    elif last in ("concat", "stack") and len(node.args) > 1 and not isinstance(node.args[0], ast.List | ast.Tuple):
        new.args = [ast.List(node.args, ast.Load())]
        notes.append("the tensors are one list, and then comes the axis")
    elif last == "gather" and len(node.args) == 2 and not new.keywords:
        new.keywords.append(ast.keyword("axis", ast.Constant(0)))
        notes.append("say along which axis; rows are axis 0")
    elif last in ("clip", "clamp") and len(node.args) == 2:
        new = ast.Call(ast.parse("F.elementwise_max", mode="eval").body, node.args, [])
        notes.append("`clip` takes both limits")
    if not notes:
        return ""
    return f"Write `{ast.unparse(new)}`: {', and '.join(dict.fromkeys(notes))}."


def _about_numpy(failure: Failure) -> str:
    """A function of NumPy's or of PyTorch's was given a tensor of MAX's."""
    found = _call(failure)
    if found is None or isinstance(failure.error, AttributeError):
        return ""
    node, called = found
    module = getattr(called, "__module__", None) or type(called).__module__
    library = {"numpy": "NumPy", "torch": "PyTorch"}.get(str(module).partition(".")[0])
    if library is None and not (isinstance(node.func, ast.Attribute) and _names_in(node.func) == {"np"}):
        return ""
    from max.experimental.tensor import Tensor

    given = [failure.known(part) for argument in node.args for part in ast.walk(argument) if isinstance(part, ast.expr)]
    if not any(isinstance(value, Tensor) for value in given):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    told = phrase(name)
    if not told and (ours := _maxs_names(name)):
        told = f"Write {_listed(ours[:1])}."
    return f"{library or 'NumPy'} cannot read a tensor of MAX. {told}".strip()


def _about_number(failure: Failure) -> str:
    """An operation of MAX was given a plain number, or a layer."""
    if "do not support non-max objects" not in failure.said and "Unsafe cast" not in failure.said:
        return ""
    from max.graph.dim import Dim

    for node in ast.walk(failure.expression) if failure.expression is not None else ():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or len(node.args) != 1:
            continue
        first, name = ast.unparse(node.args[0]), node.func.attr
        given = failure.known(node.args[0])
        if isinstance(given, Dim):
            return f"A dimension is no tensor: `math.{name}(int({first}))` computes with its number."
        if isinstance(given, int | float):
            return f"`{first}` is a plain number: write `math.{name}({first})`."
    return ""


def _about_layer(failure: Failure) -> str:
    """A layer stands where a tensor belongs."""
    told = re.search(
        r"not '(\w+)'$|'(\w+)' object is not (?:iterable|subscriptable)|operand type\(s\) for .*: '(\w+)'"
        r"|Unary ops do not support",
        failure.said.splitlines()[0],
    )
    if told is None or failure.statement is None:
        return ""
    for frame, statement in failure.statements:
        called = {ast.unparse(node.func) for node in ast.walk(statement) if isinstance(node, ast.Call)}
        for node in ast.walk(_head(statement)):
            if not isinstance(node, ast.Name | ast.Attribute):
                continue
            given, name = replace(failure, frame=frame).known(node), ast.unparse(node)
            if given is None or not _is_module(given) or name in called | {"self"}:
                continue
            if told.lastindex is None or type(given).__name__ == told[told.lastindex]:
                return f"`{name}` is a layer. Call it, `{name}(x)`, or take its parameter, `{name}.weight`."
    return ""


def _about_unpacking(failure: Failure) -> str:
    """More or fewer values than names."""
    if not isinstance(failure.error, ValueError) or not re.search(r"values to unpack", failure.said):
        return ""
    if not isinstance(failure.statement, ast.Assign) or failure.below:
        return ""
    made = failure.statement.value
    given = failure.known(made)
    if isinstance(made, ast.Attribute) and made.attr == "shape" and isinstance(given, list):
        dims = ", ".join(str(dim) for dim in given)
        names = len(failure.statement.targets[0].elts) if isinstance(failure.statement.targets[0], ast.Tuple) else 0
        many = "Write `_` for one that you do not need." if names < len(given) else "Is that the shape you expect?"
        return f"`{ast.unparse(made)}` is ({dims}): {len(given)} dimensions, for {names} names. {many}"
    if given is not None and _is_max(given):
        return f"`{ast.unparse(made)}` is one tensor. Cut it: `F.chunk({ast.unparse(made)}, 3, axis=-1)`."
    if (
        isinstance(made, ast.Call)
        and isinstance(made.func, ast.Attribute)
        and made.func.attr == "split"
        and _is_max(failure.known(made.func.value))
    ):
        return "`split` takes the size of each part. For a number of equal parts, write `F.chunk(x, 3, axis=-1)`."
    return ""


def _about_index(failure: Failure) -> str:
    if not isinstance(failure.error, IndexError):
        return ""
    node = failure.expression
    if (
        isinstance(node, ast.Subscript)
        and isinstance(shape := failure.known(node.value), list)
        and ".shape" in ast.unparse(node)
    ):
        dims = ", ".join(str(dim) for dim in shape)
        return f"`{ast.unparse(node.value)}` is ({dims}), and places count from 0. The last one is `[-1]`."
    return ""


def plain_message(error: BaseException) -> str:
    """The message of an error, without what MAX dumps with it and without tips that mislead; empty if it has none."""
    message = re.sub(r"\s*Insert an explicit rebind.*", "", str(error).strip(), flags=re.DOTALL)
    if "Diagnostics:" in message:
        lines = [line.strip() for line in message.rpartition("Diagnostics:")[2].splitlines()]
        said = next((line for line in lines if line and line != "Verification failed:"), "")
        return said.removeprefix("error: unknown: ") or _first_line(message)
    if message.startswith("Failed to create op"):
        operation, _, rest = message.partition("Inputs:")
        said = next((line for line in rest.splitlines() if line.strip() and not line.startswith(" ")), "")
        if not said or "incompatible function arguments" in said:
            name = re.search(r"'(\w+)'", operation)
            return f"MAX cannot make the operation {name[1] if name else ''} with these arguments"
        return said.strip()
    if "incompatible function arguments" in message:
        return _first_line(message)
    return re.sub(r"Tensor\(\s*'<unrealized>'.*?\n\)", "Tensor(…)", message, flags=re.DOTALL)


def _first_line(message: str) -> str:
    return message.splitlines()[0] if message else ""
