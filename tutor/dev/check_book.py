"""What is missing or out of date in the book: a step's chapter, what the pages include, and the study guide."""

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from book import agents, study_prompts
from book.paths import EXAMPLES, FIGURES, NUMBERS, OUTPUTS, SOURCE
from tutor.course import Step
from tutor.dev import source
from tutor.dev.files import GUIDE_FILE, files_of, output_file, outputs_of
from tutor.dev.lists import parts_of
from tutor.dev.problem import Problem, shown, unfilled

# The headings of every chapter, in order.
SECTIONS = (
    "What you will build",
    "Why it exists",
    "The idea",
    "The formula",
    "Shapes",
    "MAX operations",
    "Tasks",
    "The step file",
    "Run it",
    "Common errors",
    "Check your understanding",
    "The solution",
    "In production",
    "Next",
)
# What a learner meets in every chapter: the messages of at least two mistakes, and a few questions.
FEWEST_ERRORS, FEWEST_QUESTIONS, MOST_QUESTIONS = 2, 3, 5

# What each step's chapter shows beside the captures that its example names.
OUTPUTS_OF_STEP = ("example", "first", "pass")

_INCLUDE = re.compile(r"\{\{#include ([^}:\s]+)(?::([^}\s]+))?\}\}")


def chapter_problems(step: Step, following: Step | None) -> Iterator[Problem]:
    """What is wrong with the chapter of a step: its headings, and what each section has to hold.

    Args:
        step: whose chapter.
        following: the step after it, to which the chapter links.
    """
    files = files_of(step)
    file, label = files.chapter, step.label
    if not file.exists():
        return  # told with the other files of the step
    text = file.read_text(encoding="utf-8")
    yield from unfilled(file)
    title = f"# Step {label}: {step.title}"
    if text.splitlines()[:1] != [title]:
        yield Problem(file, "does not begin with the step's title", f"make {title!r} its first line")
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    if headings != list(SECTIONS):
        missing = [heading for heading in SECTIONS if heading not in headings]
        foreign = [heading for heading in headings if heading not in SECTIONS]
        what = f"lacks the section {missing[0]!r}" if missing else "has the sections in another order"
        if foreign:
            what += f" and has {foreign[0]!r}"
        yield Problem(file, what, f"give it the headings of all chapters: {', '.join(SECTIONS)}")
        return
    sections = sections_of(text)
    for heading in SECTIONS:
        if not sections[heading].strip():
            yield Problem(file, f"has nothing in the section {heading!r}", "write it")
    for heading, wanted in _contents(step, following):
        if wanted not in " ".join(sections[heading].split()):
            yield Problem(file, f"lacks {wanted} in the section {heading!r}", "add it")
    shown_outputs = sections["Common errors"].count("{{#include ../outputs/")
    if shown_outputs < FEWEST_ERRORS:
        yield Problem(
            file,
            f"shows {shown_outputs} outputs in the section 'Common errors' and not {FEWEST_ERRORS} or more",
            f"add Captures to {shown(files.example)}, and include what they print",
        )
    questions = sections["Check your understanding"]
    count = questions.count("<details>")
    if not FEWEST_QUESTIONS <= count <= MOST_QUESTIONS or questions.count("<summary>") != count:
        yield Problem(
            file,
            f"has {count} questions in the section 'Check your understanding'",
            f"write {FEWEST_QUESTIONS} to {MOST_QUESTIONS}, each in <details> with a <summary>",
        )
    if files.solution.exists():
        used = set(re.findall(r"\bF\.\w+", files.solution.read_text(encoding="utf-8").partition('"""\n\n')[2]))
        linked = set(re.findall(r"\{\{api:([\w.]+)\}\}", sections["MAX operations"]))
        for operation in sorted(used - linked):
            yield Problem(
                file,
                f"does not explain {operation}, which the solution uses",
                f"add {{{{api:{operation}}}}} to the section 'MAX operations'",
            )


