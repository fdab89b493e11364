"""Imports run one way: in `tutor/` from the top to the ground, in the steps from later to earlier ones, and from the
tests to everything, never back."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.repository import ENVIRONMENT, WORKSPACE
from tutor.learner.workspace import REPOSITORY

# The parts of `tutor/`, from the top to the ground. Each imports only itself and what comes after it.
ORDER = (
    "dev",
    "__main__",
    "cli",
    "terminal",
    "watching",
    "line_by_line",
    "attention_maps",
    "training",
    "generation",
    "oracle",
    "checks",
    "checking",
    "graphs",
    "learner",
    "course",
    "protocols",
    "sizes",
    "invocation",
    "files",
    "processes",
    "errors",
    "__init__",
)

# Imports that run up all the same: the file and what it imports. Take a line out once its import is gone.
KNOWN = {
    # A step of the course gives its own check: `Step.check`.
    ("course.py", "checks.step_…"),
    ("course.py", "checking.spec.Check"),
}


def imports_of(file: Path) -> Iterator[str]:
    """What a file imports, by its full name, anywhere in the file: in functions and for type checkers too.

    Yields:
        "package.module.name" for `from package.module import name`; "package.module" for `import package.module`; and
        "package.step_…" for `import_module(f"package.step_{number}")`.
    """
    package = file.relative_to(REPOSITORY).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package[: len(package) - level + 1] if level else ()
                start = ".".join([*above, *([module] if module else [])])
                yield from (f"{start}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"), args=[name, *_]):
                match name:
                    case ast.Constant(value=str(text)):
                        yield text
                    case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
                        yield f"{text}…"


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def part_of(module: str) -> str:
    """The part of `tutor/` that "tutor.part.module" is in."""
    part = module.split(".")[1] if "." in module else "__init__"
    folder = REPOSITORY / "tutor" / part
    return part if folder.is_dir() or folder.with_suffix(".py").exists() else "__init__"


# --- the tool ---------------------------------------------------------------------------------


def test_every_part_of_the_tool_has_its_place_in_the_order():
    parts = {file.relative_to(REPOSITORY / "tutor").parts[0] for file in python_files(REPOSITORY / "tutor")}
    # A part that is still to come has its place already.
    assert {part.removesuffix(".py") for part in parts} <= set(ORDER)


def test_no_part_of_the_tool_imports_one_above_it():
    running_up = set()
    for file in python_files(REPOSITORY / "tutor"):
        inside = file.relative_to(REPOSITORY / "tutor")
        rank = ORDER.index(inside.parts[0].removesuffix(".py"))
        for name in imports_of(file):
            if name.partition(".")[0] == "tutor" and ORDER.index(part_of(name)) < rank:
                running_up.add((inside.as_posix(), name.removeprefix("tutor.")))
    assert running_up - KNOWN == set(), "these imports run up: move what is imported, or what imports it"
    assert KNOWN - running_up == set(), "these are gone: take them out of KNOWN"


def test_nothing_imports_the_tests_and_only_the_loader_reaches_the_steps():
    for file in python_files(REPOSITORY / "tutor"):
        roots = {name.partition(".")[0] for name in imports_of(file)}
        if file == REPOSITORY / "tutor/checking/loader.py":
            roots.discard("steps")
        assert not roots & {"tests", "steps", "solutions"}, file


def test_a_learners_path_imports_neither_torch_nor_transformers():
    """No module of the tool does, but for those that only maintainers run."""
    code = (
        "import importlib, pkgutil, sys, tutor\n"
        "for module in pkgutil.walk_packages(tutor.__path__, 'tutor.'):\n"
        "    if module.name.split('.')[1] not in ('__main__', 'oracle', 'dev'):\n"
        "        importlib.import_module(module.name)\n"
        "assert 'tutor.generation.engines' in sys.modules\n"
        "print(sorted({'torch', 'transformers', 'matplotlib'} & set(sys.modules)))\n"
    )
    python = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert python.stdout.strip() == "[]", python.stdout + python.stderr


# --- the steps --------------------------------------------------------------------------------


def test_step_00_needs_nothing_but_math():
    assert list(imports_of(WORKSPACE.solution(0))) == ["math"]


# --- the tests --------------------------------------------------------------------------------


def test_nothing_outside_the_tests_imports_them():
    folders = [folder for folder in REPOSITORY.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    files = [file for folder in folders if folder.name != "tests" for file in python_files(folder)]
    assert {"tutor", "book", "steps", "solutions"} <= {file.relative_to(REPOSITORY).parts[0] for file in files}
    for file in files:
        assert "tests" not in {name.partition(".")[0] for name in imports_of(file)}, file


def test_no_test_imports_another_test():
    """What two tests need is a fixture in a `conftest.py`, or stands in `tests/support/`."""
    for file in python_files(REPOSITORY / "tests"):
        for name in imports_of(file):
            root, *inside = name.split(".")
            assert root != "tests" or not any(part.startswith("test_") for part in inside), f"{file}: {name}"
        # Code that a test hands to another process is a text.
        assert not re.search(r"\b(?:from|import)\s+tests\.(?:\w+\.)*test_\w+", file.read_text()), file


def test_what_max_does_not_document_is_used_in_one_module():
    """Names with an underscore in front, and MLIR's modules behind a graph."""
    undocumented = re.compile(
        r"\bmax(?:\.\w+)*\._\w+|from max import .*\b_\w+|\bmlir_module\b|\bas_layout\b|\b_mlir_\w+"
    )
    for file in python_files(REPOSITORY / "tutor"):
        if file != REPOSITORY / "tutor/graphs/max_internals.py":
            assert not undocumented.findall(file.read_text()), f"{file}: put it into graphs/max_internals.py"
