"""mdBook's preprocessor for this book: fills in what comes from the course itself.

It knows these directives, in addition to mdBook's own `{{#include …}}`:

    {{number:NAME}}          a number that `book/examples/<chapter>.py` computed
    {{number:CHAPTER.NAME}}  a number of another chapter
    {{tasks}}                the tasks of the chapter's step, from the step file itself
    {{api:F.softmax}}        a name of MAX, linked to its documentation
    {{figure:NAME CAPTION}}  a figure from `book/figures/`, inlined so that it follows the page's theme
    {{show:08}}              a step's solution line by line, from `book/lines.py`, folded
    {{left}}                 how many steps are left after the chapter's: "Two steps are left."
    {{phrasebook}}           names of PyTorch and NumPy, and what MAX calls them, from `tutor/checking/phrasebook.py`
    {{course}}               the list of parts and steps, linked to their chapters
    $…$ and $$…$$            formulas in LaTeX, which are converted to MathML
"""

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict

from latex2mathml.converter import convert

from book.api import api_url
from book.paths import FIGURES, NUMBERS, OUTPUTS
from book.phrasebook import phrasebook
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.line_by_line.assets import script, style

# Code in a text: fenced blocks and spans. They contain no directives.
_CODE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)[ \t]*$|(?P<span>`+)[^`].*?(?P=span)", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(
    r"\{\{(number|tasks|api|figure|show|left|phrasebook|course)(?::([^\s}]+))?(?:\s+([^}]*?))?\s*\}\}", re.DOTALL
)
_DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
# Names of several letters in a formula: `head\_dim`, `softmax`; what follows a backslash or is in \text stays.
_NAME = re.compile(
    r"\\(?:text|mathrm|operatorname|begin|end)\{[^}]*\}|\\[A-Za-z]+"
    r"|[A-Za-z]+(?:\\_[A-Za-z0-9]+)+|\b[A-Za-z]*[a-z]{3}[A-Za-z]*\b|\bln\b"
)
_INLINE = re.compile(r"(?<![\\$\w])\$(?!\s)([^$\n]+?)(?<!\s)\$(?![\w$])")


class BookError(Exception):
    """Raised when a chapter asks for something that does not exist."""


def chapter_number(path: str) -> int | None:
    """The step that a chapter is about, by its file name; None for other pages."""
    match = re.fullmatch(r"step_(\d\d)\.md", Path(path).name)
    return int(match[1]) if match else None


def tasks_of(number: int) -> list[str]:
    """The tasks of a step, from the docstring of its file."""
    docstring = ast.get_docstring(ast.parse(Workspace(REPOSITORY).step(number).read_text())) or ""
    (block,) = re.findall(r"^Tasks:\n(.*?)\n\n", docstring, flags=re.DOTALL | re.MULTILINE)
    return [re.sub(r"\s+", " ", task).strip() for task in re.split(r"^ +\d+\. ", block, flags=re.MULTILINE)[1:]]


def course_list() -> str:
    """The parts and steps of the course, as Markdown."""
    lines: list[str] = []
    part = ""
    for step in COURSE:
        if step.part != part:
            part = step.part
            lines += ["", f"**{part}**", ""]
        lines.append(f"- {step.label} · [{step.title}](step_{step.label}.md)")
    return "\n".join(lines[1:])


def steps_left(number: int) -> str:
    """How many steps come after a step, as a sentence."""
    left = sum(step.number > number for step in COURSE)
    if left == 0:
        return "This was the last step."
    words = ["One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"]
    return f"{words[left - 1] if left <= len(words) else left} {'step is' if left == 1 else 'steps are'} left."


def number(name: str, path: str) -> str:
    """A computed number: `NAME` from this chapter, or `CHAPTER.NAME`."""
    chapter, _, key = name.rpartition(".")
    numbers = json.loads(NUMBERS.read_text())
    try:
        return numbers[chapter or Path(path).stem][key]
    except KeyError:
        raise BookError(f"{path}: no number {name}; `python -m book refresh` computes them") from None


def _figure(name: str, caption: str, path: str) -> str:
    """A figure with its caption, as HTML."""
    file = FIGURES / f"{name}.svg"
    if not file.exists():
        raise BookError(f"{path}: there is no figure {file.name}; `python -m book refresh` draws them")
    # A blank line would end the HTML block for Markdown.
    svg = re.sub(r"\n\s*\n", "\n", file.read_text().strip())
    text = f"\n<figcaption>\n\n{' '.join(caption.split())}\n\n</figcaption>" if caption else ""
    return f"\n<figure>\n{svg}{text}\n</figure>\n"