def sections_of(text: str) -> Mapping[str, str]:
    """The text below each second-level heading of a chapter."""
    _, *parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _contents(step: Step, following: Step | None) -> list[tuple[str, str]]:
    """What has to stand in which section."""
    label = step.label
    wanted = [
        ("The idea", f"../outputs/step_{label}_example.txt"),
        ("Tasks", "{{tasks}}"),
        ("The step file", f"{{{{#include ../../steps/step_{label}.py}}}}"),
        ("Run it", f"`pixi run s{label}`"),
        ("Run it", f"`make s{label}`"),
        ("Run it", f"{{{{#include ../outputs/step_{label}_first.txt}}}}"),
        ("Run it", f"{{{{#include ../outputs/step_{label}_pass.txt}}}}"),
        ("The solution", "<details>"),
        ("The solution", f"{{{{#include ../../solutions/solution_{label}.py}}}}"),
    ]
    return wanted if following is None else [*wanted, ("Next", f"(step_{following.label}.md)")]


def example_problems(step: Step) -> Iterator[Problem]:
    """What is wrong with a chapter's example, and whether its outputs are there."""
    file = files_of(step).example
    if not file.exists():
        return
    yield from unfilled(file)
    refresh = f"python -m book refresh --chapter {file.stem}"
    for output in outputs_of(file.stem):
        for problem in unfilled(output):
            yield Problem(output, problem.what, refresh)
    captures = captures_of(file)
    if captures is None:
        yield Problem(file, "is not Python", f"correct it: python {shown(file)} says which line")
        return
    for name in (*OUTPUTS_OF_STEP, *captures):
        if not output_file(file.stem, name).exists():
            yield Problem(output_file(file.stem, name), "is missing", refresh)
    if file.stem not in _numbers():
        yield Problem(NUMBERS, f"has no entry for {file.stem}", refresh)


def captures_of(example: Path) -> list[str] | None:
    """The names of the captures that an example asks for, read and not run; None if it is missing or not Python."""
    try:
        return [str(name) for name in source.keys(example.read_text(encoding="utf-8"), "CAPTURES")]
    except (FileNotFoundError, SyntaxError):
        return None


def page_problems(pages: Mapping[str, str], told: Container[Path]) -> Iterator[Problem]:
    """What the pages include and ask for and is not there, and what is kept and shown nowhere.

    Args:
        pages: the text of each page, by the name of its file.
        told: files that are missed elsewhere, so that nothing is said of them here.
    """
    numbers, all_text = _numbers(), "\n".join(pages.values())
    for name, text in pages.items():
        file, chapter = SOURCE / name, Path(name).stem
        for path, anchor in _INCLUDE.findall(text):
            included = (SOURCE / path).resolve()
            if not included.exists():
                if included not in told:
                    yield Problem(file, f"includes {path}, which is missing", _fix_of_include(included))
            elif anchor and not re.search(rf"ANCHOR: {re.escape(anchor)}\s*$", included.read_text(), re.MULTILINE):
                yield Problem(
                    file, f"includes the part {anchor!r} of {path}", f"mark it there with `# ANCHOR: {anchor}`"
                )
        for number in re.findall(r"\{\{number:([^\s}]+)\}\}", text):
            owner, _, key = number.rpartition(".")
            if key not in numbers.get(owner or chapter, {}):
                yield Problem(
                    file,
                    f"asks for the number {number}, which is not stored",
                    f"add it to NUMBERS in book/examples/{owner or chapter}.py, then "
                    f"python -m book refresh --chapter {owner or chapter}",
                )
        for figure in re.findall(r"\{\{figure:(\w+)", text):
            if not (FIGURES / f"{figure}.svg").exists():
                yield Problem(
                    file, f"shows the figure {figure}, which is missing", f"python -m book refresh --chapter {chapter}"
                )
        for number in numbers.get(chapter, {}):
            if f"{{{{number:{number}}}}}" not in text and f"{{{{number:{chapter}.{number}}}}}" not in all_text:
                yield Problem(
                    NUMBERS,
                    f"has {chapter}.{number}, which is shown nowhere",
                    f"show it in {shown(file)}, or take it out of book/examples/{chapter}.py and refresh the chapter",
                )
    made = _made_outputs()
    for output in sorted(OUTPUTS.glob("*.txt")):
        if output not in made:
            yield Problem(output, "is made by nothing", "name it in CAPTURES of its chapter's example, or remove it")
        chapter = re.match(r"step_\d\d", output.name)
        if f"../outputs/{output.name}" not in all_text and not (chapter and SOURCE / f"{chapter[0]}.md" in told):
            yield Problem(output, "is shown nowhere", "include it in a chapter, or remove it and what makes it")
    for example in sorted(EXAMPLES.glob("[!_]*.py")):
        if f"{example.stem}.md" not in pages and SOURCE / f"{example.stem}.md" not in told:
            yield Problem(example, "belongs to no page", f"write book/src/{example.stem}.md, or remove it")


