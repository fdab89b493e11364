"""Writes the stubs of a step: files that run as they are, in which a word marks what has to be filled in.

The stubs are a whole step of their own, a function that doubles each number of a list, so that its check, its
stored numbers and its chapter can be made before anything is written. No file is ever overwritten.
"""

import ast
import json
import keyword
import re
from collections.abc import Sequence
from pathlib import Path

from book import agents, study_prompts
from tutor.course import Step
from tutor.dev import source
from tutor.dev.files import COURSE_FILE, GUIDE_FILE, ORACLE_FILE, files_of
from tutor.dev.lists import LISTS, parts_of
from tutor.errors import CourseError
from tutor.learner.skeleton import skeleton_of

_TEMPLATES = Path(__file__).parent / "templates"
# What a title may not hold: it stands in Python strings, in tables and in links.
_FORBIDDEN = re.compile(r'["\\|\[\]`$<>\n\r\t]')

# The new text of each file that is written.
Texts = dict[Path, str]


def new_step(number: int, title: str, part: str, course: Sequence[Step]) -> Step:
    """The step that is added at the end of a course.

    Raises:
        CourseError: the number is taken or leaves a hole, or title or part do not fit; the message says which would.
    """
    following = len(course)
    if number < following:
        raise CourseError(f"step {number:02d} exists: {course[number].title}. The next number is {following:02d}")
    if number > following:
        raise CourseError(f"step {number:02d} would leave a hole: the next number is {following:02d}")
    for what, text in (("title", title), ("part", part)):
        if not text.strip() or text != text.strip() or len(text) > 60 or _FORBIDDEN.search(text):
            raise CourseError(
                f'the {what} {text!r} must be one line of 1 to 60 characters, without " \\ | [ ] ` $ < > '
                "and without spaces at its ends"
            )
    if title in (step.title for step in course):
        raise CourseError(f"there is a step {title!r} already")
    parts = parts_of(course)
    if part in parts[:-1]:
        raise CourseError(f"the part {part!r} has ended: take {parts[-1]!r}, which is the last, or a new name")
    if part not in parts and study_prompts.slug(part) in map(study_prompts.slug, parts):
        raise CourseError(f"the part {part!r} would share its file of prompts with another; choose another name")
    return Step(number, title, part)


def texts_of_new(step: Step, course: Sequence[Step]) -> Texts:
    """Everything that adding a step writes: its entry in the course, the lists, its stubs, and its part's prompt."""
    longer = (*course, step)
    entry = f"    Step({step.number}, {_literal(step.title)}, {_literal(step.part)}),\n"
    texts = {COURSE_FILE: source.append_entry(_read(COURSE_FILE), "COURSE", entry)}
    texts |= {steps.file: steps.updated(longer) for steps in LISTS}
    texts |= texts_of_missing(step, longer)
    texts[agents.AGENTS] = agents.filled(_read(agents.AGENTS), longer)
    if step.part in study_prompts.GUIDES:
        texts[study_prompts.file(step.part)] = study_prompts.prompt(step.part, longer)
    _check_syntax(texts)
    return texts


def texts_of_missing(step: Step, course: Sequence[Step]) -> Texts:
    """The stubs of what a step lacks: files, its oracle, and the guide of its part."""
    files = files_of(step)
    names = ("solution", "hints", "check", "chapter", "example")
    templates = {
        file: f"{name}{file.suffix}.txt" for name, file in zip(names, files.written, strict=True) if not file.exists()
    }
    texts = {file: _filled(template, step) for file, template in templates.items()}
    if not files.skeleton.exists():
        texts[files.skeleton] = skeleton_of(texts.get(files.solution) or _read(files.solution), step.number)
    oracles = _read(ORACLE_FILE)
    # A check that is there says whether it compares numbers.
    compares = files.check in texts or bool(step.check.cases)
    if compares and step.number not in source.keys(oracles, "ORACLES"):
        if f"step_{step.label}" not in source.defined_names(oracles):
            oracles = source.insert_before(oracles, "ORACLES", _filled("oracle.py.txt", step))
        texts[ORACLE_FILE] = source.append_entry(oracles, "ORACLES", f"    {step.number}: step_{step.label},\n")
    if step.part not in study_prompts.GUIDES:
        texts[GUIDE_FILE] = source.append_entry(_read(GUIDE_FILE), "GUIDES", _filled("guide.py.txt", step))
    _check_syntax(texts)
    return texts


def function_name(title: str) -> str:
    """The name of the function in the stubs: "Cross entropy" gives `cross_entropy`."""
    name = study_prompts.slug(title).strip("_")
    return name if name.isidentifier() and not keyword.iskeyword(name) else "compute"


def _filled(template: str, step: Step) -> str:
    values = {
        "label": step.label,
        "number": str(step.number),
        "title": step.title,
        "function": function_name(step.title),
        "part_literal": _literal(step.part),
    }
    text = _read(_TEMPLATES / template)
    return re.sub(r"@([a-z_]+)@", lambda match: values[match[1]], text)


def _literal(text: str) -> str:
    """A text as Python writes it between double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _check_syntax(texts: Texts) -> None:
    """Nothing is written that Python cannot read: an error here is this module's."""
    for file, text in texts.items():
        if file.suffix == ".py":
            ast.parse(text, filename=str(file))
