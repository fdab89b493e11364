"""Runs what the chapters show: the Python files in `examples/`, and the tool on a learner's files.

A file in `examples/` belongs to the chapter of the same name. The chapter shows what it prints, and
it may define

    NUMBERS   texts by name, for `{{number:NAME}}`
    CAPTURES  commands of the tool by name, each a `Capture`

Each step also has the captures `first` (its unedited file) and `pass` (its solution).
"""

import contextlib
import io
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from book.paths import EXAMPLES, NUMBERS, OUTPUTS
from tutor.course import COURSE
from tutor.files import write_atomically
from tutor.learner.skeleton import finished_workspace
from tutor.learner.workspace import REPOSITORY


@dataclass(frozen=True)
class Capture:
    """A command of the tool, or of another module, run in a learner's folder in which the other steps are right.

    Args:
        command: the words after `python -m tutor`; "s08" for the chapter of step 08 by default.
        replace: pieces of the solution, each occurring once, and what the learner's file has instead.
        skeleton: the step's file is unedited.
        step: whose file it is, if the chapter is not a step's.
        stdin: the command's standard input.
        module: the Python module that is run; the words of the command come after it.
    """

    command: str = ""
    replace: tuple[tuple[str, str], ...] = ()
    skeleton: bool = False
    step: int | None = None
    stdin: str = ""
    module: str = "tutor"


def run_file(file: Path) -> tuple[str, dict[str, Any]]:
    """Runs a Python file; returns what it printed, and its global names."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        names = runpy.run_path(str(file))
    return output.getvalue(), names


def example_files(only: str = "") -> list[Path]:
    """The files in `examples/`, in order; `only` that of one chapter."""
    return [file for file in sorted(EXAMPLES.glob("[!_]*.py")) if only in ("", file.stem)]


def captures_of(file: Path) -> dict[str, Capture]:
    """The captures that a file in `examples/` defines."""
    return dict(run_file(file)[1].get("CAPTURES", {}))


def all_captures(only: str = "") -> Iterator[tuple[str, str, Capture]]:
    """Every capture, or those of one chapter, each with its chapter and its name."""
    for file in example_files(only):
        for name, capture in captures_of(file).items():
            yield file.stem, name, capture
    for step in COURSE:
        chapter = f"step_{step.label}"
        if only in ("", chapter):
            yield chapter, "first", Capture(skeleton=True)
            yield chapter, "pass", Capture()


def run_capture(chapter: str, capture: Capture) -> str:
    """Runs a capture's command, and returns what it prints."""
    label = chapter.removeprefix("step_") if capture.step is None else f"{capture.step:02d}"
    with tempfile.TemporaryDirectory() as folder:
        workspace = finished_workspace(Path(folder))
        if label.isdigit():
            file = workspace.step(int(label))
            if capture.skeleton:
                shutil.copy(REPOSITORY / "steps" / file.name, file)
            source = file.read_text()
            for old, new in capture.replace:
                if source.count(old) != 1:
                    raise ValueError(f"{chapter}: {old!r} occurs {source.count(old)} times in the solution")
                source = source.replace(old, new)
            file.write_text(source)
        # Once MAX has run in a process, it changes the environment behind Python's back: hence `env`.
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "COLUMNS": "90", "TUTOR_SEED": "1"}
        # Whoever refreshes the book may be at work on the tool: a check must not put its files back meanwhile.
        environment["TUTOR_IS_EDITED"] = "1"
        words = capture.command or (f"s{label}" if capture.module == "tutor" else "")
        command = [sys.executable, "-m", capture.module, *shlex.split(words)]
        output = _output(command, workspace.root, environment, capture.stdin)
        if "MAX compile" in output:  # the second run finds the graphs compiled, as the chapter shows it
            output = _output(command, workspace.root, environment, capture.stdin)
    return output


def _output(command: list[str], folder: Path, environment: Mapping[str, str], stdin: str) -> str:
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, input=stdin,
        timeout=900, check=False,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in (result.stdout or result.stderr).strip().splitlines()) + "\n"


def output_file(chapter: str, name: str) -> Path:
    """The file that a capture is kept in."""
    return OUTPUTS / f"{chapter}_{name}.txt"


def examples(only: str = "") -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What the files in `examples/` print, and their numbers, by chapter; with `only`, those of one chapter."""
    printed, numbers = {}, {}
    for file in example_files(only):
        output, names = run_file(file)
        numbers[file.stem] = dict(names.get("NUMBERS", {}))
        if output:
            printed[file.stem] = output
    return printed, numbers


def write_examples(only: str = "") -> None:
    """Writes what the files in `examples/` print, and their numbers, for all chapters or for one."""
    OUTPUTS.mkdir(exist_ok=True)
    printed, numbers = examples(only)
    for chapter, output in printed.items():
        write_atomically(output_file(chapter, "example"), output)
    if only and NUMBERS.exists():
        numbers = json.loads(NUMBERS.read_text()) | numbers
    write_atomically(NUMBERS, json.dumps(dict(sorted(numbers.items())), indent=2, ensure_ascii=False) + "\n")


def write_captures(only: str = "") -> None:
    """Writes the captures of all chapters, or of one."""
    OUTPUTS.mkdir(exist_ok=True)
    for chapter, name, capture in all_captures(only):
        write_atomically(output_file(chapter, name), run_capture(chapter, capture))


def listing(file: Path, anchor: str = "") -> str:
    """A file, or the part of it between `ANCHOR: name` and `ANCHOR_END: name`, as mdBook includes it."""
    lines = file.read_text().splitlines()
    if anchor:
        start = next(i for i, line in enumerate(lines) if re.search(rf"ANCHOR: {anchor}\s*$", line))
        end = next(i for i, line in enumerate(lines) if re.search(rf"ANCHOR_END: {anchor}\s*$", line))
        lines = [line for line in lines[start + 1 : end] if "ANCHOR" not in line]
    return "\n".join(lines)
