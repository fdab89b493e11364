"""A recording of a session with the course: keys typed into a terminal, and what it shows, as an animated picture.

A shell runs in a pseudo-terminal, in a workspace in which somebody has forgotten the scale of step 08. A terminal
emulator keeps its screen. A frame is taken after every few keys, and when a command has ended; so the picture does not
depend on how fast the machine is. Browsers play it by CSS alone. Where less motion is asked for, they show its end.
"""

import html
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.terminal_theme import SVG_EXPORT_THEME

from book.paths import SOURCE
from tutor.course import ATTENTION, find_step
from tutor.errors import CourseError
from tutor.files import write_atomically
from tutor.learner.skeleton import finished_workspace
from tutor.learner.workspace import REPOSITORY, Workspace

if TYPE_CHECKING:
    from pexpect import spawn
    from pyte import Screen

SESSION = SOURCE / "screens" / "session.svg"

COLUMNS, ROWS = 84, 24
_SCALE = " / math.sqrt(head_dim)"

# What is typed, and for how many seconds the picture then rests on what came of it.
_STEP = find_step(ATTENTION).label
KEYS = (
    (f"make s{_STEP}", 6.0),
    (f"make hint STEP={_STEP}", 4.0),
    (f"sed -i 's|transpose(-1, -2)|&{_SCALE}|' steps/step_{_STEP}.py", 1.0),
    (f"make s{_STEP}", 4.0),
    ('make generate ARGS="--from steps --seed 3 --max-new-tokens 50"', 8.0),
)
_KEYS_A_FRAME, _SECONDS_A_KEY, _BEFORE_RETURN = 3, 0.07, 0.6

# The shell says by an invisible title that it waits for the next command. Its `make` runs what the Makefile's targets
# run, but leaves out the line in which make itself says that a check was not green.
_READY = "ready for a command"
_SHELL = r"""
PS1='\[\e]0;{ready}\a\]$ '
bind 'set enable-bracketed-paste off'
make() {{
    local STEP= PROMPT= ARGS= word
    for word in "${{@:2}}"; do local "$word"; done
    [[ $1 = generate ]] && PROMPT=${{PROMPT:-ROMEO:}}
    eval "{python} -m tutor $1 $STEP $PROMPT $ARGS"
}}
"""

# The terminal's colours by their names in the emulator.
_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
_COLOURS = {name: SVG_EXPORT_THEME.ansi_colors[index].hex for index, name in enumerate(_NAMES)}
_WIDTH, _HEIGHT, _MARGIN = 9.6, 20, 12
_FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


@dataclass(frozen=True)
class Piece:
    """Some characters of a row that look alike: from which column on, in which colour, and whether they are bold."""

    column: int
    text: str
    colour: str
    bold: bool


Row = tuple[Piece, ...]


def _plain(row: Row) -> str:
    text = ""
    for piece in row:
        text = text.ljust(piece.column) + piece.text
    return text.rstrip()


@dataclass(frozen=True)
class Frame:
    """What the screen shows: its rows, and for how many seconds."""

    rows: tuple[Row, ...]
    seconds: float

    @property
    def text(self) -> str:
        """The screen without colours."""
        return "\n".join(map(_plain, self.rows))


def record() -> list[Frame]:
    """Types the session into a terminal, and gives the frames.

    Raises:
        CourseError: what types and what emulates a terminal is not installed, or a command did not end.
    """
    try:
        import pexpect
        import pyte
    except ModuleNotFoundError as error:
        raise CourseError(
            f"{error.name} is missing: it comes with what the tests need; `make test` installs it"
        ) from None
    with tempfile.TemporaryDirectory() as folder:
        workspace = finished_workspace(Path(folder))
        file = workspace.step(ATTENTION)
        file.write_text(file.read_text().replace(_SCALE, ""))
        screen = pyte.Screen(COLUMNS, ROWS)
        shell = _start(workspace)
        try:
            return list(_frames(shell, screen))
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise CourseError(f"the recording stopped: {error}") from None
        finally:
            shell.close(force=True)


def _start(workspace: Workspace) -> "spawn[str]":
    """A shell in the workspace, that waits for a command."""
    import pexpect

    start = workspace.root / ".shell"
    start.write_text(_SHELL.format(ready=_READY, python=shlex.quote(sys.executable)))
    # A terminal with colours, whatever the one is like in which the recording is made.
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "PIXI_PROJECT_ROOT")}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)}
    return pexpect.spawn(
        "bash",
        ["--noprofile", "--rcfile", str(start), "-i"],
        cwd=str(workspace.root),
        env=environment | {"TUTOR_SEED": "1"},
        dimensions=(ROWS, COLUMNS),
        encoding="utf-8",
        timeout=300,
    )