def _made_outputs() -> set[Path]:
    """The outputs that `python -m book refresh` writes.

    An example that is missing or cannot be read may have made any output of its chapter.
    """
    made = set()
    for chapter in {file.stem for file in (*EXAMPLES.glob("[!_]*.py"), *SOURCE.glob("*.md"))}:
        captures = captures_of(EXAMPLES / f"{chapter}.py")
        if captures is None:
            made |= set(outputs_of(chapter))
        else:
            own = OUTPUTS_OF_STEP if re.fullmatch(r"step_\d\d", chapter) else ("example",)
            made |= {output_file(chapter, name) for name in (*own, *captures)}
    return made


def _fix_of_include(file: Path) -> str:
    if file.parent == OUTPUTS:
        return f"python -m book refresh --chapter {file.stem.rpartition('_')[0]}"
    return f"write {file.name}, or correct the path"


def pages() -> dict[str, str]:
    """The text of every page of the book, by the name of its file."""
    return {
        file.name: file.read_text(encoding="utf-8") for file in sorted(SOURCE.glob("*.md")) if file.name != "SUMMARY.md"
    }


def summary_problems(names: Sequence[str]) -> Iterator[Problem]:
    """Pages that the book's contents leave out."""
    summary = SOURCE / "SUMMARY.md"
    listed = re.findall(r"\(([\w.-]+\.md)\)", summary.read_text(encoding="utf-8"))
    for name in names:
        if name not in listed and not re.fullmatch(r"step_\d\d\.md", name):
            yield Problem(
                summary, f"does not list {name}", f"add a line for it below the last chapter of {summary.name}"
            )


def guide_problems(course: Sequence[Step]) -> Iterator[Problem]:
    """What is wrong with the guide to studying with an assistant: a prompt for each part of the course."""
    yield from unfilled(GUIDE_FILE)
    parts = parts_of(course)
    for part in parts:
        if part not in study_prompts.GUIDES:
            (first, *_) = (step for step in course if step.part == part)
            yield Problem(GUIDE_FILE, f"has no guide for the part {part!r}", f"python -m tutor.dev stubs {first.label}")
            continue
        file = study_prompts.file(part)
        if not file.exists() or file.read_text(encoding="utf-8") != study_prompts.prompt(part, course):
            what = "is out of date" if file.exists() else "is missing"
            yield Problem(file, what, "python -m book refresh prompts")
    for part in study_prompts.GUIDES:
        if part not in parts:
            yield Problem(GUIDE_FILE, f"has a guide for {part!r}, which is no part", "take it out of GUIDES")
    try:
        if agents.AGENTS.read_text(encoding="utf-8") != agents.filled(
            agents.AGENTS.read_text(encoding="utf-8"), course
        ):
            yield Problem(agents.AGENTS, "is out of date", "python -m book refresh prompts")
    except agents.MissingBlockError as error:
        yield Problem(agents.AGENTS, f"cannot be compared: {error}", "restore the comments")
    made = {study_prompts.file(part) for part in parts}
    for file in sorted(study_prompts.PROMPTS.glob("*.txt")):
        if file not in made:
            yield Problem(file, "is the prompt of no part of the course", "remove it")


def _numbers() -> dict[str, dict[str, str]]:
    return json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
