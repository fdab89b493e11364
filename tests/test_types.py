"""The types of the tool and of the book's programs fit together: basedpyright finds nothing wrong."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.repository import ENVIRONMENT
from tutor.learner.workspace import REPOSITORY

# Analysing what MAX, PyTorch and matplotlib declare takes most of the time: about 25 seconds of one processor.
SECONDS = 600


def test_types_fit_together():
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "--outputjson"]
    result = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS, check=False, env=ENVIRONMENT
    )
    assert result.stdout.lstrip().startswith("{"), result.stdout + result.stderr
    found = json.loads(result.stdout)
    lines = [
        f"{Path(one['file']).relative_to(REPOSITORY)}:{one['range']['start']['line'] + 1}: {one['message']}"
        for one in found["generalDiagnostics"]
    ]
    assert not lines and result.returncode == 0, "\n".join([*lines, result.stderr])
    # Both folders were looked at, and not nothing.
    sources = [file for folder in ("tutor", "book") for file in (REPOSITORY / folder).rglob("*.py")]
    assert found["summary"]["filesAnalyzed"] >= 0.9 * len(sources)