def _lines(step: str, path: str) -> str:
    """A step's solution line by line, as HTML that brings its style and its script."""
    file = OUTPUTS / f"step_{step}_lines.html"
    if not file.exists():
        raise BookError(f"{path}: there is no {file.name}; `python -m book refresh lines` computes it")
    parts = [f"<style>\n{style()}</style>", file.read_text(encoding="utf-8"), f"<script>\n{script()}</script>"]
    # A blank line would end the HTML block for Markdown.
    block = re.sub(r"\n\s*\n", "\n", "\n".join(parts))
    return f"<details><summary>See it run</summary>\n<div>\n{block}\n</div>\n</details>\n"


def fill_in(
    text: str,
    path: str,
    formula: Callable[[str, bool], str] | None = None,
    figure: Callable[[str, str, str], str] | None = None,
    lines: Callable[[str, str], str] | None = None,
) -> str:
    """Replaces the directives in a chapter.

    Args:
        text: the chapter.
        path: its file, relative to the book's source.
        formula: makes a formula from LaTeX and whether it is displayed on its own line; MathML by default.
        figure: makes a figure from its name, its caption and the path; HTML by default.
        lines: shows the solution of a step, by its label and the path, line by line; HTML by default.

    Raises:
        BookError: something does not exist.
    """
    makers = formula or _mathml, figure or _figure, lines or _lines
    return "".join(part if is_code else _fill_in_prose(part, path, *makers) for part, is_code in split(text))


def split(text: str) -> Iterator[tuple[str, bool]]:
    """Splits Markdown into prose and code; the flag is True for code."""
    end = 0
    for match in _CODE.finditer(text):
        yield text[end : match.start()], False
        yield match[0], True
        end = match.end()
    yield text[end:], False


def _fill_in_prose(
    text: str,
    path: str,
    formula: Callable[[str, bool], str],
    figure: Callable[[str, str, str], str],
    lines: Callable[[str, str], str],
) -> str:
    shown: list[str] = []

    def replace(match: re.Match[str]) -> str:
        kind, name, rest = match[1], match[2] or "", match[3] or ""
        step = chapter_number(path)
        if kind == "number":
            return number(name, path)
        if kind == "api":
            try:
                return f"[`{name}`]({api_url(name)})"
            except LookupError as error:
                raise BookError(f"{path}: {error}") from None
        if kind == "figure":
            return figure(name, rest, path)
        if kind == "show":
            # Code is no prose: it is put in when formulas have been made.
            shown.append(lines(name, path))
            return f"\x00{len(shown) - 1}\x00"
        if kind == "phrasebook":
            shown.append(phrasebook())
            return f"\x00{len(shown) - 1}\x00"
        if kind == "course":
            return course_list()
        if step is None:
            raise BookError(f"{path}: only the chapter of a step has {'steps after it' if kind == 'left' else 'tasks'}")
        if kind == "left":
            return steps_left(step)
        return "\n".join(f"{index}. {task}" for index, task in enumerate(tasks_of(step), 1))

    # Formulas may contain numbers, so directives come first.
    text = _DIRECTIVE.sub(replace, text)
    text = _DISPLAY.sub(lambda match: formula(_upright_names(match[1]), True), text)
    text = _INLINE.sub(lambda match: formula(_upright_names(match[1]), False), text)
    return re.sub(r"\x00(\d+)\x00", lambda match: shown[int(match[1])], text)


def _upright_names(latex: str) -> str:
    """Typesets names of several letters as words, not as products of letters."""

    def replace(match: re.Match[str]) -> str:
        name = match[0].replace("\\_", "_")  # inside \\text an underscore is itself
        return match[0] if match[0].startswith("\\") else f"\\text{{{name}}}"

    return _NAME.sub(replace, latex)


def _mathml(latex: str, display: bool) -> str:
    math = convert(" ".join(latex.split()), display="block" if display else "inline")
    # As entities, underscores and asterisks are safe from Markdown.
    math = math.replace("_", "&#95;").replace("*", "&#42;")
    return f'\n\n<div class="formula">{math}</div>\n\n' if display else math


class Chapter(TypedDict):
    """A chapter as mdBook hands it over, but for what is not needed here."""

    path: str | None
    content: str
    sub_items: list[object]


def _chapters(items: list[object]) -> Iterator[Chapter]:
    for item in items:
        if isinstance(item, dict) and "Chapter" in item:
            yield item["Chapter"]
            yield from _chapters(item["Chapter"]["sub_items"])


def main() -> None:
    """Follows mdBook's protocol: reads a context and a book, and writes the book."""
    if sys.argv[1:2] == ["supports"]:
        sys.exit(0 if sys.argv[2:] == ["html"] else 1)
    _, book = json.load(sys.stdin)
    errors = []
    for chapter in _chapters(book.get("items") or book["sections"]):
        try:
            if path := chapter.get("path"):
                chapter["content"] = fill_in(chapter["content"], path)
        except BookError as error:
            errors.append(f"ERROR {error}")
    if errors:
        sys.exit("\n".join(errors))
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    main()
