"""Learners' files with a known mistake: each is a solution in which a few pieces are replaced.

The files of step NN are in `step_NN.py`, as data.
"""

import importlib
from pathlib import Path

from tests.wrong_files.wrong_file import WrongFile

__all__ = ["WRONG_FILES", "WrongFile"]

WRONG_FILES: tuple[WrongFile, ...] = tuple(
    wrong_file
    for file in sorted(Path(__file__).parent.glob("step_*.py"))
    for wrong_file in importlib.import_module(f"{__name__}.{file.stem}").WRONG_FILES
)
