"""What each line of the learner's code made, of given numbers.

A traced graph knows for each of its operations which calls were running, and which part of the line. So the numbers
that the evaluator computes can be told line by line, as if the code had run on them. The graph was traced once: a
Python loop is there round by round, but of an `if` only the branch that was taken.
"""

import ast
import contextlib
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tutor.checking.spec import Arrays
from tutor.checking.statements import SourceFile, Span, Statement, is_within, span_of
from tutor.checking.subject_graph import SubjectGraph
from tutor.graphs.evaluate.dimensions import Dims
from tutor.graphs.evaluate.errors import EvaluationError
from tutor.graphs.evaluate.evaluator import evaluate
from tutor.graphs.evaluate.program import Block, Kind, Operation, Program
from tutor.graphs.evaluate.source_lines import Frame, read_frames

# Where an operation stands in the graph: `Operation.path`.
Place = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor that a line made.

    Args:
        names: what the line calls it: `("scores",)`. Of a list, `("parts[0]",)`. Empty for what it returns, and for
            what it makes on the way.
        text: the expression that made it.
        dtype: MAX's name: "float32".
        dims: the dimensions as the graph has them: sizes, and names of sizes.
        array: the numbers. Those of dtype bfloat16 come as float32.
        returned: the function's result, or a part of it.
        written: a buffer, after the line wrote into it.
    """

    names: tuple[str, ...]
    text: str
    dtype: str
    dims: Dims
    array: np.ndarray
    returned: bool = False
    written: bool = False


@dataclass(frozen=True, eq=False)
class Visit:
    """One time that a line ran.

    Args:
        values: what it assigned, returned or wrote.
        inner: what it made on the way to these, in order.
        callers: the lines that were waiting for this one, the outermost first.
        order: grows from visit to visit in the order in which they ended.
        innermost: some of it was computed here, and not by a function of the course that it called.
    """

    values: tuple[Value, ...]
    inner: tuple[Value, ...]
    callers: tuple[tuple[Path, int], ...]
    order: int
    innermost: bool


@dataclass(frozen=True, eq=False)
class Line:
    """A statement that made tensors.

    Args:
        file: where it is.
        number, end_number: its first and its last line, from 1. Of a `for` or an `if`, those of its head.
        function: the function that it is in.
        text: its source, dedented.
        depth: how many lines were waiting for it when it ran for the first time.
        visits: each time that it ran: once for each round of a loop, and for each call of the function.
    """

    file: Path
    number: int
    end_number: int
    function: str
    text: str
    depth: int
    visits: tuple[Visit, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        """What it assigned, returned or wrote when it ran for the first time."""
        return self.visits[0].values


def trace_lines(
    graph: SubjectGraph,
    parameters: Arrays,
    inputs: Sequence[np.ndarray],
    files: Collection[Path],
    *,
    unfinished: Collection[tuple[Path, int]] = (),
) -> list[Line]:
    """Computes what the lines of some files made.

    Args:
        graph: a subject's graph, with its call stacks.
        parameters: by name.
        inputs: the subject's, in order; buffers stay as they are.
        files: an operation belongs to all lines in these that were running, the innermost and those that called it.
        unfinished: of a graph whose trace failed (see `trace`), the lines that were running: when they ran last, they
            assigned nothing.

    Returns:
        The lines that made tensors, in the order in which they first ended. If the graph cannot be computed to its
        end, those up to there.
    """
    return record(graph, parameters, inputs, files, unfinished=unfinished).lines


def record(
    graph: SubjectGraph,
    parameters: Arrays,
    inputs: Sequence[np.ndarray],
    files: Collection[Path],
    *,
    unfinished: Collection[tuple[Path, int]] = (),
    passed_over: Collection[tuple[Path, str]] = (),
) -> "Recording":
    """As `trace_lines`, and keeps what each operation made.

    What is computed in the functions `passed_over`, given by file and qualified name, belongs to the lines that call
    them alone.
    """
    specs = graph.traced.inputs
    given = [array.copy() if spec.buffer else array for spec, array in zip(specs, inputs, strict=True)]
    arguments = [*(parameters[name] for name in graph.traced.parameters), *given]
    sources = {file: source for file in files if (source := SourceFile.read(file)) is not None}
    frames = {
        place: tuple(frame for frame in stack if not _is_in(frame, passed_over, sources))
        for place, stack in read_frames(graph.call_stacks, sources).items()
    }
    visits = _Visits(graph.program, frames, sources, unfinished)
    recording = Recording(visits, dict(zip(graph.program.main.block.arguments, arguments, strict=False)))
    with contextlib.suppress(EvaluationError):  # the lines up to there are told
        evaluate(graph.program, arguments, observe=recording.observe)
    return recording


def _is_in(frame: Frame, functions: Collection[tuple[Path, str]], sources: Mapping[Path, SourceFile]) -> bool:
    return bool(functions) and (frame.file, sources[frame.file].function_at(frame.line)) in functions


# An expression that was running, and the call that it was waiting for.
Running = tuple[Span, int]


@dataclass(frozen=True)
class _Level:
    """A line that was running when an operation was made.

    Args:
        call: of the function that the line is in.
        running: the line's expression, and those of generators, comprehensions and lambdas in it.
    """

    file: Path
    function: str
    statement: Statement
    call: int
    running: tuple[Running, ...]


@dataclass(eq=False)
class _StaticVisit:
    """A visit as the graph has it. In the body of a loop of MAX's, it runs once a round.

    Args:
        level: the first that it was seen with.
        parent: the visit of the line that was waiting for this one.
        operations, running: by place, in the order in which they were made.
        innermost: see `Visit`.
        finished: False if the trace failed in it.
    """

    level: _Level
    parent: "_StaticVisit | None"
    operations: dict[Place, Operation] = field(default_factory=dict)
    running: dict[Place, tuple[Running, ...]] = field(default_factory=dict)
    innermost: bool = False
    finished: bool = True

    def add(self, operation: Operation, level: _Level, *, innermost: bool) -> None:
        self.operations[operation.path] = operation
        self.running[operation.path] = level.running
        # A number that is written into the line is not computed.
        self.innermost |= innermost and operation.name != "constant"

    def is_run_again(self, level: _Level) -> bool:
        """Whether the line runs once more: one of its expressions makes a call that it has made before."""
        span, callee = level.running[0]
        # Without positions, which Python can be told to leave out, expressions cannot be told apart.
        if span[0] == span[1] or span in _repeating(level.statement):
            return False
        return any(known == span and other != callee for (known, other), *_ in self.running.values())

    @functools.cached_property
    def block_depth(self) -> int:
        """The length of the places in the outermost block in which it has operations."""
        return min(map(len, self.operations))

    @property
    def callers(self) -> tuple[tuple[Path, int], ...]:
        """As in `Visit`."""
        if self.parent is None:
            return ()
        return (*self.parent.callers, (self.parent.level.file, self.parent.level.statement.number))


@functools.cache
def _repeating(statement: Statement) -> frozenset[Span]:
    """The expressions that make several calls in one visit.

    `a < b < c` makes two, and from Python 3.12 on, what is in a comprehension makes one a round.
    """
    spans = set()
    for node in ast.walk(statement.node):
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            spans.add(span_of(node))
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp):
            spans |= {span_of(part) for part in ast.walk(node) if isinstance(part, ast.expr)}
    return frozenset(spans)


class _Visits:
    """The visits of all lines, as the graph has them."""

    def __init__(
        self,
        program: Program,
        frames: Mapping[Place, tuple[Frame, ...]],
        sources: Mapping[Path, SourceFile],
        unfinished: Collection[tuple[Path, int]],
    ) -> None:
        self.sources = sources
        self.of_operation: dict[Place, list[_StaticVisit]] = {}
        # Who uses each value; None is the graph's end.
        self.users: dict[int, list[Place | None]] = {}
        self._all: list[_StaticVisit] = []
        self._latest: dict[int, _StaticVisit] = {}
        for operation in _as_made(program.main.block):
            # What ends a block hands its operands to the operation that the block is in.
            user = operation.path if operation.name not in _TERMINATORS else operation.path[:-2] or None
            for number in operation.operands:
                self.users.setdefault(number, []).append(user)
            if operation.name not in _TERMINATORS:
                self._add(operation, list(_levels(frames.get(operation.path, ()), sources)))
        last = {(visit.level.file, visit.level.statement): visit for visit in self._all}
        for file, line in unfinished:
            statement = sources[file].statement_at(line) if file in sources else None
            if statement is not None and (file, statement) in last:
                last[file, statement].finished = False

    def _add(self, operation: Operation, levels: Sequence[_Level]) -> None:
        parent = None
        for level in levels:
            visit = self._latest.get(level.call)
            if visit is None or visit.level.statement is not level.statement or visit.is_run_again(level):
                visit = self._latest[level.call] = _StaticVisit(level, parent)
                self._all.append(visit)
            visit.add(operation, level, innermost=level is levels[-1])
            self.of_operation.setdefault(operation.path, []).append(visit)
            parent = visit


_TERMINATORS = frozenset({"output", "yield", "while.condition"})


def _as_made(block: Block) -> Iterator[Operation]:
    """The operations in the order in which they were made: what is in a loop comes before the loop."""
    for operation in block.operations:
        for body in operation.bodies:
            yield from _as_made(body)
        yield operation


def _levels(frames: Iterable[Frame], sources: Mapping[Path, SourceFile]) -> Iterator[_Level]:
    """The lines of a call stack. What a generator, a comprehension or a lambda does belongs to the line around it."""
    level: _Level | None = None
    for frame in frames:
        statement = sources[frame.file].statement_at(frame.line)
        if statement is None:
            continue
        running = ((frame.start, frame.end), frame.callee)
        if level is not None and level.statement is statement and frame.function.startswith("<"):
            level = replace(level, running=(*level.running, running))
            continue
        if level is not None:
            yield level
        level = _Level(frame.file, frame.function, statement, frame.call, (running,))
    if level is not None:
        yield level


@dataclass(frozen=True)
class _Made:
    """A result of an operation, and what a line calls it; see `Value`."""

    operation: Operation
    index: int
    names: tuple[str, ...] = ()
    text: str = ""
    returned: bool = False

    @property
    def number(self) -> int:
        """The number of the value in the graph."""
        return self.operation.results[self.index]


class _Reading:
    """Reads what a visit made off its line."""

    def __init__(self, visit: _StaticVisit, visits: _Visits) -> None:
        self._visit = visit
        self._node = visit.level.statement.node
        self._source = visits.sources[visit.level.file]
        self._users = visits.users
        self.values = self._values(list(visit.operations.values())) if visit.finished else []
        self.inner = list(self._inner())

    def _values(self, operations: Sequence[Operation]) -> list[_Made]:
        """What the line assigns or returns."""
        match self._node:
            case ast.Assign(targets=targets, value=value):
                assigned = [self._assigned(target, value, operations) for target in targets]
                # `a = b = x`: one value with two names.
                return [
                    replace(made[0], names=tuple(name for one in made for name in one.names))
                    for made in zip(*assigned, strict=False)
                ]
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
                return self._assigned(target, value, operations)
            case ast.For(target=target, iter=value):
                return self._named(ast.unparse(target), value, operations)
            case ast.Return(value=ast.Tuple(elts=parts)):
                return [made for part in parts for made in self._returned(part, self._within(part, operations))]
            case ast.Return(value=ast.expr() as value):
                return self._returned(value, operations)
        return []

    def _assigned(self, target: ast.expr, value: ast.expr, operations: Sequence[Operation]) -> list[_Made]:
        """What an assignment names: a tuple's parts one by one where both sides show them."""
        if not isinstance(target, ast.Tuple | ast.List):
            return self._named(ast.unparse(target), value, operations)
        targets = target.elts
        if isinstance(value, ast.Tuple | ast.List) and _are_pairs(targets, value.elts):
            return [
                made
                for to, part in zip(targets, value.elts, strict=True)
                if (chosen := self._within(part, operations))
                for made in self._assigned(to, part, chosen)
            ]
        text = self._source.text_of(value)
        parts = self._parts(len(targets), operations)
        names = _unpacked([ast.unparse(part) for part in targets], len(parts))
        return [
            replace(made, names=(name,) if name else (), text=text)
            for made, name in zip(parts, names, strict=True)
            if name != "_"
        ]

    def _parts(self, count: int, operations: Sequence[Operation]) -> list[_Made]:
        """The parts of what is unpacked to this many names."""
        results = self._results(operations)
        if operations and len(every := _tensors(operations[-1])) >= max(count, len(results)) > 1:
            return every  # a loop's results, of which some are not used
        return results

    def _named(self, name: str, value: ast.expr, operations: Sequence[Operation]) -> list[_Made]:
        if isinstance(value, ast.Tuple | ast.List):
            return [
                made
                for index, part in enumerate(value.elts)
                if (chosen := self._within(part, operations))
                for made in self._named(f"{name}[{index}]", part, chosen)
            ]
        results, text = self._results(operations), self._source.text_of(value)
        if len(results) == 1:
            return [replace(results[0], names=(name,), text=text)]
        return [replace(made, names=(f"{name}[{index}]",), text=text) for index, made in enumerate(results)]

    def _returned(self, value: ast.expr, operations: Sequence[Operation]) -> list[_Made]:
        text = self._source.text_of(value)
        return [replace(made, text=text, returned=True) for made in self._results(operations)]

    def _within(self, value: ast.expr, operations: Sequence[Operation]) -> list[Operation]:
        """The operations that an expression made."""
        return [each for each in operations if is_within(self._visit.running[each.path][0][0], span_of(value))]

    def _inner(self) -> Iterator[_Made]:
        """What the other expressions of the line made."""
        known = {made.number for made in self.values}
        expressions = {span_of(node): node for node in ast.walk(self._node) if isinstance(node, ast.expr)}
        groups: dict[Running, list[Operation]] = {}
        for path, operation in self._visit.operations.items():
            running = self._visit.running[path][-1]
            # The order is that in which they end.
            groups[running] = [*groups.pop(running, []), operation]
        for (span, _), operations in groups.items():
            if (node := expressions.get(span)) is None:
                continue
            for made in self._results(operations):
                if made.number not in known:
                    known.add(made.number)
                    yield replace(made, text=self._source.text_of(node))

    def _results(self, operations: Sequence[Operation]) -> list[_Made]:
        """What others use of what these operations made; if nothing is used, what the last of them made."""
        places = {operation.path for operation in operations}
        used = [
            made
            for operation in operations
            for made in _tensors(operation)
            if any(user not in places for user in self._users.get(made.number, ()))
        ]
        return used or next(filter(None, map(_tensors, reversed(operations))), [])


