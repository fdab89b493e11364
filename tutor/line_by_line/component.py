"""The web component: a step's code beside the graph's operations, and the values of the line that is chosen.

It is a piece of HTML with its data, `component.js` and `component.css`. It loads nothing.
"""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tutor.checking.line_values import Value
from tutor.checking.statements import SourceFile
from tutor.graphs.evaluate.dimensions import Dims
from tutor.graphs.evaluate.program import Kind, Operation
from tutor.line_by_line.functions import first_line, last_line, left_out
from tutor.line_by_line.numbers import range_in_words
from tutor.line_by_line.run import LineRun
from tutor.line_by_line.shapes import largest_in_row, shape_in_words, sizes_by_name, table_labels

# Larger values are cut: so many tables of the last two axes, and so many rows and columns of each.
MOST_TABLES, MOST_ROWS, MOST_COLUMNS = 8, 24, 48

_DIGITS = 4

Json = bool | int | float | str | None | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True)
class Limits:
    """How much of a large value is kept."""

    tables: int = MOST_TABLES
    rows: int = MOST_ROWS
    columns: int = MOST_COLUMNS


def component(run: LineRun, limits: Limits | None = None) -> str:
    """The component as HTML. No line of it is blank, so Markdown takes it as it is."""
    made = _Made(run, limits or Limits())
    data = json.dumps(made.data(), separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    name = f"{run.file.parent.name}/{run.file.name}"
    parts = [
        f'<section class="line-by-line" aria-label="{html.escape(name)}, line by line">',
        f'<p class="lbl-case"><code>{html.escape(name)}</code> on {html.escape(_numbers_of(run))} '
        f"They are rounded to {_DIGITS} digits. Choose a line, with the pointer or the arrow keys.</p>",
        '<div class="lbl-columns">',
        '<div class="lbl-column lbl-source" role="group" aria-label="The code" tabindex="-1">',
        *made.source(),
        "</div>",
        '<div class="lbl-column lbl-graph" role="group" aria-label="The operations of the graph">',
        *made.operations(),
        "</div>",
        "</div>",
        '<p class="lbl-said" aria-live="polite"></p>',
        '<div class="lbl-values"></div>',
        f'<script type="application/json">{data}</script>',
        "</section>",
    ]
    return "\n".join(parts) + "\n"


class _Made:
    """What the component shows of a run."""

    def __init__(self, run: LineRun, limits: Limits) -> None:
        self._run, self._limits, self._names = run, limits, sizes_by_name(run.given)
        self._lines = {line.number: line for line in run.lines if line.file == run.file}
        source = SourceFile.read(run.file)
        functions = [] if source is None else list(source.functions.values())
        marked = {*self._lines, *self._marks()}
        self._functions = [each for each in functions if any(each.lineno <= n <= last_line(each) for n in marked)]
        self._first = first = next((line.number for line in self._lines.values() if line.depth == 0), None)
        entry = [each for each in self._functions if first is not None and each.lineno <= first <= last_line(each)]
        self._entry = entry[0].lineno if entry else None

    def data(self) -> Json:
        """The values of each line, by its number."""
        lines: dict[str, Json] = {}
        if self._entry is not None:
            given = self._run.given
            inputs = [
                Value((name,), name, spec.dtype, spec.dims, given.inputs[name])
                for name, spec in given.subject.inputs.items()
            ]
            lines[str(self._entry)] = {"note": "what goes in", "values": [self._value(each) for each in inputs]}
        for number, line in self._lines.items():
            visit, notes = line.visits[0], []
            if len(line.visits) > 1:
                notes.append(f"runs {len(line.visits)} times; these are the numbers of the first")
            if mark := self._marks().get(number):
                notes.append(mark)
            values = [
                *(self._value(value, inner=True) for value in visit.inner),
                *(self._value(value) for value in visit.values),
            ]
            # What the line assigns comes first.
            lines[str(number)] = {
                "note": "; ".join(notes),
                "values": values[len(visit.inner) :] + values[: len(visit.inner)],
            }
        for number, mark in self._marks().items():
            lines.setdefault(str(number), {"note": mark, "values": []})
        start = next(iter(self._marks()), self._first or self._entry)
        return {"start": start, "lines": lines}

    def source(self) -> Iterator[str]:
        """The functions, line by line; those that made something are buttons."""
        text = self._run.file.read_text(encoding="utf-8").split("\n")
        marks = self._marks()
        for function in self._functions:
            skipped = left_out(function)
            begin = first_line(function)
            if function is not self._functions[0]:
                yield '<div class="lbl-gap"></div>'
            owner: int | None = None
            last = begin
            for number in range(begin, last_line(function) + 1):
                if number in skipped:
                    continue
                if number in self._lines or number in marks or number == self._entry:
                    owner = number
                    last = self._lines[number].end_number if number in self._lines else number
                code = html.escape(text[number - 1] + (" …" if number + 1 in skipped else "")) or "&#8203;"
                label = f'<span class="lbl-number">{number}</span>'
                if owner == number:
                    code = f'<button type="button" data-line="{number}" tabindex="-1">{code}</button>'
                elif owner is not None and number <= last:
                    code = f'<span data-line="{owner}">{code}</span>'
                else:
                    code = f"<span>{code}</span>"
                yield f'<div class="lbl-line">{label}{code}</div>'
                if number in marks:
                    yield f'<div class="lbl-mark">✗ {html.escape(marks[number])}</div>'

    def operations(self) -> Iterator[str]:
        """The operations of the graph, under the lines that made them."""
        recording, by_line = self._run.recording, dict[int, list[Operation]]()
        for event in recording.events if recording is not None else ():
            assert recording is not None
            found = recording.line_of(event)
            if event.operation.name == "constant":
                continue  # a number that is written in the code
            if found is not None and found[1] is found[0].visits[0]:
                by_line.setdefault(found[0].number, []).append(event.operation)
        if not by_line:
            yield '<p class="lbl-aside">No operation was made.</p>'
            return
        yield "<ol>"
        for number in sorted(by_line):
            for operation in by_line[number]:
                tensors = [type_.dims for type_ in operation.operand_types if type_.kind in (Kind.TENSOR, Kind.BUFFER)]
                results = [type_.dims for type_ in operation.result_types if type_.kind is Kind.TENSOR]
                told = " ".join(part for part in (_dims(tensors), "→" if results else "", _dims(results)) if part)
                yield (
                    f'<li><button type="button" data-line="{number}">'
                    f"<b>{html.escape(operation.name)}</b> <span>{html.escape(told)}</span></button></li>"
                )
        yield "</ol>"

    def _marks(self) -> dict[int, str]:
        """What is wrong, by line."""
        run, marks = self._run, dict[int, str]()
        if run.failed_at is not None and run.problem is not None:
            unfilled = run.problem.kind == "unfilled"
            marks[run.failed_at.line] = "not filled in yet" if unfilled else f"it failed here: {run.problem.summary}"
        if run.wrong is not None and run.wrong.wrong.file == run.file:
            marks[run.wrong.wrong.number] = "the first wrong line"
        return marks

    def _value(self, value: Value, *, inner: bool = False) -> Json:
        array, limits = value.array, self._limits
        name = ", ".join(value.names) or ("the result" if value.returned else value.text)
        tables = array.reshape(-1, *array.shape[-2:]) if array.ndim > 1 else array.reshape(1, 1, -1)
        kept = tables[: limits.tables, : limits.rows, : limits.columns] if array.size else tables[:0]
        places = list(np.ndindex(*array.shape[:-2]))[: len(kept)]
        cut = [
            f"{shown} of {whole} {what}"
            for shown, whole, what in zip(kept.shape, tables.shape, ("tables", "rows", "columns"), strict=True)
            if shown < whole
        ]
        finite = np.abs(array[np.isfinite(array)].astype(np.float64))
        labels = table_labels(value.dims, array, self._names, self._run.labels)
        likely = labels.is_vocabulary and labels.columns and array.size
        return {
            "name": name + (", written" if value.written else ""),
            "inner": inner,
            "count": array.size,
            "flat": array.ndim < 2,
            "shape": shape_in_words(value.dims, array, self._names),
            "dtype": value.dtype,
            "range": range_in_words(array) if array.size else "empty",
            "cut": ", ".join(cut),
            "largest": _number(finite.max(initial=0.0)),
            "places": [list(place) for place in places],
            "tables": [[[_number(number) for number in row] for row in table] for table in kept],
            "rows": labels.rows[: limits.rows],
            "columns": labels.columns[: limits.columns],
            "likely": [
                [[name, _number(number)] for name, number in largest_in_row(row, labels.columns)]
                for row in (tables[0, : limits.rows] if likely else ())
            ],
        }


def _numbers_of(run: LineRun) -> str:
    """Where the numbers are from, in words."""
    if run.on_text is None:
        return f"{run.given.name}. The numbers are those of the step's check."
    told = "The numbers are those of the trained model that comes with the course."
    return f"“{run.on_text.text}”: {run.on_text.what}. {told}"


def _number(number: np.generic | float) -> Json:
    """A number in few digits; what JSON does not know, as a word."""
    if isinstance(number, np.bool_):
        return bool(number)
    if isinstance(number, np.integer):
        return int(number)
    value = float(number)
    if not np.isfinite(value):
        return str(value)
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() else short


def _dims(shapes: Sequence[Dims]) -> str:
    return ", ".join("(" + ", ".join(map(str, dims)) + ")" for dims in shapes)
