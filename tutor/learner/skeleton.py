"""Makes the skeleton of a step out of its solution, so that the two cannot drift apart.

Every function body becomes one `raise NotImplementedError`, except in functions whose
docstring says "(Given.)". The comment that a body begins with, `# Task 2: make the heads.`,
becomes the message. A line that ends in `# task 1` is left out: it is the learner's to write.
"""

import ast
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutor.learner.workspace import REPOSITORY, Workspace

_LEARNERS_LINE = re.compile(r"#\s*task \d+\s*$")
_TASK_COMMENT = re.compile(r"\s*# T(asks? \d+(?: (?:and|to) \d+)?): (.*)\.$")


def as_learners_file(solution: str) -> str:
    """Gives the text of a solution as a learner would have written it, standing on their own earlier steps."""
    return re.sub(r"\bsolutions\.solution_(\d\d)\b", r"steps.step_\1", solution)


def finished_workspace(root: Path) -> Workspace:
    """Makes a workspace in an existing folder, in which a learner has filled in every step rightly."""
    shutil.copytree(REPOSITORY / "solutions", root / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "checkpoints").symlink_to(REPOSITORY / "checkpoints")
    (root / "steps").mkdir()
    workspace = Workspace(root)
    for solution in sorted((root / "solutions").glob("solution_*.py")):
        workspace.step(int(solution.stem[-2:])).write_text(as_learners_file(solution.read_text()))
    return workspace


def skeleton_of(solution: str, number: int) -> str:
    """Gives the text of the skeleton for the text of the solution of step `number`.

    Raises:
        ValueError: a body does not begin with its task.
    """
    lines = solution.splitlines()
    functions = sorted(_functions_to_write(ast.parse(solution)), key=lambda pair: pair[1].lineno, reverse=True)
    for name, function in functions:  # from the last to the first: earlier line numbers stay right
        docstring, *_ = function.body
        start, end, indent = docstring.end_lineno, function.end_lineno, " " * docstring.col_offset
        assert start is not None and end is not None, "a tree that was parsed has line numbers"
        tasks, text = _task_of(name, function, lines)
        message = f'"step {number:02d}, {tasks}: {name}: {text}"'
        lines[start:end] = [f"{indent}raise NotImplementedError(", f"{indent}    {message}", f"{indent})"]
    kept = [line for line in lines if not _LEARNERS_LINE.search(line)]
    return as_learners_file("\n".join(kept) + "\n")


@dataclass(frozen=True)
class Part:
    """A function that the learner writes: its qualified name, which tasks ask for it, and in which words."""

    function: str
    tasks: str
    text: str


def parts_of(solution: str) -> list[Part]:
    """The functions of a step that the learner writes, in order.

    Raises:
        ValueError: as `skeleton_of`.
    """
    lines, parts = solution.splitlines(), []
    for name, function in sorted(_functions_to_write(ast.parse(solution)), key=lambda pair: pair[1].lineno):
        tasks, text = _task_of(name, function, lines)
        parts.append(Part(name, tasks, text))
    return parts


def _task_of(name: str, function: ast.FunctionDef, lines: Sequence[str]) -> tuple[str, str]:
    """Which tasks a function is asked for in, "task 2", and in which words: the comment that its body begins with."""
    if ast.get_docstring(function) is None:
        raise ValueError(f"{name} needs a docstring, and below it a comment `# Task N: what to write.`")
    task = _TASK_COMMENT.match(lines[function.body[0].end_lineno or 0])
    if task is None:
        raise ValueError(f"the body of {name} must begin with a comment `# Task N: what to write.`")
    return f"t{task[1]}", task[2]


def _functions_to_write(tree: ast.Module) -> list[tuple[str, ast.FunctionDef]]:
    """The functions and methods whose bodies the learner writes, with their qualified names."""
    found = []
    for node in tree.body:
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, ast.FunctionDef) and "(Given.)" not in (ast.get_docstring(function) or ""):
                found.append((owner + function.name, function))
    return found
