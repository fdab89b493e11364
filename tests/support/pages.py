"""The pages of the book as they are written."""

import re

import pytest

from book.paths import SOURCE
from tutor.course import Step

PAGES = sorted(path.name for path in SOURCE.glob("*.md") if path.name != "SUMMARY.md")
every_page = pytest.mark.parametrize("page", PAGES)


def chapter(step: Step) -> str:
    """The chapter of a step, as it is written."""
    return (SOURCE / f"step_{step.label}.md").read_text()


def section(text: str, heading: str) -> str:
    """What is between a heading and the next one."""
    return re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
