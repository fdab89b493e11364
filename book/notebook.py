"""Makes the companion notebook from the chapters: their text, their examples as cells, and the checks."""

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book.captures import listing
from book.paths import SOURCE
from book.preprocessor import fill_in
from tutor.course import COURSE, Step
from tutor.line_by_line.on_text import SENTENCE

# The learner has the step file open beside the notebook.
_LEFT_OUT = ("The step file",)

_FENCE = re.compile(r"^```(\w+)\n\{\{#include ([^}:]+)(?::(\w+))?\}\}\n```$", re.MULTILINE)

_START = '''\
import os
import subprocess
import sys
from pathlib import Path

# True checks the solutions, False your own files in steps/.
SOLUTIONS = True

os.chdir(next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "steps").is_dir()))


def check(step):
    """Runs the check of a step and shows its verdict."""
    command = [sys.executable, "-m", "tutor", f"s{step:02d}", *(["--solutions"] if SOLUTIONS else [])]
    result = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    print(result.stdout or result.stderr)
    if SOLUTIONS and result.returncode:
        raise SystemExit("a solution is not right: is the installation complete? Run `make doctor`.")'''

_INTRODUCTION = """\
# Build GPT-2 from scratch with MAX: companion notebook

`make notebook` makes this notebook from the chapters of the book, so change the chapters, not this
file. Its cells run the chapters' examples and the checks. The first check of each step may compile
for half a minute.

To have your own files checked, edit `steps/step_NN.py` beside it, set `SOLUTIONS = False`, and run
the `check` cells."""


def make() -> nbformat.NotebookNode:
    """The notebook, without outputs."""
    cells = [new_markdown_cell(_INTRODUCTION), new_code_cell(_START)]
    for step in COURSE:
        cells += _chapter(step)
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index:03d}"  # the same chapters make the same file
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def write(file: Path) -> None:
    """Writes the notebook."""
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(make(), file)


def _chapter(step: Step) -> list[nbformat.NotebookNode]:
    path = f"step_{step.label}.md"
    cells: list[nbformat.NotebookNode] = []
    for section in re.split(r"^(?=##? )", (SOURCE / path).read_text(), flags=re.MULTILINE):
        heading = section.partition("\n")[0].lstrip("# ")
        if not section.strip() or heading in _LEFT_OUT:
            continue
        cells += _cells(section, path)
        if heading == "Run it":
            cells.append(new_code_cell(f"check({step.number})"))
    return cells


def _cells(section: str, path: str) -> list[nbformat.NotebookNode]:
    """A section as text and code: the examples become cells that can be run."""
    text = _for_jupyter(section, path)
    cells, prose, end = [], "", 0

    def flush() -> None:
        nonlocal prose
        if prose.strip():
            cells.append(new_markdown_cell(prose.strip()))
        prose = ""

    for match in _FENCE.finditer(text):
        language, file, anchor = match.groups()
        content = listing((SOURCE / file).resolve(), anchor or "")
        prose += text[end : match.start()]
        end = match.end()
        if language == "python" and "/examples/" in file:
            flush()
            cells.append(new_code_cell(content))
        elif not file.endswith("_example.txt"):  # the cell prints it
            prose += f"```{language}\n{content}\n```"
    prose += text[end:]
    flush()
    return cells


def _for_jupyter(text: str, path: str) -> str:
    """Replaces what only the book can show."""
    text = re.sub(r"<script .*?</script>\n?", "", text)
    text = re.sub(r"<([a-z]+-[a-z]+)>.*?</\1>", "*The book has an interactive picture here.*", text, flags=re.DOTALL)
    text = re.sub(r"^> \[!(\w+)\]\s*$", lambda match: f"> **{match[1].capitalize()}**\n>", text, flags=re.MULTILINE)
    text = fill_in(
        text,
        path,
        formula=lambda latex, display: f"$${latex}$$" if display else f"${latex}$",
        figure=lambda name, caption, path: f"\n![{name}](../figures/{name}.svg)\n\n*{' '.join(caption.split())}*\n",
        lines=lambda step, path: (
            f'`python -m tutor show {step} --solutions --text "{SENTENCE}"` shows what each line makes of it.'
        ),
    )
    # Chapters are parts of this one page; its other pages are not.
    text = re.sub(r"^# (Step (\d\d): .*)$", r'<a id="step_\2"></a>\n\n# \1', text, flags=re.MULTILINE)
    text = re.sub(r"\]\(step_(\d\d)\.md(?:#[^)]*)?\)", r"](#step_\1)", text)
    return re.sub(r"\[([^\]]+)\]\([\w-]+\.md(?:#[^)]*)?\)", r"\1", text)
