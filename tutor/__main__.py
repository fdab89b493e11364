"""`python -m tutor`."""

import sys

try:
    from tutor.cli import main

    main()
except KeyboardInterrupt:
    # Ctrl-C while modules were still being imported; later ones are handled in `main`.
    sys.exit(130)
