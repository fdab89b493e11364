"""Finds the line at which a wrong graph leaves the reference.

Both graphs, the learner's and the solution's, are evaluated on the same inputs. A result of the learner's that the
reference computes too, anywhere, is right. A result that it never computes is wrong if it reaches what the graph
gives through nothing but such results: if the reference computes what is made of it, it was another way to the same
numbers. The first wrong result is in the line to look at.
"""

import ast
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tutor.checking.compare import matches
from tutor.checking.line_values import Event, Line, Recording, Value, Visit, record
from tutor.checking.numbers import Given
from tutor.checking.statements import SourceFile
from tutor.checking.subject_graph import SubjectGraph
from tutor.checking.verdict import Frame
from tutor.evaluate.errors import EvaluationError
from tutor.evaluate.program import Block, Operation, Program

# Two ways to the same numbers differ by some roundings of float32, which are 6e-8 each.
_TOLERANCE = 3e-6

# Of a statement, and of a tensor, as a problem shows them.
_MOST_CHARACTERS = 40
_MOST_NUMBERS = 4

# Scores from here on are hidden ones.
_HIDDEN = 1e9

# The expected numbers are Hugging Face's, and of a drawn case the NumPy model's.
_LOOSE = 1e-4


@dataclass(frozen=True, eq=False)
class Place:
    """A statement of the learner's."""

    file: Path
    number: int
    function: str
    text: str


@dataclass(frozen=True, eq=False)
class FirstWrongLine:
    """Where a graph leaves the reference.

    Args:
        wrong: the first line whose result the reference never computes.
        right: the line before it in the order of execution, whose results are the reference's; None if there is none.
        made: what the wrong line made; None if its numbers are right, but not what is to be returned.
        visit: which of its runs it was, from 1.
        next: what the reference computes there instead.
    """

    wrong: Place
    right: Place | None
    made: Value | None
    visit: int
    next: Value | None


@dataclass(frozen=True)
class Suspects:
    """Where the wrong line may be.

    Args:
        files: the learner's files; the step's own is the last. What others compute belongs to the lines that call them.
        solutions: the files of the solution in their place.
        function: the qualified name of the function in the step's file that is shown to be wrong.
        trusted: those in the step's file that are right.
    """

    files: Sequence[Path]
    solutions: Sequence[Path]
    function: str
    trusted: Collection[str]


def find_first_wrong_line(
    graph: SubjectGraph, reference: SubjectGraph, given: Given, suspects: Suspects
) -> FirstWrongLine | None:
    """Finds the first wrong line.

    Args:
        graph, reference: the learner's and the solution's.
        given: a case with wrong numbers.
        suspects: where to look.

    Returns:
        The line, or None if there is none, or the reference does not give the expected numbers.
    """
    own, right = (
        record(
            each,
            given.parameters,
            list(given.inputs.values()),
            files,
            passed_over=[(files[-1], name) for name in suspects.trusted],
        )
        for each, files in ((graph, suspects.files), (reference, suspects.solutions))
    )
    if not _gives_what_is_expected(reference, given):
        return None
    unknown = _Unknown(graph.program, own, _Numbers(right.events))
    following = _Unknown(reference.program, right, _Numbers(own.events)).first
    missed = _last(right) if following is None else right.line_of(following)
    if unknown.first is None:
        return _wrong_return(own, suspects, missed)
    found = own.line_of(unknown.first)
    if found is None:
        return None
    line, visit = found
    made = _shown(visit, unknown)
    return FirstWrongLine(
        wrong=_place(line),
        right=_last_right(own, visit, unknown),
        made=made,
        visit=line.visits.index(visit) + 1,
        next=None if missed is None else _alike(missed[1], made),
    )


def told(line: FirstWrongLine, step: int) -> str:
    """Where the graph of a step leaves the reference, in words."""
    wrong = _line(line.wrong, step)
    if line.made is None:
        return f"All that your lines compute, the reference computes too. But {wrong} returns something else."
    when = f", when it runs for the {_ordinal(line.visit)} time," if line.visit > 1 else ""
    if line.right is None:
        return f"{wrong[0].upper()}{wrong[1:]}{when} is the first whose result the reference never computes."
    return (
        f"Up to {_line(line.right, step)} (`{_beginning(line.right.text)}`) your numbers are the reference's. "
        f"{wrong[0].upper()}{wrong[1:]}{when} is the first whose result it never computes."
    )


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _line(place: Place, step: int) -> str:
    other = "" if place.file.stem == f"step_{step:02d}" else f" of {place.file.name}"
    return f"line {place.number}{other}"


def values_of(line: FirstWrongLine) -> list[tuple[str, str]]:
    """What the wrong line made, and what the reference makes there, for a problem's details."""
    row = _first_different_row(line.made, line.next)
    shown = [(f"line {line.wrong.number}", line.made), ("reference", line.next)]
    return [(label, _described(value, row)) for label, value in shown if value is not None]


