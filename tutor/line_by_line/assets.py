"""The script and the style of the web component."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def script() -> str:
    """The component's script."""
    return (_FOLDER / "component.js").read_text(encoding="utf-8")


def style() -> str:
    """The component's style."""
    return (_FOLDER / "component.css").read_text(encoding="utf-8")
