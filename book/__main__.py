"""`python -m book`: builds, serves and refreshes the book."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from book.paths import BOOK, HTML, NOTEBOOK, SOURCE
from tutor.course import COURSE
from tutor.errors import CourseError
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


def _chapter(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """The name of a chapter; its file name is right, too."""
    name = value.removesuffix(".md")
    if name and not (SOURCE / f"{name}.md").exists():
        raise click.BadParameter(f"book/src has no {name}.md; a chapter is called step_08, introduction, speed, ...")
    return name


# In this order: figures are drawn from the data.
PARTS = ("data", "figures", "examples", "lines", "prompts", "captures")


@cli.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--chapter", default="", callback=_chapter, metavar="NAME",
              help="Only what belongs to one chapter, such as step_08.")  # fmt: skip
def refresh(*, parts: tuple[str, ...], chapter: str) -> None:
    """Compute again what the chapters show: all of it, or only the named PARTS.

    data are the numbers behind the interactive pictures and the figures, which several chapters share; figures
    are drawn; examples are run, for what they print and for the numbers in the text; lines are the solutions line
    by line; prompts are those of the study guide and of AGENTS.md; captures are what the tool prints, the recorded
    session among them.
    """
    if chapter and "data" in parts:
        raise click.UsageError("several chapters share the data: refresh them without --chapter")
    wanted = parts or (PARTS[1:] if chapter else PARTS)
    try:
        if "data" in wanted:
            from book import export

            export.write()
        if "figures" in wanted:
            from book import plots

            plots.write(figures_of(chapter) if chapter else None)
        if "examples" in wanted:
            from book import captures

            captures.write_examples(chapter)
        if "lines" in wanted:
            from book import lines

            lines.write(chapter)
        if "prompts" in wanted:
            from book import agents, study_prompts

            for part in parts_of(chapter):
                study_prompts.write(part)
            agents.write()
        if "captures" in wanted and not chapter:
            from book import recording, terminal_screens

            terminal_screens.write()
            recording.write()
        if "captures" in wanted:
            from book import captures

            captures.write_captures(chapter)
    except CourseError as error:
        raise click.ClickException(str(error)) from None


def figures_of(chapter: str) -> list[str]:
    """The names of the figures that a chapter shows."""
    return sorted(set(re.findall(r"\{\{figure:(\w+)", (SOURCE / f"{chapter}.md").read_text(encoding="utf-8"))))


def parts_of(chapter: str) -> list[str]:
    """The parts of the course whose prompts name a chapter's step; all of them without a chapter."""
    return list(dict.fromkeys(step.part for step in COURSE if chapter in ("", f"step_{step.label}")))


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
