"""Opens a step's chapter, or says where it is."""

import os
import sys
import webbrowser

from tutor.course import Step
from tutor.invocation import typed
from tutor.learner.workspace import REPOSITORY

_PAGES, _SOURCES = REPOSITORY / "book" / "build" / "html", REPOSITORY / "book" / "src"


def open_chapter(step: Step) -> str:
    """Opens the page of a step's chapter where there is a browser with windows; says what was done, or where it is."""
    page, source = _PAGES / f"step_{step.label}.html", _SOURCES / f"step_{step.label}.md"
    if page.exists():
        if _has_windows() and webbrowser.open(page.as_uri()):
            return f"Opened {page}"
        return f"The chapter: {page}"
    return f"The chapter: {source} (as pages in the browser: {typed('book')})"


def _has_windows() -> bool:
    """Whether a browser would open beside this terminal and not in it, or on the machine at the other end."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
