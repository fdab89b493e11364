"""Learners' files that are right and written in another style than the solutions: pieces are replaced.

The files of step NN are in `step_NN.py`, as data.
"""

import importlib
from pathlib import Path

from tests.right_files.right_file import RightFile

__all__ = ["RIGHT_FILES", "RightFile"]

RIGHT_FILES: tuple[RightFile, ...] = tuple(
    right_file
    for file in sorted(Path(__file__).parent.glob("step_*.py"))
    for right_file in importlib.import_module(f"{__name__}.{file.stem}").RIGHT_FILES
)
