"""The child process in which a check runs: `python -m tutor.checking.worker EVENTS_FD < REQUEST`.

Whatever the code under test does (loop for ever, end the process, crash MAX's compiler),
it does it here. Events leave as JSON lines on a pipe of their own, so that what the code
prints cannot be mistaken for them.
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from tutor.errors import CourseError


def main() -> None:
    """Reads a request from standard input, runs the check, and sends events until the verdict."""
    events = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    request = json.load(sys.stdin)
    # The code under test gets no input: `input()` fails at once instead of waiting for ever.
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open until the process ends

    def emit(event: str, **content: Any) -> None:
        events.write(json.dumps({"event": event, **content}) + "\n")
        events.flush()

    try:
        from tutor.checking.run import run_check
        from tutor.learner.workspace import Workspace

        verdict = run_check(
            request["step"],
            Workspace(Path(request["root"])),
            solutions=request["solutions"],
            device=request["device"],
            cache_folder=Path(request["cache_folder"]),
            green={int(step): files for step, files in request["green"].items()},
            emit=emit,
        )
        emit("verdict", verdict=verdict.to_dict())
    except KeyboardInterrupt:
        sys.exit(130)
    except CourseError as error:
        emit("refused", message=str(error))
    except Exception:
        emit("failed", message=traceback.format_exc())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    # Not sys.exit: threads or exit handlers of the code under test could hold the process.
    os._exit(0)


if __name__ == "__main__":
    main()
