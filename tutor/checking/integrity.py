"""Keeps the course's own files as they are while a learner's code runs beside them.

A check relies on the solutions, on the checkpoint and on the tool itself. All of them are read before the learner's
code runs, and compared when it has ended: what was changed meanwhile is put back, so that the next check does not take
it for what was shipped. Nothing is lost: what was found in its place is kept beside the backups of the learner's files.
The learner's own files are left alone.
"""

import contextlib
import importlib.util
import os
import py_compile
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tutor.files import write_atomically
from tutor.learner.backup import free_name, timestamp
from tutor.learner.workspace import REPOSITORY, Workspace

# The folders whose files a check relies on.
_OF_THE_WORKSPACE = ("solutions", "checkpoints")
_OF_THE_TOOL = ("tutor",)

# Set by those who edit the tool while it runs, as its tests do: then the tool's own files are not put back.
_EDITED = "TUTOR_IS_EDITED"

_BYTECODE = "__pycache__"


@dataclass(frozen=True)
class Change:
    """A file that did not stay as it was.

    Args:
        file: its path, from the folder of the course.
        what: what happened to it: "was changed", "was deleted" or "appeared".
        kept: where what was found there is kept now; empty if nothing was there.
        failure: why the file could not be put back; empty if it was.
    """

    file: str
    what: str
    kept: str = ""
    failure: str = ""


@dataclass(frozen=True)
class _File:
    content: bytes
    mode: int


@dataclass(frozen=True)
class _Link:
    target: str


@dataclass(frozen=True)
class _Folder:
    inside: Mapping[str, "_Entry"]
    mode: int


@dataclass(frozen=True)
class _Other:
    """What holds no data, or none that can be read: it is left alone."""


_Entry = _File | _Link | _Folder | _Other


class CourseFiles:
    """The course's own files as they are when this is made."""

    def __init__(self, workspace: Workspace) -> None:
        """Reads them."""
        folders = [workspace.root / name for name in _OF_THE_WORKSPACE]
        if not os.environ.get(_EDITED):
            folders += [REPOSITORY / name for name in _OF_THE_TOOL]
        # A link to a folder is one thing, and the folder another.
        folders += [folder.resolve() for folder in folders if folder.is_symlink()]
        self._workspace = workspace
        self._entries = {folder: _read(folder) for folder in folders}

    def put_back(self) -> list[Change]:
        """Puts back what is not as it was, and says what that is."""
        repair = _Repair(self._workspace)
        for folder, entry in self._entries.items():
            repair(folder, entry)
        return repair.changes


def _read(path: Path) -> _Entry | None:
    """What there is at a path, if anything."""
    try:
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            return _Link(os.readlink(path))
        if stat.S_ISREG(status.st_mode):
            return _File(path.read_bytes(), mode)
        if stat.S_ISDIR(status.st_mode):
            entries = {name: _read(path / name) for name in os.listdir(path)}
            return _Folder({name: entry for name, entry in entries.items() if entry is not None}, mode)
    except FileNotFoundError:
        return None
    except PermissionError:
        return _Other()
    return _Other()


