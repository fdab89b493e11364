"""What the README shows is what the course does."""

import re
import subprocess
from pathlib import Path

from book.terminal_screens import CHECK, draw_check
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def test_the_shown_check_is_what_the_tool_prints():
    assert CHECK.relative_to(REPOSITORY).as_posix() in README
    assert draw_check() == CHECK.read_text(), "python -m book refresh captures"


def test_each_folder_of_the_tree_is_told_of():
    (tree,) = re.findall(r"```\n(steps/.*?)```", README, flags=re.DOTALL)
    told = {line.split("/")[0] for line in tree.splitlines()}
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    folders = {name.partition("/")[0] for name in tracked.splitlines() if "/" in name and not name.startswith(".")}
    assert told == folders
    assert all(f"`{folder.name}/`" in README for folder in (REPOSITORY / "tutor").iterdir() if is_package(folder))


def is_package(folder: Path) -> bool:
    """Whether it is a folder with modules or texts of the tool."""
    return folder.is_dir() and any(folder.glob("*.py")) and folder.name != "cli"


def test_the_list_of_steps_is_the_courses():
    rows = re.findall(r"^\| (\d\d) \| (.+?) \|$", README, flags=re.MULTILINE)
    assert rows == [(step.label, step.title) for step in COURSE]
