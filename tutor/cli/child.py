"""Runs a command for the screen that follows a file: `python -m tutor.cli.child PARENT COMMAND ...`.

It ends with its parent, which a learner's endless loop in `graph` or `show` would not do by itself.
"""

import sys

from tutor.processes import end_with_parent


def main() -> None:
    """Runs the command line that follows the parent's process id."""
    end_with_parent(int(sys.argv.pop(1)))
    from tutor.cli import main as run

    run()


if __name__ == "__main__":
    main()
