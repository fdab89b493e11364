"""The process that judges a step: `python -m tutor.checking.judge EVENTS PARENT OUTPUT STEP < REQUEST`.

It never imports a learner's file. A process of its own does that, and hands out data; what the data is worth is
found out here:

    trace     the learner's process imports the step and traces it        milliseconds
    evaluate  the graphs are computed in NumPy, and compared              milliseconds
    compile   MAX compiles them, if all is right so far                   half a minute, once for each new graph
    compare   the compiled graphs run on the same cases                   milliseconds

Only the last makes a step green. Events leave as JSON lines on a pipe of their own.
"""

import contextlib
import json
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from tutor.checking.guard import ProblemFound
from tutor.checking.learner_link import LearnerLink
from tutor.checking.verdict import Problem, Verdict
from tutor.course import find_step
from tutor.errors import CourseError
from tutor.learner.progress import file_hashes, is_green
from tutor.learner.skeleton import parts_of
from tutor.learner.workspace import Workspace
from tutor.processes import end_with_parent, go_last

Emit = Callable[..., None]


@dataclass(frozen=True)
class Request:
    """What to judge.

    Args:
        step: its number.
        workspace: whose files.
        solutions: judge the solution in place of the learner's file.
        device: `auto`, `cpu` or `gpu`.
        cache_folder: where compiled graphs are kept.
        green: for each step that was green once, the hashes of the files that took part.
        in_background: let other programs go first while MAX compiles.
    """

    step: int
    workspace: Workspace
    solutions: bool
    device: str
    cache_folder: Path
    green: Mapping[int, Mapping[str, str]]
    in_background: bool = False


def judge(request: Request, link: LearnerLink, emit: Emit) -> Verdict:
    """Judges one step.

    Args:
        request: what to judge.
        link: to a process for the learner's code.
        emit: told each phase as it begins.

    Raises:
        CourseError: the check cannot be run here, whatever the code is.
    """
    # MAX takes half a second to import: see `_import_ahead`.
    from tutor.checking.attempt import Attempt, Look
    from tutor.checking.blame import find_blame
    from tutor.checking.confirmation import Compiler, confirm
    from tutor.checking.numbers import drawn_cases, stored_cases

    step, workspace = request.step, request.workspace
    hashes = file_hashes(workspace, range(step + 1))
    check, parts = find_step(step).check, parts_of(workspace.solution(step).read_text(encoding="utf-8"))
    seed = int(os.environ.get("TUTOR_SEED") or secrets.randbelow(1 << 31))  # the book's outputs are always the same
    stored = stored_cases(step, check)

    def begin_to_compile(graphs: int) -> None:
        if request.in_background:
            go_last()
        emit("compile", graphs=graphs)

    compiler = Compiler(step, check, request.cache_folder, begin_to_compile)
    cases = [*stored, *drawn_cases(check, stored, seed)]
    trusted = frozenset(number for number in range(step) if is_green(workspace, number, request.green))
    look = Look(step, check, parts, cases, request.device, seed, compiler, trusted)

    # All that is stored is read by now: what the code under test writes into these files comes too late.
    total = len(look.cases) + len(check.expectations_for(seed))

    def look_at(own: Collection[int]) -> Attempt:
        emit("trace")  # each look has the time that the phase may take
        return look(link, str(workspace.root), own)

    def look_briefly(own: Collection[int]) -> Attempt:
        emit("trace")
        return look.briefly(link, str(workspace.root), own, first=attempt.wrong_subject)

    attempt = look_at(() if request.solutions else range(step + 1))

    def verdict(status: str, problem: Problem | None, shown: Attempt) -> Verdict:
        own = [number for number in attempt.loaded if number in attempt.own]
        return Verdict(
            step=step,
            status=status,
            passed=attempt.passed,
            total=total,
            problem=problem,
            compiled=compiler.compiled,
            compile_seconds=compiler.seconds,
            damaged=compiler.damaged,
            files={label: hashes[label] for label in (f"{number:02d}" for number in own) if label in hashes},
            tasks=shown.tasks(parts),
        )

    if attempt.problem is not None:
        if request.solutions:
            return verdict("red", attempt.problem, attempt)
        suspects = sorted(attempt.loaded - {step} - trusted)
        blame = find_blame(step, attempt, suspects, look_at, look_briefly)
        status = "borrowed" if blame.borrowed else "red"
        told = verdict(status, blame.problem, blame.attempt)
        return replace(told, culprits=blame.culprits, suspects=blame.suspects)
    if attempt.unfilled is not None:
        return verdict("red", attempt.unfilled, attempt)
    if attempt.graphs:
        emit("right")
    try:
        compared = confirm(attempt, look, link, compiler)
    except ProblemFound as stop:
        return verdict("red", stop.problem, attempt)
    notes = [] if check.show is None else [check.show(compared.results)]
    return replace(verdict("green", None, attempt), largest_error=compared.largest_error, notes=notes)


def _import_ahead(step: int) -> None:
    """Imports what judging needs, while the process for the learner's code imports MAX, too."""
    # If MAX cannot be imported, or the course is not complete, that is told when it is needed.
    with contextlib.suppress(ImportError, CourseError):
        from tutor.checking import attempt, blame, confirmation, numbers  # noqa: F401

        _ = find_step(step).check


def main() -> None:
    """Reads a request from standard input, judges, and sends events until the verdict."""
    end_with_parent(int(sys.argv[2]))
    events = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    output: BinaryIO = os.fdopen(int(sys.argv[3]), "wb", closefd=False)
    likely = int(sys.argv[4])
    link = LearnerLink(likely, output)
    _import_ahead(likely)
    try:
        content = json.load(sys.stdin)
    except ValueError:
        os._exit(1)  # the parent has gone without a request
    token = content["token"]

    def emit(event: str, **more: object) -> None:
        events.write(json.dumps({"token": token, "event": event, **more}) + "\n")
        events.flush()

    request = Request(
        step=content["step"],
        workspace=Workspace(Path(content["root"])),
        solutions=content["solutions"],
        device=content["device"],
        cache_folder=Path(content["cache_folder"]),
        green={int(number): files for number, files in content["green"].items()},
        in_background=content["in_background"],
    )
    link.step = request.step
    try:
        emit("verdict", verdict=judge(request, link, emit).to_dict())
    except KeyboardInterrupt:
        sys.exit(130)
    except CourseError as error:
        emit("refused", message=str(error))
    except Exception:
        emit("failed", message=traceback.format_exc())
    finally:
        link.close()
    # Nothing is left to do, and taking MAX down takes a while.
    os._exit(0)


if __name__ == "__main__":
    main()
