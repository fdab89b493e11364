"""What a check puts back of the course's own files: everything that changed meanwhile, and nothing is lost."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.workspaces import make_workspace
from tutor.checking.integrity import Change, CourseFiles
from tutor.learner.workspace import REPOSITORY, Workspace

SOLUTION = Path("solutions/solution_03.py")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a small checkpoint of its own."""
    workspace = make_workspace(tmp_path, filled=True)
    (workspace.root / "checkpoints").unlink()
    workspace.checkpoint.mkdir(parents=True)
    (workspace.checkpoint / "config.json").write_text("{}")
    (workspace.checkpoint / "again").symlink_to("config.json")
    return workspace


def described(folder: Path) -> dict[str, tuple[int, str | bytes | None]]:
    """Everything in a folder: its mode, and what a link names or a file holds."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
        if ".tutor" not in path.parts
    }


def kept(workspace: Workspace, change: Change) -> Path:
    """Where what was found is kept."""
    assert change.kept.startswith(".tutor/backups/changed-in-a-check-")
    return workspace.root / change.kept


def swap(file: Path, make: Callable[[Path], object]) -> None:
    """Puts something else in the place of a file."""
    file.unlink()
    make(file)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "other content": (lambda file: file.write_text("other"), "was changed"),
    "other content, as long": (lambda file: file.write_bytes(file.read_bytes()[::-1]), "was changed"),
    "more content than can be read": (lambda file: os.truncate(file, 1 << 40), "was changed"),
    "another mode": (lambda file: file.chmod(0o600), "was changed"),
    "not to be read": (lambda file: file.chmod(0), "was changed"),
    "gone": (lambda file: file.unlink(), "was deleted"),
    "a link to another file": (lambda file: swap(file, lambda f: f.symlink_to("solution_04.py")), "was changed"),
    "a link to nothing": (lambda file: swap(file, lambda f: f.symlink_to("nothing")), "was changed"),
    "a folder": (lambda file: swap(file, Path.mkdir), "was changed"),
    "a pipe": (lambda file: swap(file, os.mkfifo), "was changed"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_is_put_back(change: str, workspace: Workspace):
    make, what = CHANGES[change]
    before, files = described(workspace.root), CourseFiles(workspace)
    make(workspace.root / SOLUTION)
    changes = files.put_back()
    assert [(each.file, each.what, each.failure) for each in changes] == [(str(SOLUTION), what, "")]
    assert described(workspace.root) == before
    assert bool(changes[0].kept) == (what != "was deleted")
    assert CourseFiles(workspace).put_back() == []


def test_what_was_written_is_kept(workspace: Workspace):
    files = CourseFiles(workspace)
    (workspace.root / SOLUTION).write_text("an edit")
    (change,) = files.put_back()
    assert kept(workspace, change).read_text() == "an edit"
    files = CourseFiles(workspace)
    (workspace.root / SOLUTION).write_text("a second edit")
    (second,) = files.put_back()
    assert kept(workspace, change).read_text() == "an edit"
    assert kept(workspace, second).read_text() == "a second edit"


def test_a_new_file_is_moved_out_of_the_way(workspace: Workspace):
    before, files = described(workspace.root), CourseFiles(workspace)
    package = workspace.root / "solutions" / "solution_03"
    package.mkdir()
    (package / "__init__.py").write_text("new")
    (change,) = files.put_back()
    assert (change.file, change.what) == ("solutions/solution_03", "appeared")
    assert (kept(workspace, change) / "__init__.py").read_text() == "new"
    assert described(workspace.root) == before


def test_what_an_editor_leaves_beside_a_file_stays(workspace: Workspace):
    files = CourseFiles(workspace)
    left = [workspace.root / "solutions" / name for name in (".solution_03.py.swp", "solution_03.py~", ".DS_Store")]
    for file in left:
        file.write_text("an editor's")
    assert files.put_back() == []
    assert all(file.exists() for file in left)


@pytest.mark.parametrize("folder", ["solutions", "checkpoints", "checkpoints/shakespeare"])
@pytest.mark.parametrize("instead", ["nothing", "a file", "a link", "another mode", "a closed folder"])
def test_a_folder_is_put_back(
    folder: str, instead: str, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
):
    before, files = described(workspace.root), CourseFiles(workspace)
    path, elsewhere = workspace.root / folder, tmp_path_factory.mktemp("elsewhere")
    match instead:
        case "nothing":
            shutil.rmtree(path)
        case "a file":
            shutil.rmtree(path)
            path.write_text("a file")
        case "a link":
            shutil.rmtree(path)
            path.symlink_to(elsewhere)
        case "another mode":
            path.chmod(0o777)
        case "a closed folder":
            path.chmod(0)
    changes = files.put_back()
    assert changes and not any(change.failure for change in changes)
    assert described(workspace.root) == before
    assert not list(elsewhere.iterdir()), "nothing is written through a link"


def test_the_learners_files_are_left_alone(workspace: Workspace):
    files = CourseFiles(workspace)
    workspace.step(3).write_text("the learner's")
    workspace.step(4).unlink()
    assert files.put_back() == []
    assert workspace.step(3).read_text() == "the learner's"
    assert not workspace.step(4).exists()


def test_a_linked_checkpoint_is_looked_at_where_it_is(tmp_path: Path):
    workspace = make_workspace(tmp_path, filled=True)
    real = tmp_path / "elsewhere"
    shutil.copytree(workspace.checkpoint, real / "shakespeare")
    (workspace.root / "checkpoints").unlink()
    (workspace.root / "checkpoints").symlink_to(real)
    config = (workspace.checkpoint / "config.json").read_bytes()
    files = CourseFiles(workspace)
    (real / "shakespeare" / "config.json").write_text("{}")
    (workspace.root / "checkpoints").unlink()
    assert {change.what for change in files.put_back()} == {"was changed", "was deleted"}
    assert (workspace.checkpoint / "config.json").read_bytes() == config


def test_what_cannot_be_kept_is_not_overwritten(workspace: Workspace):
    files = CourseFiles(workspace)
    workspace.state.write_text("where the backups would be")
    (workspace.root / SOLUTION).write_text("an edit")
    (change,) = files.put_back()
    assert change.failure
    assert (workspace.root / SOLUTION).read_text() == "an edit"


def test_the_tool_is_looked_at_unless_it_is_edited(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    tool = workspace.root / "tutor"
    tool.mkdir()
    (tool / "module.py").write_text("shipped")
    monkeypatch.setattr("tutor.checking.integrity.REPOSITORY", workspace.root)
    for edited, content in (("1", "an edit"), ("", "shipped")):
        (tool / "module.py").write_text("shipped")
        monkeypatch.setenv("TUTOR_IS_EDITED", edited)
        files = CourseFiles(workspace)
        (tool / "module.py").write_text("an edit")
        assert len(files.put_back()) == (0 if edited else 1)
        assert (tool / "module.py").read_text() == content


def test_all_that_is_shipped_is_looked_at(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TUTOR_IS_EDITED")
    looked_at = {folder.name for folder in CourseFiles(Workspace(REPOSITORY))._entries}
    assert {"solutions", "checkpoints", "tutor"} <= looked_at
