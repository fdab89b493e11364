"""What `show` prints: a step's code, and under each line what it made."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tutor.checking.first_wrong_line import told, values_of
from tutor.checking.line_values import Line, Value
from tutor.checking.statements import SourceFile
from tutor.errors import CaseError
from tutor.invocation import typed
from tutor.line_by_line.functions import first_line, last_line, left_out
from tutor.line_by_line.numbers import number_format, range_in_words
from tutor.line_by_line.run import LineRun
from tutor.line_by_line.shapes import TableLabels, largest_in_row, shape_in_words, sizes_by_name, table_labels
from tutor.terminal.report import Report

# How strong a cell of a heat map is: from which part of the largest number on, and how it is drawn.
_SHADES = ((0.75, "█", "#"), (0.5, "▓", "*"), (0.25, "▒", "+"), (0.02, "░", "-"), (0.0, "·", "."))
_MINUS_INFINITY, _INFINITY, _NAN = "x", "∞", "?"

# A value of at most this many numbers is shown whole; a larger one as a heat map of this size, and a corner.
_FEW_NUMBERS = 64
_MAP_ROWS, _MAP_COLUMNS = 8, 32
# More rows are shown if each has a token beside it.
_MAP_TOKENS = 16
_CORNER = 4
# Columns of a token beside a row; longer ones are cut.
_LONGEST_LABEL = 10
_NO_LABELS = TableLabels()
# Where a terminal does not have them.
_IN_ASCII = str.maketrans({"␣": "_", "⏎": "\\n", "⇥": "\\t", "“": '"', "”": '"', "…": "..."})
# What a line makes on the way to its value is shown whole if it is smaller still.
_FEW_ON_THE_WAY = 32
_GUTTER = 8


class LinePrinter(Report):
    """Prints a run line by line."""

    def lines(self, run: LineRun, *, deep: bool) -> None:
        """Prints the step's functions; with `deep` also those of earlier steps that they call."""
        self._run, self._names = run, sizes_by_name(run.given)
        self._mapped: set[str] = set()
        self._header()
        for file in run.files if deep else run.files[:1]:
            self._file(file, deep=deep)
        self._outcome()
        self._legend()

    def line(self, run: LineRun, number: int) -> None:
        """Prints the whole values of one line.

        Raises:
            CaseError: no tensor was made there; the message says where there are some.
        """
        self._run, self._names = run, sizes_by_name(run.given)
        own = [line for line in run.lines if line.file == run.file]
        found = [line for line in own if line.number <= number <= line.end_number]
        if not found:
            known = ", ".join(str(each) for each in sorted({line.number for line in own}))
            where = f"these lines do: {known}" if known else "no line does"
            raise CaseError(f"line {number} of {run.file.name} makes no tensor; {where}")
        self._header()
        for line in found:
            self._source(run.file, line.number, line.end_number)
            for time, visit in enumerate(line.visits, start=1):
                if len(line.visits) > 1:
                    self._below(Text(f"time {time} of {len(line.visits)}", style="dim"))
                for value in (*visit.inner, *visit.values):
                    self._below(self._heading(value, inner=value in visit.inner))
                    self._whole_table(value)
        if run.problem is not None:
            self._outcome()

    # --- what is around the lines -------------------------------------------------------------

    def _header(self) -> None:
        run = self._run
        self._printed(self._shown(run.file), run.printed)
        self._headline("cyan", f"Step {run.step.label}, line by line", run.step.title)
        if run.on_text is not None:
            where = f"“{run.on_text.text}”: {run.on_text.what}"
        else:
            where = f"case {run.number} of {len(run.cases)}: {run.given.name}"
        self._line(Text(self._printable(f"{self._shown(run.file)} on {where}")))

    def _outcome(self) -> None:
        """Prints how it ended."""
        run = self._run
        if run.problem is not None:
            self.console.print()
            self.problem(run.problem)
        elif run.wrong is not None:
            self.console.print()
            self._line(Text(told(run.wrong, run.step.number), style="bold"))
            rows = values_of(run.wrong)
            for label, text in rows:
                self.console.print(Text.assemble("    ", (f"{label:<{max(map(len, dict(rows)))}}  ", "dim"), text))
        elif run.right is False:
            self.console.print()
            again = typed(f"s{run.step.label}")
            self._line(Text(f"The numbers are not the expected ones; `{again}` says why.", style="bold"))

    def _legend(self) -> None:
        if not self._mapped:
            return
        shades = " ".join(self._glyph(shade) for shade in reversed(_SHADES))
        parts = [f"heat maps: {shades} from 0 to the value's largest number"]
        if self.console.color_system is not None and not self.console.no_color:
            parts.append("blue is negative")
        signs = {_MINUS_INFINITY: "-inf", self._infinity: "inf", _NAN: "nan"}
        parts += [f"{sign} is {word}" for sign, word in signs.items() if sign in self._mapped]
        self.console.print()
        self.aside("; ".join(parts) + ".")

    def _shown(self, file: Path) -> str:
        return str(file.relative_to(self._run.workspace.root))

    # --- the lines ----------------------------------------------------------------------------

    def _file(self, file: Path, *, deep: bool) -> None:
        """Prints the functions of a file in which something happened, as they are written."""
        source = SourceFile.read(file)
        lines = {line.number: line for line in self._run.lines if line.file == file}
        frames = self._run.problem.frames if self._run.problem is not None else []
        failed = {frame.line for frame in frames if self._run.path_of(frame) == file}
        happened = {*lines, *failed}
        if source is None or not happened:
            return
        if file != self._run.file:
            self.console.print()
            self._line(Text(self._shown(file), style="bold"))
        text = file.read_text(encoding="utf-8").split("\n")
        first = next((line.number for line in self._run.lines if line.depth == 0 and line.file == file), None)
        for function in source.functions.values():
            end = last_line(function)
            if not any(function.lineno <= number <= end for number in happened):
                continue
            self.console.print()
            start = first_line(function)
            entry = first is not None and function.lineno <= first <= end
            self._function(function, start, text, lines, deep=deep, entry=entry)

    def _function(
        self,
        function: ast.FunctionDef,
        start: int,
        text: Sequence[str],
        lines: Mapping[int, Line],
        *,
        deep: bool,
        entry: bool,
    ) -> None:
        skipped = left_out(function)
        body = function.body[0].lineno
        below: dict[int, list[Line]] = {}
        for line in lines.values():
            below.setdefault(line.end_number, []).append(line)
        for number in range(start, last_line(function) + 1):
            if number not in skipped:
                self._code(number, text[number - 1] + (f" {self._dots}" if number + 1 in skipped else ""))
            if entry and number == body - 1:
                self._inputs()
            for line in below.get(number, ()):
                self._made(line, deep=deep)
            self._marks(number)

    def _source(self, file: Path, first: int, last: int) -> None:
        self.console.print()
        text = file.read_text(encoding="utf-8").split("\n")
        for number in range(first, last + 1):
            self._code(number, text[number - 1])

    def _code(self, number: int, code: str) -> None:
        self.console.print(Text.assemble((f"{number:>5}  ", "dim"), (self._printable(code), "bold")), soft_wrap=True)

    def _inputs(self) -> None:
        given = self._run.given
        for name, spec in given.subject.inputs.items():
            array = given.inputs[name]
            if spec.buffer:
                self._below(self._words(name, shape_in_words(spec.dims, array, self._names), spec.dtype))
                continue
            self._value(Value((name,), name, spec.dtype, spec.dims, array))

    def _made(self, line: Line, *, deep: bool) -> None:
        """Prints what a line made when it ran for the first time."""
        visit = line.visits[0]
        alike: dict[tuple[str, tuple[int, ...]], list[Value]] = {}
        for value in visit.inner:
            alike.setdefault((value.text, value.array.shape), []).append(value)
        for values in alike.values():
            self._value(values[0], inner=True, count=len(values))
        for value in visit.values:
            self._value(value)
        if len(line.visits) > 1:
            self._below(Text(f"runs {len(line.visits)} times; these are the numbers of the first", style="dim"))
        called = [] if deep else list(dict.fromkeys(self._called(line)))
        if called:
            self._below(Text(f"{self._fold} calls {', '.join(called)}; --deep shows the lines", style="dim"))

    def _called(self, line: Line) -> Iterator[str]:
        """The functions of earlier steps that a line calls."""
        for other in self._run.lines:
            if other.file == self._run.file:
                continue
            if any(visit.callers and visit.callers[-1] == (line.file, line.number) for visit in other.visits):
                source = SourceFile.read(other.file)
                name = other.function if source is None else source.function_at(other.number)
                yield f"{name.removesuffix('.forward')} of step {other.file.stem[-2:]}"

    def _marks(self, number: int) -> None:
        """Prints what is wrong with a line."""
        run, failed = self._run, self._run.failed_at
        cross = "✗" if self._has_unicode else "x"
        if failed is not None and failed.line == number and run.problem is not None:
            unfilled = run.problem.kind == "unfilled"
            words = "not filled in yet" if unfilled else f"{cross} it failed here: {run.problem.summary}"
            self._below(Text(words, style="yellow" if unfilled else "bold red"))
        wrong = run.wrong
        if wrong is not None and wrong.wrong.file == run.file:
            ends = [line.end_number for line in run.lines if (line.file, line.number) == (run.file, wrong.wrong.number)]
            if number == max(ends, default=wrong.wrong.number):
                what = "returns something else" if wrong.made is None else "the first wrong line"
                self._below(Text(f"{cross} {what}", style="bold red"))

    # --- values -------------------------------------------------------------------------------

    def _value(self, value: Value, *, inner: bool = False, count: int = 1) -> None:
        array = value.array
        heading = self._heading(value, inner=inner)
        if count > 1:
            heading.append(f", {count} of them", style="dim")
        if array.size == 1:
            heading.append(f"  {number_format(array)(array.flat[0])}")
            self._below(heading)
            return
        self._below(heading)
        if inner and array.size * count > _FEW_ON_THE_WAY:
            return
        if array.size <= _FEW_NUMBERS and self._fits(value):
            self._whole_table(value)
        elif array.size:
            self._heat_map(value)

    def _heading(self, value: Value, *, inner: bool) -> Text:
        name = ", ".join(value.names) or ("the result" if value.returned else value.text)
        if len(name) > (most := max(20, self.console.width - 48)):
            name = name[: most - 1] + "…"
        if value.written:
            name += ", written"
        return self._words(name, shape_in_words(value.dims, value.array, self._names), value.dtype, inner=inner)

    @staticmethod
    def _words(name: str, shape: str, dtype: str, *, inner: bool = False) -> Text:
        style = "cyan dim" if inner else "cyan"
        return Text.assemble((name, style), f"  {shape}  ", (dtype, "dim"))

    def _fits(self, value: Value) -> bool:
        labels = self._labels(value)
        return self._width(value.array, labels) * value.array.shape[-1] <= self._room(labels)

    def _room(self, labels: TableLabels) -> int:
        """How many columns of the terminal there are for numbers."""
        return self.console.width - _GUTTER - 2 - self._beside(labels)

    def _labels(self, value: Value) -> TableLabels:
        labels = table_labels(value.dims, value.array, self._names, self._run.labels)
        rows, columns = ([self._printable(label) for label in some] for some in (labels.rows, labels.columns))
        return replace(labels, rows=rows, columns=columns)

    def _printable(self, text: str) -> str:
        """A text as the terminal can show it."""
        if not self._has_unicode:
            text = text.translate(_IN_ASCII)
        return text.encode(self.console.encoding, "replace").decode(self.console.encoding)

    @staticmethod
    def _beside(labels: TableLabels) -> int:
        """How many columns of the terminal the names of the rows take."""
        return min(max((cell_len(label) for label in labels.rows), default=0), _LONGEST_LABEL)

    def _row_label(self, labels: TableLabels, row: int) -> str:
        """The name of a row, as wide as all of them."""
        width = self._beside(labels)
        return set_cell_size(labels.rows[row] if row < len(labels.rows) else "", width)

    @staticmethod
    def _width(array: np.ndarray, labels: TableLabels = _NO_LABELS) -> int:
        """How wide a column is: for its numbers, and for the name above them."""
        shown = number_format(array)
        names = labels.columns if len(labels.columns) == array.shape[-1] else ()
        widest = max((cell_len(name) for name in names), default=0)
        return max([min(widest, _LONGEST_LABEL), *(len(shown(number)) for number in array.reshape(-1))]) + 2

    def _whole_table(self, value: Value) -> None:
        """All numbers: the tables of the last two axes one after another."""
        array, labels = value.array, self._labels(value)
        if not array.size:
            return
        tables = array.reshape(-1, *array.shape[-2:]) if array.ndim > 1 else array.reshape(1, 1, -1)
        shown, width = number_format(array), self._width(array, labels)
        beside = self._beside(labels)
        columns = max(1, self._room(labels) // width)
        for index, table in zip(np.ndindex(*array.shape[:-2]), tables, strict=True):
            if len(tables) > 1:
                self._below(Text(f"  {list(index)}", style="dim"))
            if labels.columns and len(labels.columns) == table.shape[1] <= columns:
                cut = [set_cell_size(name, min(cell_len(name), width - 2)) for name in labels.columns]
                names = "".join(" " * (width - cell_len(name)) + name for name in cut)
                self._below(Text(f"  {'':{beside}}{names}", style="dim"))
            for number_of_row, row in enumerate(table):
                for start in range(0, len(row), columns):
                    line = Text("  " if start == 0 else "    ")
                    line.append(self._row_label(labels, number_of_row), style="dim")
                    for number in row[start : start + columns]:
                        line.append(f"{shown(number):>{width}}", style=_style(number))
                    self._below(line)

    def _heat_map(self, value: Value) -> None:
        """The first table of the last two axes in shades, and its corner in numbers."""
        array, labels = value.array, self._labels(value)
        first = array.reshape(-1, *array.shape[-2:])[0] if array.ndim > 1 else array.reshape(1, -1)
        tables = array.size // first.size
        # Columns that the numbers of the corner leave.
        corner = first[:_CORNER, :_CORNER]
        shown, width = number_format(corner), self._width(corner)
        room = self.console.width - _GUTTER - 4 - width * corner.shape[1] - 2 - self._beside(labels) - 1
        columns = max(4, min(first.shape[1], _MAP_COLUMNS, room))
        part = first[: _MAP_TOKENS if labels.rows else _MAP_ROWS, :columns]
        where = f"{[0] * (array.ndim - 2)} of {tables} tables; " if tables > 1 else ""
        told = [f"{where}{range_in_words(array)}"]
        if part.shape != first.shape:
            told.append(f"{part.shape[0]} x {part.shape[1]} of {first.shape[0]} x {first.shape[1]}")
        in_one = ", ".join(told)
        for words in [in_one] if len(in_one) <= self.console.width - _GUTTER - 2 else told:
            self._below(Text(f"  {words}", style="dim"))
        finite = np.abs(array[np.isfinite(array)].astype(np.float64))
        largest = float(finite.max(initial=0.0))
        for index, row in enumerate(part):
            line = Text("  ")
            if labels.rows:
                line.append(f"{self._row_label(labels, index)} ", style="dim")
            for number in row:
                glyph, style = self._cell(number, largest)
                self._mapped.add(glyph)
                line.append(glyph, style=style)
            if index < len(corner):
                line.append("  ")
                for number in corner[index]:
                    line.append(f"{shown(number):>{width}}", style=_style(number))
                if corner.shape[1] < first.shape[1]:
                    line.append(f" {self._dots}", style="dim")
            self._below(line)
        if labels.is_vocabulary and labels.columns:
            self._likely(first, labels)

    def _likely(self, table: np.ndarray, labels: TableLabels) -> None:
        """Which tokens the largest numbers of each row belong to."""
        self._below(Text("  the largest in each row, and their tokens", style="dim"))
        shown = number_format(table)
        for index, row in enumerate(table[:_MAP_TOKENS]):
            told = "   ".join(f"{name} {shown(number)}" for name, number in largest_in_row(row, labels.columns))
            beside = f"{self._row_label(labels, index)}  " if labels.rows else ""
            self._below(Text.assemble("  ", (beside, "dim"), told))

    def _cell(self, number: np.generic, largest: float) -> tuple[str, str]:
        size = float(number)
        if np.isnan(size):
            return _NAN, "bold red"
        if np.isinf(size):
            return (_MINUS_INFINITY if size < 0 else self._infinity), "red"
        part = abs(size) / largest if largest else 0.0
        shade = next(shade for shade in _SHADES if part >= shade[0])
        style = "dim" if shade is _SHADES[-1] else "blue" if size < 0 else "yellow"
        return self._glyph(shade), style

    def _glyph(self, shade: tuple[float, str, str]) -> str:
        return shade[1] if self._has_unicode else shade[2]

    @property
    def _infinity(self) -> str:
        return _INFINITY if self._has_unicode else "!"

    @property
    def _dots(self) -> str:
        return "…" if self._has_unicode else "..."

    @property
    def _fold(self) -> str:
        return "▸" if self._has_unicode else ">"

    def _below(self, content: Text) -> None:
        bar = "│" if self._has_unicode else "|"
        self.console.print(Text.assemble((f"     {bar} ", "dim"), content), soft_wrap=True)


def _style(number: np.generic) -> str:
    """How a number is coloured: what is not finite stands out, and zeros step back."""
    if not np.isfinite(number):
        return "bold red"
    return "dim" if number == 0 else ""
