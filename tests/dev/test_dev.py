"""`python -m tutor.dev`, in copies of the repository: it adds a step, and it names what is missing with the fix."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from tests.support.repository import ENVIRONMENT
from tutor.course import COURSE
from tutor.dev.check import course_problems, step_problems
from tutor.learner.workspace import REPOSITORY

# What is no part of the repository, or is built from it.
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".tutor", ".pixi", "__pycache__", ".*_cache", "build", "node_modules"
)

NUMBER, LAST = len(COURSE), COURSE[-1]
LABEL = f"{NUMBER:02d}"
TITLE, PART = "Running total", "Sums"


def copy_of_the_repository(root: Path) -> Path:
    copy = root / "copy"
    shutil.copytree(REPOSITORY, copy, ignore=LEFT_OUT, symlinks=True)
    return copy


def shared(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A copy of the repository that `make` has changed. The test processes share it; none of them changes it."""
    base = tmp_path_factory.getbasetemp()
    # Each process of a parallel run has a folder of its own inside the run's.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    made = folder / "made"
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            make(copy_of_the_repository(folder))
            made.touch()
    return folder / "copy"


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in a copy, on the copy's own modules."""
    environment = ENVIRONMENT | {"PYTHONPATH": str(copy)}
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def dev(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(copy, "-m", "tutor.dev", *arguments)


def replace(file: Path, *pairs: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in pairs:
        assert old in text, f"{file.name} has no {old!r}"
        text = text.replace(old, new, 1)
    file.write_text(text)


# --- the repository itself ----------------------------------------------------------------------


@pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)
def test_nothing_is_missing_from_a_step(step):
    found = [str(problem) for problem in step_problems(step)]
    assert not found, "\n".join(found)


def test_nothing_is_missing_from_what_the_steps_share():
    found = [str(problem) for problem in course_problems()]
    assert not found, "\n".join(found)


def test_check_needs_neither_max_nor_torch():
    code = "import sys; from tutor.dev.check import problems; problems(); " \
        "print(sorted({'max', 'torch', 'transformers', 'matplotlib'} & set(sys.modules)))"  # fmt: skip
    assert run(REPOSITORY, "-c", code).stdout.strip() == "[]"


def test_nothing_imports_the_maintainers_tools():
    importing = [
        file
        for folder in ("tutor", "book", "benchmarks", "solutions", "steps", "checkpoints")
        for file in (REPOSITORY / folder).rglob("*.py")
        if re.search(r"^\s*(from|import) tutor\.dev\b", file.read_text(), flags=re.MULTILINE)
    ]
    assert {file.parent for file in importing} == {REPOSITORY / "tutor/dev"}


# --- adding a step ------------------------------------------------------------------------------

SOLUTION = f'''"""Step {LABEL}: the running total.

Tasks:
    1. `add`: the sum of two numbers.
    2. `running_total`: the sum of each number and all before it, with `add`.

Run: `pixi run s{LABEL}` or `make s{LABEL}`
"""


def add(a: float, b: float) -> float:
    """The sum of two numbers."""
    # Task 1: add the two.
    return a + b


def running_total(x: list[float]) -> list[float]:
    """The sum of each number and all before it: y_i = x_1 + ... + x_i.

    Args:
        x: any numbers, `[length]`.

    Returns:
        As many numbers, `[length]`.
    """
    # Task 2: keep a total, and list it after each number.
    totals, total = [], 0.0
    for value in x:
        total = add(total, value)
        totals.append(total)
    return totals
'''


def without_marker(text: str) -> str:
    """A stub with other words in place of those that ask for something."""
    return re.sub(r"TODO: ", "Written: ", text.replace("TODO,", "Numbers,"))


def fill_in(copy: Path) -> None:
    """Does what the stubs ask for: a small step in plain Python, with a chapter of a few words."""
    name = f"step_{LABEL}"
    (copy / f"solutions/solution_{LABEL}.py").write_text(SOLUTION)
    for file in (f"tutor/hints/{name}.md", f"book/src/{name}.md", "book/study_prompts.py"):
        (copy / file).write_text(without_marker((copy / file).read_text()))
    check = copy / f"tutor/checks/{name}.py"
    check.write_text(without_marker(check.read_text()))
    replace(
        check,
        ('names=("running_total",)', 'names=("add", "running_total")'),
        ("factor: float = 2.0", "summed: bool = True"),
        ('return {"y": factor * inputs["x"]}', 'return {"y": inputs["x"].cumsum() if summed else inputs["x"]}'),
        ('{"factor": 1.0}', '{"summed": False}'),
        ("a known mistake, which completes the sentence 'This is ...'", "a list without its sums"),
    )
    oracle = copy / "tutor/oracle/hugging_face.py"
    oracle.write_text(without_marker(oracle.read_text()))
    replace(oracle, ('tensor(inputs["x"]) * 2', 'torch.cumsum(tensor(inputs["x"]), dim=0)'))
    example = copy / f"book/examples/{name}.py"
    example.write_text(without_marker(example.read_text()))
    replace(
        example,
        ("print([2 * value for value in x])", "print([sum(x[: i + 1]) for i in range(len(x))])"),
        ('LINE = "return [2 * value for value in x]"', 'LINE = "return totals"'),
        ('"return [2 * value for value in x[1:]]"', '"return totals[1:]"'),
    )
    replace(copy / f"book/src/step_{LAST.label}.md", ("## Next\n", f"## Next\n\n[Step {LABEL}]({name}.md).\n"))


def add_step(copy: Path) -> None:
    added = dev(copy, "new", LABEL, TITLE, "--part", PART)
    assert added.returncode == 0, added.stderr


@pytest.fixture(scope="module")
def with_stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which `new` has added a step."""
    return shared(tmp_path_factory, "stubs", add_step)


@pytest.fixture(scope="module")
def with_step(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the step filled in, and with all that is made by commands made by the commands that `new` names."""
    pytest.importorskip("transformers")

    def make(copy: Path) -> None:
        add_step(copy)
        fill_in(copy)
        for command in (
            ("tutor.dev", "skeletons", LABEL),
            ("tutor.oracle", "--step", str(NUMBER)),
            ("book", "refresh", "--chapter", f"step_{LABEL}"),
        ):
            done = run(copy, "-m", *command)
            assert done.returncode == 0, done.stderr

    return shared(tmp_path_factory, "filled", make)


def test_new_changes_nothing_but_lists_and_names_each_file(with_stubs: Path):
    changed, written = set(), set()
    for file in with_stubs.rglob("*"):
        original = REPOSITORY / file.relative_to(with_stubs)
        if file.is_dir() or "__pycache__" in file.parts:
            continue
        if not original.exists():
            written.add(file.relative_to(with_stubs).as_posix())
        elif file.read_bytes() != original.read_bytes():
            changed.add(file.relative_to(with_stubs).as_posix())
            # Lines are added, and none is lost.
            assert set(original.read_text().splitlines()) <= set(file.read_text().splitlines()), file
    assert written == {
        f"solutions/solution_{LABEL}.py", f"steps/step_{LABEL}.py", f"tutor/checks/step_{LABEL}.py",
        f"tutor/hints/step_{LABEL}.md", f"book/src/step_{LABEL}.md", f"book/examples/step_{LABEL}.py",
    }  # fmt: skip
    assert changed == {
        "AGENTS.md", "tutor/course.py", "pixi.toml", "README.md", "book/src/SUMMARY.md",
        "book/src/study-with-an-assistant.md", "tutor/oracle/hugging_face.py", "book/study_prompts.py",
    }  # fmt: skip


def test_check_names_each_stub_and_what_is_not_made_yet(with_stubs: Path):
    checked = dev(with_stubs, "check")
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()[:-2]  # then an empty line, and how many there are
    for file in (
        f"solutions/solution_{LABEL}.py", f"tutor/checks/step_{LABEL}.py", f"tutor/hints/step_{LABEL}.md",
        f"book/src/step_{LABEL}.md", f"book/examples/step_{LABEL}.py", "tutor/oracle/hugging_face.py",
        "book/study_prompts.py",
    ):  # fmt: skip
        assert any(line.startswith(f"{file}: has TODO in ") for line in lines), file
    refresh = f"Fix: python -m book refresh --chapter step_{LABEL}"
    for name in ("example", "first", "pass", "not_doubled", "too_short"):
        assert f"book/outputs/step_{LABEL}_{name}.txt: is missing. {refresh}" in lines
    assert f"book/outputs/numbers.json: has no entry for step_{LABEL}. {refresh}" in lines
    assert any(line.endswith(f"Fix: python -m tutor.oracle --step {NUMBER}") for line in lines)
    assert f"book/src/step_{LAST.label}.md: lacks (step_{LABEL}.md) in the section 'Next'. Fix: add it" in lines
    assert "book/prompts/sums.txt: is missing. Fix: python -m book refresh prompts" in lines
    assert len(lines) == 16


def test_a_step_that_is_filled_in_is_complete(with_step: Path):
    checked = dev(with_step, "check")
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout == f"All {NUMBER + 1} steps have all their parts.\n"


def test_the_step_is_checked_like_any_other(with_step: Path):
    right = run(with_step, "-m", "tutor", f"s{LABEL}", "--solutions")
    assert right.returncode == 0 and "comparisons passed" in right.stdout, right.stdout + right.stderr
    as_it_comes = (with_step / f"book/outputs/step_{LABEL}_first.txt").read_text()
    assert f"Not filled in yet: step {LABEL}, task 2: running_total: keep a total" in as_it_comes
    mistaken = (with_step / f"book/outputs/step_{LABEL}_not_doubled.txt").read_text()
    assert "This is Written: a list without its sums" in mistaken
    with np.load(with_step / f"tutor/oracle/step_{LABEL}.npz") as stored:
        inputs, outputs = (
            stored[f"{kind}/running_total, length=5/{name}"] for kind, name in (("inputs", "x"), ("outputs", "y"))
        )
    np.testing.assert_allclose(outputs, np.cumsum(inputs), rtol=1e-6)


def test_the_code_of_the_step_is_formatted_and_linted(with_step: Path, with_stubs: Path):
    files = [f"solutions/solution_{LABEL}.py", f"tutor/checks/step_{LABEL}.py",
             f"book/examples/step_{LABEL}.py", "tutor/course.py", "tutor/oracle/hugging_face.py",
             "book/study_prompts.py"]  # fmt: skip
    for copy in (with_step, with_stubs):
        for command in (["check"], ["format", "--check"]):
            ruff = run(copy, "-m", "ruff", *command, *files)
            assert ruff.returncode == 0, ruff.stdout + ruff.stderr


def test_the_book_with_the_step_builds(with_step: Path, tmp_path: Path):
    built = run(with_step, "-m", "book", "build", "--output", str(tmp_path))
    assert built.returncode == 0, built.stderr
    assert "Running total" in (tmp_path / f"step_{LABEL}.html").read_text()


def test_make_and_pixi_have_the_step(with_step: Path):
    assert f's{LABEL} = "python -m tutor s{LABEL}"' in (with_step / "pixi.toml").read_text().splitlines()
    listed = subprocess.run(
        ["make", "--just-print", f"s{LABEL}", "ARGS="], cwd=with_step, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert f"-m tutor s{LABEL}" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((str(NUMBER + 1), "Something"), f"step {NUMBER + 1:02d} would leave a hole: the next number is {LABEL}"),
        (("3", "Something"), f"step 03 exists: {COURSE[3].title}. The next number is {LABEL}"),
        ((LABEL, LAST.title), "already"),
        ((LABEL, 'A "word"'), "must be one line"),
        ((LABEL, " "), "must be one line"),
        ((LABEL, "Something", "--part", COURSE[0].part), "has ended"),
        ((LABEL, "Something", "--part", COURSE[0].part.upper()), "share its file of prompts"),
        (("x", "Something"), "'x' is not the number of a step"),
    ],
)
def test_new_refuses_what_does_not_fit_and_writes_nothing(arguments: tuple[str, ...], told: str):
    before = (REPOSITORY / "tutor/course.py").read_text()
    refused = dev(REPOSITORY, "new", *arguments)
    assert refused.returncode in (1, 2) and told in refused.stderr and "Traceback" not in refused.stderr
    assert (REPOSITORY / "tutor/course.py").read_text() == before
    assert not (REPOSITORY / f"solutions/solution_{LABEL}.py").exists()