@dataclass
class _Repair:
    """Makes files what they were, one tree after another, and collects what had changed."""

    workspace: Workspace
    changes: list[Change] = field(default_factory=list)
    _aside: Path | None = None

    def __call__(self, path: Path, entry: _Entry | None) -> None:
        """Makes what is at a path what it was."""
        match entry:
            case None if os.path.lexists(path) and not _is_an_editors(path):
                with self._told(path, "appeared") as kept:
                    kept.append(self._move_aside(path))
            case _File() if not _is_as_it_was(path, entry):
                with self._told(path, _what(path)) as kept:
                    kept += self._copy_aside(path)
                    write_atomically(path, entry.content)
                    path.chmod(entry.mode)
            case _Link(target) if not (path.is_symlink() and os.readlink(path) == target):
                with self._told(path, _what(path)) as kept:
                    if os.path.lexists(path):
                        kept.append(self._move_aside(path))
                    path.symlink_to(target)
            case _Folder() if self._is_folder(path, entry.mode):
                self._repair_inside(path, entry.inside)

    def _is_folder(self, path: Path, mode: int) -> bool:
        """Makes a folder again, if it is none, or another one; False if that is not possible."""
        before = len(self.changes)
        status = path.lstat() if os.path.lexists(path) else None
        if status is None:
            with self._failures_told(path, "was deleted"):
                path.mkdir()  # what was in it is told
                path.chmod(mode)
        elif not stat.S_ISDIR(status.st_mode):
            with self._told(path, "was changed") as kept:
                kept.append(self._move_aside(path))
                path.mkdir()
                path.chmod(mode)
        elif stat.S_IMODE(status.st_mode) != mode:
            with self._told(path, "was changed"):
                path.chmod(mode)
        return not any(change.failure for change in self.changes[before:])

    def _repair_inside(self, folder: Path, inside: Mapping[str, _Entry]) -> None:
        # Bytecode comes last: it is made again of the files that stand there then.
        for name in sorted(inside.keys() | set(os.listdir(folder)), key=lambda name: (name == _BYTECODE, name)):
            path, entry = folder / name, inside.get(name)
            if name == _BYTECODE:
                known = entry if isinstance(entry, _Folder) else _Folder({}, 0o755)
                self._repair_bytecode(path, known)
            else:
                self(path, entry)

    def _repair_bytecode(self, folder: Path, known: _Folder) -> None:
        """Compiles again what Python has compiled meanwhile, as it seems: it would be run without a look at its source.

        What is compiled from nothing that is there is deleted: it holds nothing that was written by hand.
        """
        if not os.path.lexists(folder):
            return
        if not self._is_folder(folder, known.mode if known.inside else stat.S_IMODE(folder.lstat().st_mode)):
            return
        for name in os.listdir(folder):
            path, entry = folder / name, known.inside.get(name)
            if isinstance(entry, _File) and _is_as_it_was(path, entry):
                continue
            if path.is_dir() and not path.is_symlink():
                self(path, None)
                continue
            with self._failures_told(path, "was changed"):
                path.unlink(missing_ok=True)  # another process of Python's may put it in place meanwhile
                if (source := _source_of(path)) is not None:
                    py_compile.compile(str(source), cfile=str(path), quiet=2)

    @contextlib.contextmanager
    def _told(self, path: Path, what: str) -> Iterator[list[Path]]:
        """Collects a change, with where things are kept, which is to be added to what this gives."""
        kept: list[Path] = []
        failure = ""
        try:
            yield kept
        except OSError as error:
            failure = str(error)
        where = _shown(kept[0], self.workspace) if kept else ""
        self.changes.append(Change(_shown(path, self.workspace), what, where, failure))

    @contextlib.contextmanager
    def _failures_told(self, path: Path, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.changes.append(Change(_shown(path, self.workspace), what, failure=str(error)))

    def _place_aside(self, path: Path) -> Path:
        if self._aside is None:
            self._aside = free_name(self.workspace.state / "backups" / f"changed-in-a-check-{timestamp()}")
        place = free_name(self._aside / _shown(path, self.workspace).lstrip("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _move_aside(self, path: Path) -> Path:
        place = self._place_aside(path)
        shutil.move(path, place)
        return place

    def _copy_aside(self, path: Path) -> list[Path]:
        """Keeps what stands in the place of a file; a file itself stays there until it is replaced as a whole."""
        if not os.path.lexists(path):
            return []
        if not stat.S_ISREG(path.lstat().st_mode):
            return [self._move_aside(path)]
        place = self._place_aside(path)
        try:
            os.link(path, place)  # at once, however large the file is
        except OSError:
            shutil.copy2(path, place)
        return [place]


def _is_as_it_was(path: Path, entry: _File) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    # What has another size is not read: it can be of any size.
    same = stat.S_ISREG(status.st_mode) and status.st_size == len(entry.content)
    return same and stat.S_IMODE(status.st_mode) == entry.mode and path.read_bytes() == entry.content


def _is_an_editors(path: Path) -> bool:
    """Whether it is what an editor or a system leaves beside a file that somebody looks at: nobody imports it."""
    return path.name.startswith(".") or path.name.endswith("~")


def _what(path: Path) -> str:
    return "was changed" if os.path.lexists(path) else "was deleted"


def _source_of(bytecode: Path) -> Path | None:
    """The file that this Python compiles to a file with bytecode."""
    try:
        source = Path(importlib.util.source_from_cache(str(bytecode)))
    except ValueError:
        return None
    return source if source.is_file() and importlib.util.cache_from_source(str(source)) == str(bytecode) else None


def _shown(path: Path, workspace: Workspace) -> str:
    root = next((root for root in (workspace.root, REPOSITORY) if path.is_relative_to(root)), None)
    return (path if root is None else path.relative_to(root)).as_posix()