def _tensors(operation: Operation) -> list[_Made]:
    kinds = enumerate(type_.kind for type_ in operation.result_types)
    return [_Made(operation, index) for index, kind in kinds if kind is Kind.TENSOR]


def _are_pairs(targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> bool:
    """Whether each target gets one of the values, as they are written."""
    return len(targets) == len(values) and not any(isinstance(part, ast.Starred) for part in (*targets, *values))


def _unpacked(targets: Sequence[str], count: int) -> list[str]:
    """The names of `count` parts that are unpacked to these targets: "_" for what is not wanted, "" for no name."""
    star = next((index for index, target in enumerate(targets) if target.startswith("*")), None)
    names = list(targets)
    if star is not None:
        name, many = targets[star][1:], max(0, count - len(targets) + 1)
        names[star : star + 1] = ["_" if name == "_" else f"{name}[{index}]" for index in range(many)]
    wanted = [name for name in names if name != "_"]
    return next((some for some in (names, wanted) if len(some) == count), [""] * count)


@dataclass(eq=False)
class _Instance:
    """One run of a visit: the results of its operations, and the buffers after it wrote into them."""

    visit: _StaticVisit
    results: dict[Place, Sequence[np.ndarray | None]] = field(default_factory=dict)
    written: dict[int, tuple[Operation, np.ndarray]] = field(default_factory=dict)
    order: int = 0


@dataclass(frozen=True, eq=False)
class Event:
    """An operation that ran.

    Args:
        operation: which.
        made: its results with their numbers in the graph. What it wrote into a buffer comes under the number of its
            first result, which carries no data.
        instance: the run of the innermost line that it belongs to.
    """

    operation: Operation
    made: Sequence[tuple[int, np.ndarray]]
    instance: _Instance | None


class Recording:
    """What the operations and the lines of a graph made; see `record`."""

    def __init__(self, visits: _Visits, arguments: Mapping[int, np.ndarray]) -> None:
        self.events: list[Event] = []
        self._visits = visits
        # The arguments of the graph and the buffers that it makes, by number; what is written into them shows there.
        self._buffers = dict(arguments)
        self._latest: dict[_StaticVisit, _Instance] = {}
        self._instances: list[_Instance] = []

    def observe(self, operation: Operation, results: Sequence[np.ndarray | None]) -> None:
        """Is told each operation after it ran."""
        if operation.name.startswith("mutable."):
            results = [None if array is None else array.copy() for array in results]
        instance = None
        for visit in self._visits.of_operation.get(operation.path, ()):
            instance = self._instance(visit, operation)
            instance.results[operation.path] = results
            instance.order = len(self.events)
        made = []
        for number, array, type_ in zip(operation.results, results, operation.result_types, strict=True):
            if array is None:
                continue
            if type_.kind is Kind.BUFFER:
                self._buffers[number] = array  # there is nothing in it yet
            else:
                made.append((number, array))
        if operation.name.startswith("mutable.store") and operation.operands[0] in self._buffers:
            written = self._buffers[operation.operands[0]].copy()
            made.append((operation.results[0], written))
            if instance is not None:
                instance.written[operation.operands[0]] = (operation, written)
        self.events.append(Event(operation, made, instance))

    def _instance(self, visit: _StaticVisit, operation: Operation) -> _Instance:
        """The run of a visit that an operation is in: a new one when a loop's next round begins."""
        instance = self._latest.get(visit)
        again = instance is not None and operation.path in instance.results
        if instance is None or (again and len(operation.path) == visit.block_depth):
            instance = self._latest[visit] = _Instance(visit)
            self._instances.append(instance)
        return instance

    @functools.cached_property
    def lines(self) -> list[Line]:
        """What was collected, line by line; see `trace_lines`."""
        grouped: dict[tuple[Path, int, str], list[_Instance]] = {}
        for instance in self._told:
            level = instance.visit.level
            grouped.setdefault((level.file, level.statement.number, level.function), []).append(instance)
        return [
            _line(instances[0].visit, [self._told[instance] for instance in instances])
            for instances in grouped.values()
        ]

    def line_of(self, event: Event) -> tuple[Line, Visit] | None:
        """The innermost line that an operation belongs to, and the visit in which it ran."""
        if event.instance is None or event.instance not in self._told:
            return None
        visit = self._told[event.instance]
        return next((line, visit) for line in self.lines if visit in line.visits)

    @functools.cached_property
    def _told(self) -> dict[_Instance, Visit]:
        """The visits that made tensors, in the order in which they ended."""
        readings: dict[_StaticVisit, _Reading] = {}
        told = {}
        # A line that ends with a call ends after what it called.
        for instance in sorted(self._instances, key=lambda each: (each.order, -len(each.visit.callers))):
            static = instance.visit
            if static not in readings:
                readings[static] = _Reading(static, self._visits)
            values = (*_filled(readings[static].values, instance), *_buffers(instance))
            inner = tuple(_filled(readings[static].inner, instance))
            if values or inner:
                told[instance] = Visit(values, inner, static.callers, instance.order, static.innermost)
        return told


def _filled(made: Sequence[_Made], instance: _Instance) -> Iterator[Value]:
    """Values with their numbers; those that were not reached are left out."""
    for one in made:
        results = instance.results.get(one.operation.path)
        if results is not None and (array := results[one.index]) is not None:
            type_ = one.operation.result_types[one.index]
            yield Value(one.names, one.text, type_.dtype, type_.dims, array, returned=one.returned)


def _buffers(instance: _Instance) -> Iterator[Value]:
    """The buffers that a line wrote into."""
    nodes = [node for node in ast.walk(instance.visit.level.statement.node) if isinstance(node, ast.expr)]
    for operation, array in instance.written.values():
        span = instance.visit.running[operation.path][-1][0]
        text = next(
            (
                name
                for node in nodes
                if isinstance(node, ast.expr) and (name := _written_by(node)) and span_of(node) == span
            ),
            "",
        )
        type_ = operation.operand_types[0]
        yield Value((text,) if text else (), text, type_.dtype, type_.dims, array, written=True)


def _written_by(node: ast.expr) -> str:
    """What an expression may write into: the first argument of a call, or the tensor whose item is assigned to."""
    match node:
        case ast.Call(args=[first, *_]):
            return ast.unparse(first)
        case ast.Subscript(value=value, ctx=ast.Store()):
            return ast.unparse(value)
    return ""


def _line(visit: _StaticVisit, visits: Sequence[Visit]) -> Line:
    statement, level = visit.level.statement, visit.level
    return Line(
        file=level.file,
        number=statement.number,
        end_number=statement.end_number,
        function=level.function,
        text=statement.text,
        depth=len(visit.callers),
        visits=tuple(visits),
    )