def test_new_does_not_overwrite_what_is_there(tmp_path: Path):
    copy = copy_of_the_repository(tmp_path)
    mine = copy / f"solutions/solution_{LABEL}.py"
    mine.write_text(SOLUTION)
    added = dev(copy, "new", LABEL, TITLE)
    assert added.returncode == 0 and mine.read_text() == SOLUTION
    # The skeleton is that of the solution that was there; a part that has a guide keeps it, and its prompt grows.
    assert "task 2: running_total: keep a total" in (copy / f"steps/step_{LABEL}.py").read_text()
    (prompt,) = [file for file in (copy / "book/prompts").iterdir() if f"- {LABEL} {TITLE}\n" in file.read_text()]
    assert f"This part of the course: {LAST.part}." in prompt.read_text()
    assert (copy / "book/study_prompts.py").read_text() == (REPOSITORY / "book/study_prompts.py").read_text()


# --- what check names ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Omission:
    """Something left out or out of date.

    Args:
        make: does it to a copy of the repository.
        told: the line that `check` prints, or its parts with `...` between.
    """

    make: Callable[[Path], None]
    told: str


def removed(name: str) -> Callable[[Path], None]:
    return lambda copy: (copy / name).unlink()


def edited(name: str, *pairs: tuple[str, str]) -> Callable[[Path], None]:
    return lambda copy: replace(copy / name, *pairs)