def _first_different_row(made: Value | None, other: Value | None) -> tuple[int, ...] | None:
    """Where the first numbers differ that two values of one shape show; None if they have not one shape."""
    if made is None or other is None or made.array.shape != other.array.shape or made.array.ndim < 2:
        return None
    rows = made.array.reshape(-1, made.array.shape[-1]), other.array.reshape(-1, made.array.shape[-1])
    different = [not _close(*each) for each in zip(*(row[:, :_MOST_NUMBERS] for row in rows), strict=True)]
    index = np.unravel_index(different.index(True) if True in different else 0, made.array.shape[:-1])
    return tuple(int(each) for each in index)


def frame_of(line: FirstWrongLine) -> Frame:
    """The wrong line, as a problem shows it."""
    file = line.wrong.file
    code = line.wrong.text.strip()
    return Frame(f"{file.parent.name}/{file.name}", line.wrong.number, line.wrong.function, code)


def _beginning(text: str) -> str:
    """The beginning of a statement: up to what it assigns."""
    try:
        (node,) = ast.parse(text).body
    except (SyntaxError, ValueError):
        node = None  # the head of a statement that holds others is none by itself
    match node:
        case ast.Assign(targets=targets):
            return " = ".join([*map(ast.unparse, targets), "…"])
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return f"{ast.unparse(target)} = …"
        case ast.Return():
            return "return …"
    first, *more = text.split("\n")
    return first if len(first) <= _MOST_CHARACTERS and not more else f"{first[:_MOST_CHARACTERS].rstrip()}…"


def _described(value: Value, row: tuple[int, ...] | None) -> str:
    """The name, the shape and the first numbers of a value, or of a row of it."""
    numbers = value.array.reshape(-1) if row is None else value.array[row]
    first = ", ".join(
        f"{number:.5g}" if number.dtype.kind == "f" else str(number) for number in numbers[:_MOST_NUMBERS]
    )
    more = ", …" if numbers.size > _MOST_NUMBERS else ""
    shape = "(" + ", ".join(map(str, value.array.shape)) + ("," if value.array.ndim == 1 else "") + ")"
    where = f" at {list(row)}" if row is not None and any(row) else ""
    return f"{', '.join(value.names) or 'result'} {shape}{where}: {first}{more}"


def _gives_what_is_expected(reference: SubjectGraph, given: Given) -> bool:
    """Whether it is the reference indeed: where it was traced, the learner's code could have changed it."""
    try:
        arrays = reference.evaluate(given.parameters, *given.inputs.values())
    except EvaluationError:
        return False
    results = dict(zip(given.subject.results, arrays, strict=True))
    return all(matches(results[name], values, max(_LOOSE, given.tolerance)) for name, values in given.expected.items())


def _wrong_return(own: Recording, suspects: Suspects, missed: tuple[Line, Visit] | None) -> FirstWrongLine | None:
    """All results are the reference's, but others are returned: the last `return` of the function."""
    file = suspects.files[-1]
    source = SourceFile.read(file)
    statement = None if source is None else source.last_return(suspects.function)
    if statement is None:
        return None
    before = [line for line in own.lines if line.depth == 0 and line.file == file and line.number < statement.number]
    return FirstWrongLine(
        wrong=Place(file, statement.number, suspects.function.rpartition(".")[2], statement.text),
        right=_place(before[-1]) if before else None,
        made=None,
        visit=1,
        next=None if missed is None else _alike(missed[1], None),
    )


def _last(recording: Recording) -> tuple[Line, Visit] | None:
    """The line that ended last, and its last visit."""
    visits = [(line, line.visits[-1]) for line in recording.lines]
    return max(visits, key=lambda each: (each[1].order, -each[0].depth), default=None)


def _place(line: Line) -> Place:
    return Place(line.file, line.number, line.function, line.text)


def _last_right(own: Recording, wrong: Visit, unknown: "_Unknown") -> Place | None:
    """The last line before a visit that assigned or returned something, all of it known."""
    before = [
        (visit.order, line)
        for line in own.lines
        for visit in line.visits
        if visit.order < wrong.order
        and visit.values
        and not any(id(value.array) in unknown.arrays for value in visit.values)
    ]
    return _place(max(before, key=lambda each: each[0])[1]) if before else None


def _shown(visit: Visit, unknown: "_Unknown") -> Value | None:
    """The first value of a visit that is not known: of those that it assigned or returned, if there is one."""
    return next((value for value in (*visit.values, *visit.inner) if id(value.array) in unknown.arrays), None)


