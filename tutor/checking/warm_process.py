"""Compiles graphs of solutions that nobody waits for yet: `python -m tutor.checking.warm_process PARENT < REQUEST`.

What MAX compiles here, it need not compile when the learner's own lines are the same.
"""

import json
import os
import sys
from pathlib import Path

from tutor.checking.warm import warm_steps
from tutor.learner.workspace import Workspace
from tutor.processes import end_with_parent, go_last


def main() -> None:
    """Reads a request from standard input, and compiles what is missing, after all other programs."""
    end_with_parent(int(sys.argv[1]))
    go_last()
    request = json.load(sys.stdin)
    warm_steps(Workspace(Path(request["root"])), request["steps"], request["device"], Path(request["cache_folder"]))
    # Nothing is left to do, and taking MAX down takes a while.
    os._exit(0)


if __name__ == "__main__":
    main()