def without_case(copy: Path) -> None:
    file = copy / "tutor/oracle/step_11.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    case = next(key for key in arrays if key.startswith("outputs/")).split("/")[1]
    kept = {key.replace(f"/{case}/", "/of yesterday/"): array for key, array in arrays.items()}
    np.savez(file, allow_pickle=False, **kept)


def without_number(copy: Path) -> None:
    file = copy / "book/outputs/numbers.json"
    numbers = json.loads(file.read_text())
    numbers["step_05"].pop("merges")
    numbers["step_05"]["forgotten"] = "1"
    file.write_text(json.dumps(numbers))


# Each on a step or file of its own, so that one run of `check` finds them all.
OMISSIONS = (
    Omission(removed("steps/step_00.py"), "steps/step_00.py: is missing. Fix: python -m tutor.dev skeletons 00"),
    Omission(
        edited("steps/step_01.py", ("raise NotImplementedError", "return 1  #")),
        "steps/step_01.py: is not what the solution gives. Fix: python -m tutor.dev skeletons 01",
    ),
    Omission(
        edited("tutor/hints/step_02.md", ("## Hint 3\n", "")),
        "tutor/hints/step_02.md: has 2 hints and not 3. Fix: give it the headings # Step 02: hints, ...## Hint 3",
    ),
    Omission(
        edited("tutor/hints/step_03.md", ("\n\n## Hint 2", f"\n{'x' * 81}\n\n## Hint 2")),
        "tutor/hints/step_03.md: has 81 characters in line ...Fix: break it: 80 fit a terminal",
    ),
    Omission(
        removed("tutor/hints/step_04.md"), "tutor/hints/step_04.md: is missing. Fix: python -m tutor.dev stubs 04"
    ),
    Omission(without_number, "book/src/step_05.md: asks for the number merges, ...refresh --chapter step_05"),
    Omission(lambda _: None, "book/outputs/numbers.json: has step_05.forgotten, which is shown nowhere. Fix: ..."),
    Omission(removed("book/src/step_06.md"), "book/src/step_06.md: is missing. Fix: python -m tutor.dev stubs 06"),
    Omission(
        removed("solutions/solution_07.py"), "solutions/solution_07.py: is missing. Fix: python -m tutor.dev stubs 07"
    ),
    Omission(
        removed("tutor/checks/step_08.py"), "tutor/checks/step_08.py: is missing. Fix: python -m tutor.dev stubs 08"
    ),
    Omission(
        edited("tutor/checks/step_09.py", ('names=("', 'names=("Nothing", "')),
        "tutor/checks/step_09.py: asks for Nothing, which solutions/solution_09.py does not define. Fix: ...",
    ),
    Omission(
        removed("tutor/oracle/step_10.npz"),
        "tutor/oracle/step_10.npz: is missing: ...Fix: python -m tutor.oracle --step 10",
    ),
    Omission(without_case, "tutor/oracle/step_11.npz: lacks the case ...Fix: python -m tutor.oracle --step 11"),
    Omission(
        lambda _: None, "tutor/oracle/step_11.npz: has the case 'of yesterday', ...python -m tutor.oracle --step 11"
    ),
    Omission(
        removed("book/outputs/step_12_pass.txt"),
        "book/outputs/step_12_pass.txt: is missing. Fix: python -m book refresh --chapter step_12",
    ),
    Omission(removed("book/examples/step_13.py"), "book/examples/step_13.py: is missing. Fix: ...tutor.dev stubs 13"),
    Omission(
        edited("book/src/step_14.md", ("## Why it exists\n", "## Why it exists\n\nTODO: say it.\n")),
        "book/src/step_14.md: has TODO in line ...Fix: write what each TODO asks for, and take the word out",
    ),
    Omission(
        edited("book/src/step_15.md", ("## In production", "## Elsewhere")),
        "book/src/step_15.md: lacks the section 'In production' and has 'Elsewhere'. Fix: give it the headings ...",
    ),
    Omission(
        edited("tutor/oracle/hugging_face.py", ("    16: step_16,\n", "")),
        "tutor/oracle/hugging_face.py: has no oracle for step 16. Fix: python -m tutor.dev stubs 16",
    ),
    Omission(
        edited("solutions/solution_17.py", ("# Task 1:", "# Task 9:")),
        "solutions/solution_17.py: has bodies for the tasks ...Fix: begin each body with a comment ...",
    ),
    Omission(lambda _: None, "steps/step_17.py: is not what the solution gives. Fix: ...tutor.dev skeletons 17"),
    Omission(
        edited("book/src/step_18.md", ("(step_19.md)", "(speed.md)")),
        "book/src/step_18.md: lacks (step_19.md) in the section 'Next'. Fix: add it",
    ),
    Omission(
        edited("book/src/step_19.md", (f"# Step 19: {COURSE[19].title}", "# Step 19")),
        "book/src/step_19.md: does not begin with the step's title. Fix: make ...",
    ),
    Omission(
        edited("book/src/SUMMARY.md", (f"- [03 {COURSE[3].title}](step_03.md)\n", "")),
        "book/src/SUMMARY.md: does not list the steps of tutor/course.py ...Fix: python -m tutor.dev lists",
    ),
    Omission(
        edited("README.md", (f"| 02 | {COURSE[2].title} |", "| 02 | Mask |")),
        "README.md: does not list the steps of tutor/course.py ...Fix: python -m tutor.dev lists",
    ),
    Omission(
        edited("pixi.toml", ('s04 = "python -m tutor s04"\n', "")),
        "pixi.toml: does not list the steps of tutor/course.py ...Fix: python -m tutor.dev lists",
    ),
    Omission(
        edited("AGENTS.md", (f"| {COURSE[1].part} |", "| Foundation |")),
        "AGENTS.md: is out of date. Fix: python -m book refresh prompts",
    ),
    Omission(removed("book/prompts/warm_up.txt"), "book/prompts/warm_up.txt: is missing. Fix: ...book refresh prompts"),
    Omission(
        edited("book/prompts/embeddings.txt", ("Token embeddings", "Tokens")),
        "book/prompts/embeddings.txt: is out of date. Fix: python -m book refresh prompts",
    ),
    Omission(
        edited("book/study_prompts.py", ('    "Composition": Guide(', '    "Compositions": Guide(')),
        "book/study_prompts.py: has no guide for the part 'Composition'. Fix: python -m tutor.dev stubs 10",
    ),
    Omission(lambda _: None, "book/study_prompts.py: has a guide for 'Compositions', which is no part. Fix: ...GUIDES"),
    Omission(
        removed("book/figures/model.svg"), "book/src/step_01.md: shows the figure model, ...refresh --chapter step_01"
    ),
    Omission(
        lambda copy: (copy / "book/outputs/step_10_old.txt").write_text("An output of old.\n"),
        "book/outputs/step_10_old.txt: is made by nothing. Fix: name it in CAPTURES of its chapter's example, ...",
    ),
    Omission(lambda _: None, "book/outputs/step_10_old.txt: is shown nowhere. Fix: include it in a chapter, ..."),
    Omission(
        edited("solutions/solution_16.py", ("import math\n", "import math\nimport tutor.sizes\n")),
        "solutions/solution_16.py: imports tutor.sizes. Fix: import from earlier solutions only, as the learner will",
    ),
    Omission(lambda _: None, "steps/step_16.py: is not what the solution gives. Fix: ...tutor.dev skeletons 16"),
    Omission(lambda _: None, "book/src/step_12.md: shows the figure model, ...refresh --chapter step_12"),
    Omission(
        lambda copy: (copy / "tutor/hints/step_77.md").write_text("# Step 77: hints\n"),
        "tutor/hints/step_77.md: belongs to no step. Fix: add its Step to tutor/course.py, or remove the file",
    ),
)


