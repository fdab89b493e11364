"""Runs the code under test, and turns whatever it raises into a problem that points at the course's files."""

import traceback
from bdb import BdbQuit
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tutor.checking.advice import find_advice, find_failure, plain_message
from tutor.checking.loader import StepModules
from tutor.checking.spec import MisuseError
from tutor.checking.verdict import Frame, Problem
from tutor.errors import CourseError
from tutor.invocation import typed

# An endless recursion has a thousand frames.
_MOST_FRAMES = 4


class ProblemFound(Exception):
    """Raised when a problem is found that ends the check."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.summary)
        self.problem = problem


class Guard:
    """Runs code under test; turns what it raises into a ProblemFound that points at the course's files."""

    def __init__(self, view: StepModules, step: int) -> None:
        self.view = view
        self.step = step

    def __call__(
        self,
        where: str,
        run: Callable[[], Any],
        *,
        explain: Mapping[str, str] | None = None,
        returns: type[Exception] | tuple[()] = (),
    ) -> Any:
        """Returns what `run` returns. `explain` maps parts of error messages to advice."""
        try:
            return run()
        except (ProblemFound, CourseError, KeyboardInterrupt):
            raise
        except returns as error:
            raise ProblemFound(
                Problem("returns", self.step, f"`{where}` does not return what the step asks for: {error}", where=where)
            ) from None
        except BaseException as error:
            frames = self.frames(error)
            step = next((number for frame in reversed(frames) if (number := _step_of(frame.file)) is not None), None)
            if step is None:
                lacking = error.obj if isinstance(error, AttributeError) else None
                step = _step_of(lacking.__name__) if isinstance(lacking, ModuleType) else None
            step = self.step if step is None else step
            if _is_tools_own(error):
                raise
            if isinstance(error, NotImplementedError) and str(error).startswith("step "):
                raise ProblemFound(
                    Problem("unfilled", step, f"Not filled in yet: {error}", where=where, frames=frames[-1:])
                ) from None
            advice = self._advice(error, explain or {})
            if isinstance(error, SystemExit):
                summary = f"The file ends the program (exit status {error.code}) instead of returning."
                advice = "Remove the call of `sys.exit` or `exit`."
            elif isinstance(error, SyntaxError):
                summary = f"Python cannot read the file: {error.msg}"
                file = Path(error.filename or self.view.file(self.step))
                frames = [Frame(_relative(file, self.view), error.lineno or 0, "", (error.text or "").strip())]
                number = _step_of(frames[0].file)
                step = self.step if number is None else number
            elif isinstance(error, ModuleNotFoundError) and (missing := _step_of(error.name or "")) is not None:
                step, summary = missing, f"steps/step_{missing:02d}.py is missing."
                advice = f"`{typed('reset', f'{missing:02d}')}` brings the skeleton back."
            elif isinstance(error, MisuseError):
                summary, advice = _as_sentence(error.got), _as_sentence(error.advice)
            else:
                summary = _in_a_sentence(error)
            raise ProblemFound(Problem("exception", step, summary, where=where, advice=advice, frames=frames)) from None

    def _advice(self, error: BaseException, explain: Mapping[str, str]) -> str:
        """What to do about an error: what the check knows comes before what the phrasebook says."""
        known = next((text for part, text in explain.items() if part in str(error)), "")
        return known or find_advice(find_failure(error, self._is_of_course))

    def _is_of_course(self, file: str) -> bool:
        path = Path(file)
        return path.parent.name in ("steps", "solutions") and path.is_relative_to(self.view.workspace.root)

    def frames(self, error: BaseException) -> list[Frame]:
        """The innermost lines of the traceback that are in files of the course, outermost first."""
        frames = [
            Frame(_relative(Path(entry.filename), self.view), entry.lineno or 0, entry.name, (entry.line or "").strip())
            for entry in traceback.extract_tb(error.__traceback__)
            if self._is_of_course(entry.filename)
        ]
        return frames[-_MOST_FRAMES:]


def _as_sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _in_a_sentence(error: BaseException) -> str:
    """The error's type and what it says."""
    kind, message = type(error).__name__, plain_message(error)
    if message:
        return f"{kind}: {message}"
    if isinstance(error, BdbQuit):
        return "The file stops in the debugger."
    return f"{kind}, without a message."


def _is_tools_own(error: BaseException) -> bool:
    """Whether the fault is in the tool itself, and must not be blamed on the learner.

    A line of the tool that calls the learner's code may raise because of that code: an attribute is missing (from
    an object of the course, or in a line in `checks/`), the signature is different (TypeError), or the file cannot
    be read (SyntaxError).
    """
    if isinstance(error, AttributeError) and _is_of_the_course(error.obj):
        return False
    raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    tool = Path(__file__).parents[1]
    in_tool = raised_in.is_relative_to(tool) and not raised_in.is_relative_to(tool / "checks")
    return in_tool and not isinstance(error, SyntaxError | TypeError)


def _is_of_the_course(thing: object) -> bool:
    """Whether it is a module of the steps or the solutions, or an instance of one of their classes."""
    name = thing.__name__ if isinstance(thing, ModuleType) else type(thing).__module__
    return name.partition(".")[0] in ("steps", "solutions")


def _relative(file: Path, view: StepModules) -> str:
    return str(file.relative_to(view.workspace.root)) if file.is_relative_to(view.workspace.root) else str(file)


def _step_of(file: str) -> int | None:
    """The step that a file belongs to, or a module by its name."""
    stem = file.rpartition(".")[2] if file.startswith(("steps.", "solutions.")) else Path(file).stem
    return int(stem[-2:]) if stem.startswith(("step_", "solution_")) and stem[-2:].isdigit() else None
