"""What is missing or out of date in a step's code: solution, skeleton, hints, check, oracle and stored numbers."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from tutor.checking import stored_numbers
from tutor.checking.spec import Check
from tutor.course import CONFIGURATION, COURSE, HINTS, Step
from tutor.dev import source
from tutor.dev.files import ORACLE_FILE, files_of
from tutor.dev.problem import Problem, shown, unfilled
from tutor.learner.skeleton import skeleton_of
from tutor.learner.workspace import REPOSITORY

HINT_COUNT = 3
# A terminal's width.
HINT_WIDTH = 80
# Tasks that ask for no code, so that no message of the skeleton names them: the first of step 01 is to read the fields.
READING_TASKS: Mapping[int, frozenset[int]] = {CONFIGURATION: frozenset({1})}

_TASK = re.compile(r"^    (\d+)\. ", flags=re.MULTILINE)


def code_problems(step: Step) -> Iterator[Problem]:
    """What is wrong with the code of a step."""
    files = files_of(step)
    for file in files.written:
        if not file.exists():
            yield Problem(file, "is missing", f"python -m tutor.dev stubs {step.label}")
    if files.solution.exists():
        yield from _solution_problems(step)
    if files.hints.exists():
        yield from _hint_problems(step)
    if files.check.exists():
        yield from _check_problems(step)


def _solution_problems(step: Step) -> Iterator[Problem]:
    file, skeleton_file = files_of(step).solution, files_of(step).skeleton
    text = file.read_text(encoding="utf-8")
    yield from unfilled(file)
    try:
        docstring = ast.get_docstring(ast.parse(text)) or ""
        skeleton = skeleton_of(text, step.number)
    except SyntaxError as error:
        yield Problem(file, f"is not Python: {error}", "correct the line")
        return
    except ValueError as error:
        yield Problem(file, f"has no skeleton: {error}", "write the comment, which becomes the skeleton's message")
        return
    if not skeleton_file.exists() or skeleton_file.read_text(encoding="utf-8") != skeleton:
        what = "is not what the solution gives" if skeleton_file.exists() else "is missing"
        yield Problem(skeleton_file, what, f"python -m tutor.dev skeletons {step.label}")
    if not docstring.startswith(f"Step {step.label}: "):
        yield Problem(file, "does not begin with its number", f'begin the docstring with "Step {step.label}: "')
    run = f"Run: `pixi run s{step.label}` or `make s{step.label}`"
    if not docstring.endswith(run):
        yield Problem(file, "does not end its docstring with its command", f'end it with "{run}"')
    yield from _task_problems(step, docstring, skeleton)
    earlier = {f"solutions.{files_of(other).solution.stem}" for other in COURSE if other.number < step.number}
    for module in _imports_from_here(text):
        if module not in earlier:
            yield Problem(file, f"imports {module}", "import from earlier solutions only, as the learner will")


def _task_problems(step: Step, docstring: str, skeleton: str) -> Iterator[Problem]:
    file = files_of(step).solution
    block = docstring.partition("\nTasks:\n")[2].partition("\n\n")[0]
    tasks = [int(number) for number in _TASK.findall(block)]
    if not tasks or tasks != list(range(1, len(tasks) + 1)):
        yield Problem(
            file,
            f"numbers its tasks {tasks}",
            'list them in the docstring under "Tasks:", numbered from 1, with 4 spaces',
        )
        return
    for number, text in enumerate(re.split(_TASK.pattern, block, flags=re.MULTILINE)[2::2], 1):
        if not text.rstrip().endswith((".", "?")):
            yield Problem(file, f"has a task {number} that does not end as a sentence", "end it with a full stop")
    named: set[int] = set()
    for first, word, last in re.findall(rf'"step {step.label}, tasks? (\d+)(?: (and|to) (\d+))?:', skeleton):
        named |= set(range(int(first), int(last) + 1)) if word else {int(first)}
    wanted = set(tasks) - READING_TASKS.get(step.number, frozenset())
    if named != wanted:
        yield Problem(
            file,
            f"has bodies for the tasks {_words(named)} and lists {_words(wanted)}",
            "begin each body with a comment such as `# Task 1: what to write.`, and list each task in the docstring",
        )


def _imports_from_here(text: str) -> Iterator[str]:
    """The modules of this repository that a file imports, whatever it takes from them."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            modules = [node.module or "."] if isinstance(node, ast.ImportFrom) else []
        for module in modules:
            if module == "." or (REPOSITORY / module.partition(".")[0]).is_dir():
                yield module