@pytest.fixture(scope="module")
def with_omissions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with every omission."""

    def make(copy: Path) -> None:
        for omission in OMISSIONS:
            omission.make(copy)

    return shared(tmp_path_factory, "omissions", make)


@pytest.fixture(scope="module")
def found(with_omissions: Path) -> list[str]:
    """The lines that `check` prints of the copy with every omission."""
    checked = dev(with_omissions, "check")
    assert checked.returncode == 1 and not checked.stderr, checked.stderr
    return checked.stdout.splitlines()[:-2]


def pattern(told: str) -> str:
    return ".*".join(map(re.escape, told.split("...")))


@pytest.mark.parametrize("omission", OMISSIONS, ids=lambda omission: omission.told.split(" Fix")[0])
def test_check_names_what_is_missing_and_its_fix(omission: Omission, found: list[str]):
    assert [line for line in found if re.fullmatch(pattern(omission.told), line)], "\n".join(found)


def test_check_says_nothing_else(found: list[str]):
    told = [pattern(omission.told) for omission in OMISSIONS]
    assert not [line for line in found if not any(re.fullmatch(pattern, line) for pattern in told)]


def test_the_fixes_that_are_commands_fix(with_omissions: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(with_omissions, copy, symlinks=True)
    for command in ("skeletons 00 01", "lists", "stubs 04", "stubs 06", "stubs 07", "stubs 08", "stubs 10", "stubs 13",
                    "stubs 16"):  # fmt: skip
        fixed = dev(copy, *command.split())
        assert fixed.returncode == 0, fixed.stderr
    assert run(copy, "-m", "book", "refresh", "prompts").returncode == 0
    assert "    16: step_16,\n" in (copy / "tutor/oracle/hugging_face.py").read_text()
    # The lists and skeletons are as they were. A file that a person wrote comes back as a stub.
    for name in ("steps/step_00.py", "steps/step_01.py", "README.md", "pixi.toml", "book/src/SUMMARY.md",
                 "book/prompts/warm_up.txt", "book/prompts/embeddings.txt", "AGENTS.md"):  # fmt: skip
        assert (copy / name).read_text() == (REPOSITORY / name).read_text(), name
    lines = dev(copy, "check").stdout
    for name in ("tutor/hints/step_04.md", "book/src/step_06.md", "solutions/solution_07.py", "tutor/checks/step_08.py",
                 "book/examples/step_13.py", "book/study_prompts.py"):  # fmt: skip
        assert f"{name}: has TODO in " in lines
        assert f"{name}: is missing" not in lines
    # The file that the skeleton replaced is kept.
    (kept,) = (copy / ".tutor/backups").glob("step_01-*.py")
    assert kept.read_text() == (with_omissions / "steps/step_01.py").read_text()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("tutor", "s08"), "step 08 has no check: tutor/checks/step_08.py is missing."),
        (("tutor", "hint", "04"), "step 04 has no hints: tutor/hints/step_04.md is missing."),
        (("tutor.oracle", "--step", "16"), "step 16 has no oracle: write `step_16` in tutor/oracle/hugging_face.py"),
        (
            ("book", "refresh", "prompts"),
            "the part 'Composition' has no guide: add it to GUIDES in book/study_prompts.py",
        ),
        (("book", "refresh", "--chapter", "step_77"), "book/src has no step_77.md"),
        (("book", "refresh", "data", "--chapter", "step_08"), "several chapters share the data"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_a_command_misses_is_one_clear_line(command: tuple[str, ...], told: str, with_omissions: Path):
    if command[0] == "tutor.oracle":
        pytest.importorskip("transformers")
    failed = run(with_omissions, "-m", *command)
    output = " ".join((failed.stdout + failed.stderr).split())
    assert failed.returncode in (1, 2) and told in output and "Traceback" not in output


# --- one chapter --------------------------------------------------------------------------------


def test_refresh_of_a_chapter_writes_what_belongs_to_it_and_nothing_else(tmp_path: Path):
    copy = copy_of_the_repository(tmp_path)
    own = ["book/outputs/step_01_example.txt", "book/outputs/step_01_first.txt", "book/outputs/step_01_pass.txt",
           "book/outputs/step_01_none.txt", "book/figures/model.svg", "book/prompts/foundations.txt"]  # fmt: skip
    others = ["book/outputs/step_02_example.txt", "book/outputs/step_02_first.txt", "book/figures/mask.svg",
              "book/prompts/warm_up.txt"]  # fmt: skip
    for name in (*own, *others):
        (copy / name).write_text("stale\n")
    numbers_file = copy / "book/outputs/numbers.json"
    numbers = json.loads(numbers_file.read_text())
    numbers["step_01"]["shakespeare"] = numbers["step_02"]["largest_32"] = "stale"
    numbers_file.write_text(json.dumps(numbers))
    refreshed = run(copy, "-m", "book", "refresh", "--chapter", "step_01")
    assert refreshed.returncode == 0, refreshed.stderr
    for name in own:
        assert (copy / name).read_text() != "stale\n", name
        if "example" in name or "outputs" not in name:  # what the tool prints is compared by the book's own tests
            assert (copy / name).read_text() == (REPOSITORY / name).read_text(), name
    for name in others:
        assert (copy / name).read_text() == "stale\n", name
    kept = json.loads((REPOSITORY / "book/outputs/numbers.json").read_text())
    assert json.loads(numbers_file.read_text()) == kept | {"step_02": kept["step_02"] | {"largest_32": "stale"}}
    assert list(json.loads(numbers_file.read_text())) == list(kept), "the chapters keep their order"
