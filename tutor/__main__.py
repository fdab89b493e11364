"""`python -m tutor`."""

import sys

try:
    try:
        from tutor.cli import main
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: this Python has no {error.name}; the course's own is in .venv: "
            "`source .venv/bin/activate`, or with pixi `pixi shell`, then again. `make` needs neither."
        )
    main()
except KeyboardInterrupt:
    # Ctrl-C while modules were still being imported; later ones are handled in `main`.
    sys.exit(130)
