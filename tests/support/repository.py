"""The repository's own files, and the environment of child processes."""

import os
import tomllib

from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY, Workspace

WORKSPACE = Workspace(REPOSITORY)
PIXI = tomllib.loads((REPOSITORY / "pixi.toml").read_text())
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
README = (REPOSITORY / "README.md").read_text()
TASKS: dict[str, str] = PIXI["tasks"]
# Without what the make around these tests passes on. Given to every child, because MAX, once it has run in a
# process, sets PYTHONEXECUTABLE behind Python's back, and a child that inherits it runs another Python.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


def known_commands() -> set[str]:
    """The commands of the tool, `s00` and its like among them."""
    from tutor.cli import cli

    return set(cli.commands) | {f"s{step.label}" for step in COURSE}
