"""Pictures of the terminal for the README: what the tool prints, in the terminal's colours."""

import io
import os
import re
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from book.paths import BOOK
from tutor.checking import supervisor
from tutor.course import ATTENTION, find_step
from tutor.files import write_atomically
from tutor.learner.skeleton import finished_workspace
from tutor.terminal.report import Report

CHECK = BOOK / "screens" / "check.svg"

# Rich's own picture loads a font from the web; the reader's monospaced font will do.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
)
_WIDTH = 88


def draw_check() -> str:
    """The check of a step 08 in which the scale was forgotten, as SVG."""
    os.environ["TUTOR_SEED"] = "1"
    step = find_step(ATTENTION)
    with tempfile.TemporaryDirectory() as folder:
        workspace = finished_workspace(Path(folder))
        file = workspace.step(step.number)
        file.write_text(file.read_text().replace(" / math.sqrt(head_dim)", ""))
        verdict = supervisor.run(step.number, workspace, green={}).verdict
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False
    )
    console.print(f"$ make s{step.label}")
    shown = str(file.relative_to(workspace.root))
    Report(console).verdict(step, verdict, file=shown, printed="", hints_seen=0)
    return console.export_svg(
        title=f"make s{step.label}", theme=SVG_EXPORT_THEME, code_format=_FORMAT, unique_id="check"
    )


def write() -> None:
    """Draws all screens."""
    write_atomically(CHECK, draw_check())