def _frames(shell: "spawn[str]", screen: "Screen") -> Iterator[Frame]:
    import pyte

    stream = pyte.Stream(screen)

    def read_until(end: str) -> None:
        shell.expect_exact(end)
        stream.feed(f"{shell.before}{end}")

    prompt = f"{_READY}\a$ "
    read_until(prompt)
    for keys, rest in KEYS:
        yield Frame(rows_of(screen), 0.8)
        for start in range(0, len(keys), _KEYS_A_FRAME):
            for key in keys[start : start + _KEYS_A_FRAME]:
                shell.send(key)
                read_until(key)
            pressed = len(keys[start : start + _KEYS_A_FRAME])
            yield Frame(rows_of(screen), pressed * _SECONDS_A_KEY)
        yield Frame(rows_of(screen), _BEFORE_RETURN)
        shell.send("\r")
        read_until(prompt)
        yield Frame(rows_of(screen), rest)


def rows_of(screen: "Screen") -> tuple[Row, ...]:
    """What an emulated screen shows."""
    rows = []
    for number in range(screen.lines):
        cells = [screen.buffer[number][column] for column in range(screen.columns)]
        pieces, column = [], 0
        for (colour, bold), alike in groupby(cells, lambda cell: (cell.fg, cell.bold)):
            text = "".join(cell.data for cell in alike)
            if text.strip():
                pieces.append(Piece(column, text, colour, bold))
            column += len(text)
        rows.append(tuple(pieces))
    return tuple(rows)


# --- the picture ------------------------------------------------------------------------------


def draw(frames: Sequence[Frame]) -> str:
    """The frames as an animated SVG. Each row that is shown is drawn once, and placed wherever a frame has it."""
    numbers: dict[Row, int] = {}
    for frame in frames:
        for row in frame.rows:
            if row:
                numbers.setdefault(row, len(numbers))
    total = sum(frame.seconds for frame in frames)
    width, height = COLUMNS * _WIDTH + 2 * _MARGIN, ROWS * _HEIGHT + 2 * _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" font-size="16">',
            "<title>A session with the course</title>",
            f"<desc>{html.escape(_description(frames))}</desc>",
            f"<style>\n{_style(frames, total)}</style>",
            "<defs>",
            *(f'<g id="r{number}">{_drawn(row)}</g>' for row, number in numbers.items()),
            "</defs>",
            f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{SVG_EXPORT_THEME.background_color.hex}"/>',
            *(_placed(frame, number, numbers, last=frame is frames[-1]) for number, frame in enumerate(frames)),
            "</svg>\n",
        ]
    )


def _description(frames: Sequence[Frame]) -> str:
    """What the picture shows, in words: the commands, and the last screen."""
    return (
        f"Typed into a terminal: {'; '.join(keys for keys, _ in KEYS)}. At the end it shows:\n{frames[-1].text.strip()}"
    )


def _style(frames: Sequence[Frame], total: float) -> str:
    lines = [
        f"text {{ font-family: {_FONT}; fill: {SVG_EXPORT_THEME.foreground_color.hex}; white-space: pre }}",
        "text.bold { font-weight: bold }",
        *(f"text.{name} {{ fill: {colour} }}" for name, colour in _COLOURS.items()),
        f".frame {{ visibility: hidden; animation: {total:.2f}s step-end infinite }}",
        ".last { visibility: visible }",
    ]
    begin = 0.0
    for number, frame in enumerate(frames):
        start, end = (f"{100 * moment / total:.3f}%" for moment in (begin, begin + frame.seconds))
        hidden = "" if number == 0 else "0% { visibility: hidden } "
        after = "" if frame is frames[-1] else f"{end} {{ visibility: hidden }} "
        lines.append(f"@keyframes f{number} {{ {hidden}{start} {{ visibility: visible }} {after}}}")
        begin += frame.seconds
    lines.append("@media (prefers-reduced-motion: reduce) { .frame { animation: none !important } }")
    return "\n".join(lines) + "\n"


def _drawn(row: Row) -> str:
    texts = []
    for piece in row:
        text = piece.text.rstrip()
        names = " ".join(filter(None, [piece.colour if piece.colour in _COLOURS else "", "bold" if piece.bold else ""]))
        named = f' class="{names}"' if names else ""
        # Fonts differ: the length keeps columns below each other.
        place = f'x="{piece.column * _WIDTH:g}" textLength="{len(text) * _WIDTH:g}"'
        texts.append(f"<text {place}{named}>{html.escape(text, quote=False)}</text>")
    return "".join(texts)


def _placed(frame: Frame, number: int, numbers: Mapping[Row, int], *, last: bool) -> str:
    uses = "".join(
        f'<use href="#r{numbers[row]}" x="{_MARGIN}" y="{_MARGIN + _HEIGHT * (line + 1) - 5}"/>'
        for line, row in enumerate(frame.rows)
        if row
    )
    return f'<g class="frame{" last" if last else ""}" style="animation-name: f{number}">{uses}</g>'


def write() -> None:
    """Records the session, and draws it."""
    SESSION.parent.mkdir(exist_ok=True)
    write_atomically(SESSION, draw(record()))
