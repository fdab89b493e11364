"""The pages of the book as they are written."""

import pytest

from book.paths import SOURCE

PAGES = sorted(path.name for path in SOURCE.glob("*.md") if path.name != "SUMMARY.md")
every_page = pytest.mark.parametrize("page", PAGES)
