"""A step line by line as one web page, which loads nothing."""

import html
from pathlib import Path

from tutor.errors import PictureError
from tutor.files import check_new_file, write_new_file
from tutor.line_by_line.assets import script, style
from tutor.line_by_line.component import component
from tutor.line_by_line.run import LineRun


def check(file: Path, *, overwrite: bool) -> None:
    """Sees to it, before any work is done, that a page can be written.

    Raises:
        PictureError: it cannot; the message says what to change.
    """
    if file.suffix.lower() != ".html":
        raise PictureError(f"{file}: a page's name ends in .html")
    check_new_file(file, overwrite=overwrite)


def write(file: Path, run: LineRun, *, overwrite: bool) -> None:
    """Writes the page as a whole or not at all.

    Raises:
        PictureError: it cannot be written; the message says why.
    """
    check(file, overwrite=overwrite)
    write_new_file(file, page(run), overwrite=overwrite)


def page(run: LineRun) -> str:
    """The page."""
    title = html.escape(f"Step {run.step.label}, line by line: {run.step.title}")
    problem = "" if run.problem is None else f"<p><strong>{html.escape(run.problem.summary)}</strong></p>\n"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --bg: #ffffff; --fg: #1a1a1a; }}
@media (prefers-color-scheme: dark) {{ :root {{ --bg: #15181c; --fg: #e4e4e4; }} }}
body {{ margin: 1rem auto; max-width: 80rem; padding: 0 1rem; background: var(--bg); color: var(--fg); }}
body {{ font: 1rem/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.3rem; }}
{style()}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{problem}{component(run)}<noscript><p>The values are shown by a script, which is switched off here.</p></noscript>
</main>
<script>
{script()}</script>
</body>
</html>
"""
