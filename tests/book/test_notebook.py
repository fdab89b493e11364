"""The companion notebook runs from top to bottom."""

import subprocess
import sys
from pathlib import Path

import nbformat

from book import captures, notebook
from tests.support.repository import ENVIRONMENT
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, compiled: None):
    assert notebook.make() == notebook.make()
    book_folder = tmp_path / "book" / "build"
    file = book_folder / "notebook.ipynb"
    notebook.write(file)
    for name in ("steps", "solutions", "checkpoints", "tutor"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    execute = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(file)]
    environment = ENVIRONMENT | {"PYTHONPATH": str(REPOSITORY)}
    ran = subprocess.run(execute, cwd=book_folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    outputs = [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in nbformat.read(file, as_version=4).cells
        if cell.cell_type == "code"
    ]
    for step in COURSE:
        assert any(f"Step {step.label} is right" in text for text in outputs)
        # The worked example of the chapter prints in its own cell.
        shown = captures.output_file(f"step_{step.label}", "example").read_text()
        assert any(shown.splitlines()[0] in text for text in outputs), step.label
