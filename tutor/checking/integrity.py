"""Sees whether the course's own files stay as they are while a learner's code runs beside them."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tutor.learner.workspace import REPOSITORY, Workspace

# The folders whose files a check relies on.
_OF_THE_WORKSPACE = ("solutions", "checkpoints")
_OF_THE_TOOL = ("tutor",)


def fingerprint(workspace: Workspace) -> dict[str, str]:
    """The hash of each file of the course that a check relies on, by its path."""
    return {str(file): _hash(file) for file in _files(workspace)}


def changed(workspace: Workspace, before: Mapping[str, str]) -> list[str]:
    """The files that are not as they were, or are new, or are gone."""
    now = fingerprint(workspace)
    return sorted(_shown(path, workspace) for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def _files(workspace: Workspace) -> Iterator[Path]:
    folders = [workspace.root / name for name in _OF_THE_WORKSPACE] + [REPOSITORY / name for name in _OF_THE_TOOL]
    for folder in folders:
        for file in folder.rglob("*"):
            if file.is_file() and file.suffix in (".py", ".npz", ".md", ".json", ".safetensors"):
                yield file


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _shown(path: str, workspace: Workspace) -> str:
    file = Path(path)
    root = next((root for root in (workspace.root, REPOSITORY) if file.is_relative_to(root)), file.anchor)
    return file.relative_to(root).as_posix()
