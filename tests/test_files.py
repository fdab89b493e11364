"""A file is written as a whole or not at all."""

import os
from pathlib import Path

import pytest

from tutor.files import write_atomically


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path):
    file = tmp_path / "file.txt"
    write_atomically(file, "gemäß\r\n␣\n")
    assert file.read_bytes() == "gemäß\r\n␣\n".encode()
    write_atomically(file, b"\x00\xff")
    assert file.read_bytes() == b"\x00\xff"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_the_old_content_stays_and_nothing_is_left_over_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "file.txt"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\udc80")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(file, "new")
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_folder_is_not_replaced_and_a_missing_one_is_not_made(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "folder", "text")
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "file.txt", "text")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_file_keeps_its_permissions_and_a_new_one_gets_the_usual_ones(tmp_path: Path):
    file, usual = tmp_path / "new.txt", tmp_path / "usual.txt"
    write_atomically(file, "text")
    usual.write_text("text")
    assert file.stat().st_mode == usual.stat().st_mode
    file.chmod(0o640)
    write_atomically(file, "other")
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target.txt", tmp_path / "link.txt"
    link.symlink_to(target)
    write_atomically(link, "first")
    write_atomically(link, "second")
    assert link.is_symlink() and target.read_text() == "second"
