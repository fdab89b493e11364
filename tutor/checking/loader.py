"""Imports the code under test, some steps from the learner's files and some from the solutions.

`steps.step_NN` and `solutions.solution_NN` both mean "step NN". In each `StepModules` that is
one module, loaded from the one file that the view chooses. So a solution can stand on a
learner's earlier step, and a learner's step on an earlier solution.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

from tutor.learner.workspace import Workspace

_STEP_MODULE = re.compile(r"(?:steps\.step|solutions\.solution)_(\d\d)$")
_PACKAGES = ("steps", "solutions")


class StepModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The course's code as one choice of files: `view[9]` is the module of step 09.

    Only one view can be in use at a time: making one forgets the modules of the last.
    """

    def __init__(self, workspace: Workspace, *, own: Collection[int]) -> None:
        """Takes the steps in `own` from the learner's files, all others from the solutions."""
        self.workspace = workspace
        self.own = frozenset(own)
        self._modules: dict[int, ModuleType] = {}
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, StepModules)]
        for name in [name for name in sys.modules if name.partition(".")[0] in _PACKAGES]:
            del sys.modules[name]
        sys.meta_path.insert(0, self)
        root = str(workspace.root)
        if sys.path[0] != root:
            sys.path.insert(0, root)

    def __getitem__(self, step: int) -> ModuleType:
        """Imports the module of a step. Whatever its file raises comes through."""
        if step in self._modules:
            return self._modules[step]
        if self not in sys.meta_path:
            raise RuntimeError("another view was made since; this one can import no more")
        return importlib.import_module(f"steps.step_{step:02d}")

    def file(self, step: int) -> Path:
        """The file that a step is loaded from."""
        return self.workspace.step(step) if step in self.own else self.workspace.solution(step)

    def use_solution(self, step: int) -> None:
        """Takes a step from its solution from now on. A step that has imported it before keeps what it has."""
        self.own -= {step}
        self._modules.pop(step, None)
        for package, module in (("steps", "step"), ("solutions", "solution")):
            sys.modules.pop(f"{package}.{module}_{step:02d}", None)

    @property
    def loaded(self) -> frozenset[int]:
        """The steps imported so far, by name or by another step's import."""
        return frozenset(self._modules)

    # The rest is Python's import protocol.

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in _PACKAGES:
            spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(self.workspace.root / fullname)]
            return spec
        match = _STEP_MODULE.match(fullname)
        if match is None:
            return None
        file = self.file(int(match[1]))
        if not file.exists():
            return None
        return importlib.util.spec_from_file_location(fullname, file, loader=self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._modules.get(_number(spec.name))

    def exec_module(self, module: ModuleType) -> None:
        number = _number(module.__name__)
        if number in self._modules:
            return
        self._modules[number] = module
        file = self.file(number)
        module.__file__ = str(file)
        try:
            # Compiled here, not by Python's cache: that one trusts the file's time, and
            # an edit within the same second would be missed.
            exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
        except BaseException:
            del self._modules[number]
            raise


def _number(fullname: str) -> int:
    match = _STEP_MODULE.match(fullname)
    assert match is not None, fullname
    return int(match[1])
