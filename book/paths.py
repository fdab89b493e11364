"""Where the book's parts are."""

from tutor.learner.workspace import REPOSITORY

BOOK = REPOSITORY / "book"
SOURCE = BOOK / "src"
# Python files whose output and numbers the chapters show.
EXAMPLES = BOOK / "examples"
# What those files print, what the tool prints, and the numbers, as the chapters include them.
OUTPUTS = BOOK / "outputs"
NUMBERS = OUTPUTS / "numbers.json"
FIGURES = BOOK / "figures"
# Outputs of the course's model, computed by MAX, for the interactive pictures and the figures.
DATA = SOURCE / "data"
HTML = BOOK / "build" / "html"
NOTEBOOK = BOOK / "build" / "gpt2-with-max.ipynb"
