"""The checkpoint that comes with the course, and how `generate` refuses others."""

import re
from pathlib import Path

from tests.support.workspaces import Tool
from tutor.learner.workspace import REPOSITORY, Workspace

SHIPPED = Workspace(REPOSITORY).checkpoint


def refused(
    tutor: Tool, workspace: Workspace, model: Path | str, told: str, prompt: str = "A", **environment: str
) -> None:
    """`generate` ends with one line that says what is wrong."""
    result = tutor(workspace, "generate", prompt, "--model", str(model), "--max-new-tokens", "2", **environment)
    assert result.returncode == 1, result.stdout
    assert result.stdout == ""
    assert re.search(told, result.stderr), result.stderr
    assert result.stderr.startswith("error: ") and "Traceback" not in result.stderr
