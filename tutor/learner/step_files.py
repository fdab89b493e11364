"""What the tool does with the learner's files: compares one with its solution, and makes one a skeleton again."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from tutor.course import Step
from tutor.errors import StepFileError
from tutor.files import write_atomically
from tutor.invocation import typed
from tutor.learner.backup import back_up
from tutor.learner.skeleton import as_learners_file, skeleton_of
from tutor.learner.workspace import Workspace


def difference(workspace: Workspace, step: Step) -> list[str]:
    """The lines of a unified diff from the learner's file to the solution, which imports the learner's earlier steps.

    Raises:
        StepFileError: the learner's file is missing, or is not UTF-8 text.
    """
    own, solution = workspace.step(step.number), workspace.solution(step.number)
    names = [str(file.relative_to(workspace.root)) for file in (own, solution)]
    try:
        mine = own.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StepFileError(
            f"{names[0]} is missing. `{typed('reset', step.label)}` brings the skeleton back."
        ) from None
    except UnicodeDecodeError as error:
        raise StepFileError(f"{names[0]} is not UTF-8 text: {error}") from None
    right = as_learners_file(solution.read_text(encoding="utf-8"))
    before, after = mine.splitlines(), right.splitlines()
    return list(difflib.unified_diff(before, after, fromfile=names[0], tofile=names[1], lineterm=""))


@dataclass(frozen=True)
class Restored:
    """What came of restoring a skeleton.

    Args:
        file: the learner's file.
        changed: False if it was the skeleton already.
        backup: the copy of the file as it was; None if there was nothing to copy.
    """

    file: Path
    changed: bool
    backup: Path | None = None


def restore_skeleton(workspace: Workspace, step: Step) -> Restored:
    """Makes the learner's file the skeleton again. What is in it is kept in a dated copy."""
    file = workspace.step(step.number)
    skeleton = skeleton_of(workspace.solution(step.number).read_text(encoding="utf-8"), step.number)
    if file.exists() and file.read_bytes() == skeleton.encode():
        return Restored(file, changed=False)
    backup = back_up(workspace, step.number)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, skeleton)
    return Restored(file, changed=True, backup=backup)


def restored_in_words(restored: Restored, workspace: Workspace) -> list[str]:
    """What came of restoring a skeleton, in sentences."""
    name = restored.file.relative_to(workspace.root)
    told = [f"{name} is the skeleton again." if restored.changed else f"{name} is the skeleton already."]
    if restored.backup is not None:
        told.append(f"Your file is kept as {restored.backup.relative_to(workspace.root)}.")
    return told