def _alike(visit: Visit, made: Value | None) -> Value | None:
    """The value of the reference's line to set beside another one: of its shape, if there is one."""
    values = (*visit.values, *visit.inner)
    if made is not None:
        alike = [value for value in values if value.array.shape == made.array.shape]
        if alike:
            return alike[0]
    return values[0] if values else None


class _Numbers:
    """All arrays that were computed, to be looked up by their numbers.

    An array of one number only, such as a mask that hides nothing, says little: it is known if the same kind of
    operation made it.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        found: dict[tuple[str, int], list[tuple[float, np.ndarray]]] = {}
        for event in events:
            for _, array in event.made:
                found.setdefault(_key(array, event.operation), []).append((_size(array), array))
        self._arrays = {key: sorted(some, key=lambda each: each[0]) for key, some in found.items()}
        self._sizes = {key: np.array([size for size, _ in some]) for key, some in self._arrays.items()}

    def knows(self, array: np.ndarray, operation: Operation) -> bool:
        """Whether an array was computed, that this operation made."""
        key = _key(array, operation)
        if key not in self._arrays:
            return False
        size, sizes = _size(array), self._sizes[key]
        margin = 2 * _TOLERANCE * abs(size)
        first, last = np.searchsorted(sizes, size - margin, "left"), np.searchsorted(sizes, size + margin, "right")
        return any(_same(array, other) for _, other in self._arrays[key][first:last])


def _key(array: np.ndarray, operation: Operation) -> tuple[str, int]:
    """What arrays must share to be compared."""
    uniform = array.size == 0 or bool((array == array.flat[0]).all())
    return operation.name if uniform else "", array.size


def _size(array: np.ndarray) -> float:
    """A number that equal arrays share, whatever their order and their signs."""
    values = np.abs(array.astype(np.float64))
    finite = np.isfinite(values)
    return float(values[finite].sum()) + 1e9 * float((~finite).sum())


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays have the same numbers, up to axes of length 1."""
    if _squeezed(one.shape) != _squeezed(other.shape):
        return False
    return _close(one.reshape(-1), other.reshape(-1))


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether arrays of one shape are equal but for roundings: of each number, and of what it was computed from."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    finite = np.isfinite(other)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return False
    one, sizes = one[finite], np.abs(other[finite])
    # Numbers that stand for -inf say nothing of the size of the others.
    largest = sizes[sizes < _HIDDEN].max(initial=0.0)
    return bool((np.abs(one - other[finite]) <= _TOLERANCE * np.maximum(sizes, largest)).all())


class _Unknown:
    """What a graph computed that the other one never computes.

    arrays: the ids of the arrays.
    first: the first operation to run whose result is not known, and reaches what the graph gives as such.
    """

    def __init__(self, program: Program, recording: Recording, known: _Numbers) -> None:
        self.arrays: set[int] = set()
        numbers: dict[int, int] = {}
        for index, event in enumerate(recording.events):
            for number, array in event.made:
                if not known.knows(array, event.operation):
                    self.arrays.add(id(array))
                    numbers.setdefault(number, index)
        sources = Sources(program.main.block)
        reached: set[int] = set()
        waiting = list(sources.given)
        while waiting:
            number = waiting.pop()
            if number in reached or (number in sources.computed and number not in numbers):
                continue
            reached.add(number)
            waiting += sources.of.get(number, ())
        first = min((numbers[number] for number in reached if number in numbers), default=None)
        self.first = None if first is None else recording.events[first]


class Sources:
    """What each value of a graph is made of.

    of: by its number, the values that it is made of, or that are handed on under this number.
    computed: those that operations make.
    handed_on: what loops and branches get and give.
    given: what the graph gives: its results, and what it writes into buffers.
    """

    def __init__(self, block: Block) -> None:
        self.of: dict[int, list[int]] = {}
        self.computed: set[int] = set()
        self.handed_on: set[int] = set()
        self.given = list(block.operations[-1].operands)
        self._read(block)

    def _read(self, block: Block) -> None:
        for operation in block.operations:
            self.computed.update(operation.results)
            if operation.name.startswith("mutable.store"):
                self.given += [*operation.operands, *operation.results]
            if not operation.bodies:
                self.of.update((number, list(operation.operands)) for number in operation.results)
            for body in operation.bodies:
                self._join(operation, body)
                self._read(body)

    def _join(self, operation: Operation, body: Block) -> None:
        """A loop's body gets the operands, then what it gave itself; an operation gives what its bodies give."""
        end = body.operations[-1]
        loops = end.name == "while.condition"
        handed, decision = (end.operands[1:], end.operands[:1]) if loops else (end.operands, ())
        for numbers in (body.arguments, operation.results):
            self.handed_on.update(numbers)
            for index, number in enumerate(numbers):
                given = [*operation.operands[index : index + 1], *handed[index : index + 1], *decision]
                self.of.setdefault(number, []).extend(given)
