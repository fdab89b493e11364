"""`python -m book`: builds, serves and refreshes the book."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from book.paths import BOOK, HTML, NOTEBOOK
from tutor.learner.workspace import REPOSITORY


@click.group()
def cli() -> None:
    """Build, read and refresh the book."""


def _mdbook(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment that run mdBook with the preprocessor of this Python."""
    beside_python = Path(sys.executable).with_name("mdbook")
    program = str(beside_python) if beside_python.exists() else shutil.which("mdbook")
    if program is None:
        raise click.ClickException("mdbook is not installed: `make book` installs it, or pip install '.[book]'")
    environment = os.environ | {
        "MDBOOK_PREPROCESSOR__COURSE__COMMAND": f'"{sys.executable}" -m book.preprocessor',
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
    }
    return [program, *arguments, str(BOOK)], environment


@cli.command()
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), default=HTML, help="Where to put the pages."
)
def build(*, output: Path) -> None:
    """Build the book as web pages. A warning is an error."""
    command, environment = _mdbook("build", "--dest-dir", str(output.resolve()))
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    log = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr)
    problems = [line for line in log.splitlines() if re.search(r"\b(WARN|ERROR)\b", line)]
    if result.returncode or problems:
        raise click.ClickException("the book does not build:\n" + ("\n".join(problems) or log))
    click.echo(f"{output / 'index.html'}")


@cli.command()
@click.option("--open/--no-open", "open_", default=True, show_default=True, help="Open it in the browser.")
@click.option("--port", default=3000, show_default=True)
def serve(*, open_: bool, port: int) -> None:
    """Serve the book, and rebuild it whenever a file changes."""
    command, environment = _mdbook("serve", "--port", str(port), *(["--open"] if open_ else []))
    try:
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    except KeyboardInterrupt:
        sys.exit(130)


@cli.command()
@click.argument("parts", nargs=-1, type=click.Choice(["data", "examples", "captures", "figures"]))
@click.option("--chapter", default="", help="Captures of one chapter only, such as step_08.")
def refresh(*, parts: tuple[str, ...], chapter: str) -> None:
    """Compute again what the chapters show: all of it, or only the named PARTS."""
    wanted = parts or ("data", "examples", "captures", "figures")
    if "data" in wanted:
        from book import export

        export.write()
    if "figures" in wanted:
        from book import plots

        plots.write()
    if "examples" in wanted:
        from book import agents, captures, study_prompts

        captures.write_examples()
        study_prompts.write()
        agents.write()
    if "captures" in wanted:
        from book import captures

        captures.write_captures(chapter)


@cli.command()
@click.option("--open/--no-open", "open_", default=True, show_default=True, help="Open it in JupyterLab.")
def notebook(*, open_: bool) -> None:
    """Make the companion notebook from the chapters."""
    from book.notebook import write

    write(NOTEBOOK)
    click.echo(NOTEBOOK)
    if open_:
        sys.exit(subprocess.run([sys.executable, "-m", "jupyterlab", str(NOTEBOOK)], check=False).returncode)


if __name__ == "__main__":
    cli()