def _hint_problems(step: Step) -> Iterator[Problem]:
    file = HINTS / f"step_{step.label}.md"
    yield from unfilled(file)
    text = file.read_text(encoding="utf-8")
    headings = re.findall(r"^#.*$", text, flags=re.MULTILINE)
    wanted = [f"# Step {step.label}: hints", *(f"## Hint {number}" for number in range(1, HINT_COUNT + 1))]
    if [heading for heading in headings if heading.startswith(("# Step", "## Hint"))] != wanted:
        yield Problem(
            file, f"has {len(step.hints)} hints and not {HINT_COUNT}", f"give it the headings {', '.join(wanted)}"
        )
    elif "" in step.hints or len(set(step.hints)) != HINT_COUNT:
        yield Problem(file, "has hints that are empty or the same", f"write {HINT_COUNT} different ones")
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > HINT_WIDTH:
            yield Problem(
                file, f"has {len(line)} characters in line {number}", f"break it: {HINT_WIDTH} fit a terminal"
            )


def _check_problems(step: Step) -> Iterator[Problem]:
    file, solution = files_of(step).check, files_of(step).solution
    yield from unfilled(file)
    try:
        check = step.check
    except Exception as error:  # whatever a file under construction raises when it is imported
        yield Problem(
            file, f"cannot be imported: {type(error).__name__}: {error}", "correct it; see tutor/checking/spec.py"
        )
        return
    if not isinstance(check, Check):
        yield Problem(file, "assigns CHECK something else than a Check", "see tutor/checking/spec.py")
        return
    if not check.names:
        yield Problem(file, "names nothing that the step defines", "list the names in CHECK's `names`")
    if solution.exists():
        try:
            defined = source.defined_names(solution.read_text(encoding="utf-8"))
        except SyntaxError:
            return  # told of the solution
        for name in check.names:
            if name not in defined:
                yield Problem(
                    file, f"asks for {name}, which {shown(solution)} does not define", "correct one of the two"
                )
    subjects = {subject.name for subject in check.subjects}
    for case in check.cases:
        if case.subject not in subjects:
            yield Problem(
                file, f"has a case of {case.subject!r}, which is no subject", "add the subject, or correct the case"
            )
            return
    if check.cases:
        yield from _number_problems(step, [case.name for case in check.cases])


def _number_problems(step: Step, cases: Iterable[str]) -> Iterator[Problem]:
    """A check that compares numbers has an oracle, and the numbers that it gave for the same cases."""
    oracles = _oracles()
    if oracles is not None and step.number not in oracles:
        yield Problem(
            ORACLE_FILE,
            f"has no oracle for step {step.label}",
            f"python -m tutor.dev stubs {step.label}",
        )
    file, command = stored_numbers.path(step.number), f"python -m tutor.oracle --step {step.number}"
    if not file.exists():
        yield Problem(file, "is missing: the check has no numbers to compare with", command)
        return
    try:
        stored = stored_numbers.load_arrays(step.number)
    except (OSError, ValueError) as error:
        yield Problem(file, f"cannot be read: {error}", command)
        return
    kept = {key.removeprefix("outputs/").rpartition("/")[0] for key in stored if key.startswith("outputs/")}
    for case in cases:
        if case not in kept:
            yield Problem(file, f"lacks the case {case!r} of the check", command)
    for case in sorted(kept - set(cases)):
        yield Problem(file, f"has the case {case!r}, which the check has not", command)


def oracle_problems(course: Iterable[Step]) -> Iterator[Problem]:
    """What is wrong with the oracle's file itself."""
    yield from unfilled(ORACLE_FILE)
    known = {step.number for step in course}
    oracles = _oracles()
    if oracles is None:
        yield Problem(ORACLE_FILE, "is not Python", f"correct it: python {shown(ORACLE_FILE)} says which line")
        return
    for number in oracles:
        if number not in known:
            yield Problem(ORACLE_FILE, f"has an oracle for {number}, which is no step", "take it out of ORACLES")


def stray_files(course: Iterable[Step]) -> Iterator[Problem]:
    """Files of steps that the course does not have."""
    labels = {step.label for step in course}
    for pattern in (
        "steps/step_*.py", "solutions/solution_*.py", "tutor/hints/step_*.md", "tutor/checks/step_*.py",
        "tutor/oracle/step_*.npz", "book/src/step_*.md", "book/examples/step_*.py",
    ):  # fmt: skip
        for file in sorted(REPOSITORY.glob(pattern)):
            if file.stem.rpartition("_")[2] not in labels:
                yield Problem(file, "belongs to no step", "add its Step to tutor/course.py, or remove the file")


def _oracles() -> list[str | int] | None:
    """The steps that have an oracle, read from its file: to import it would import torch. None if it is not Python."""
    try:
        return source.keys(ORACLE_FILE.read_text(encoding="utf-8"), "ORACLES")
    except SyntaxError:
        return None


def _words(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "none"
