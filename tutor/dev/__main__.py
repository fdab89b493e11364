"""`python -m tutor.dev`: commands for those who work on the course."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from tutor.course import COURSE, Step, find_step
from tutor.errors import CourseError
from tutor.learner.backup import back_up
from tutor.learner.skeleton import skeleton_of


class Commands(click.Group):
    """Tells what is wrong with the repository in one line, as click tells what is wrong with the command."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            raise click.ClickException(str(error)) from None


class StepNumber(click.ParamType):
    """The number of a step, there or not: 2, 02, s02."""

    name = "NN"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"s?(\d{1,2})", str(value))
        if match is None:
            self.fail(f"{value!r} is not the number of a step", param, ctx)
        return int(match[1])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Add a step to the course, and find what is missing or out of date."""


@cli.command(short_help="Add step NN, called TITLE, as a stub of each part.")
@click.argument("number", type=StepNumber(), metavar="NN")
@click.argument("title")
@click.option("--part", default=COURSE[-1].part, show_default=True, help="The part of the book that it belongs to.")
def new(number: int, title: str, *, part: str) -> None:
    """Add step NN, called TITLE: write a stub of each of its parts.

    NN is the next number. No file is overwritten.
    """
    from tutor.dev.problem import MARKER
    from tutor.dev.stubs import new_step, texts_of_new

    step = new_step(number, title, part, COURSE)
    _write(texts_of_new(step, COURSE))
    click.echo(
        f"\nNext, in this order:\n"
        f"  1. Write solutions/solution_{step.label}.py, its check, its oracle, its hints: each {MARKER} says what.\n"
        f"  2. Make the learner's file from the solution:  python -m tutor.dev skeletons {step.label}\n"
        f"  3. Compute the numbers to compare with:        python -m tutor.oracle --step {number}\n"
        f"  4. Write the chapter and its example.\n"
        f"  5. Compute what the chapter shows:             python -m book refresh --chapter step_{step.label}\n"
        f"  6. Add files with known mistakes to tests/wrong_files/step_{step.label}.py.\n"
        f"At any time, `python -m tutor.dev check` says what is missing."
    )


@cli.command()
@click.argument("number", type=StepNumber(), metavar="NN")
def stubs(number: int) -> None:
    """Write the stubs of the files that step NN lacks."""
    from tutor.dev.stubs import texts_of_missing

    texts = texts_of_missing(find_step(number), COURSE)
    if not texts:
        click.echo(f"Step {number:02d} lacks no file.")
    _write(texts)


@cli.command()
@click.argument("numbers", nargs=-1, type=StepNumber(), metavar="[NN]...")
def skeletons(numbers: tuple[int, ...]) -> None:
    """Write the skeletons of all steps, or of those named.

    They are made from the solutions.

    A dated copy of each file that changes is kept in .tutor/backups.
    """
    from tutor.dev.files import WORKSPACE, files_of
    from tutor.dev.problem import shown

    steps: list[Step] = [find_step(number) for number in numbers] or list(COURSE)
    written = 0
    for step in steps:
        file, solution = files_of(step).skeleton, files_of(step).solution
        try:
            text = skeleton_of(solution.read_text(encoding="utf-8"), step.number)
        except (OSError, SyntaxError, ValueError) as error:
            raise CourseError(f"{shown(solution)} gives no skeleton: {error}") from None
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        copy = back_up(WORKSPACE, step.number)
        file.write_text(text, encoding="utf-8")
        written += 1
        click.echo(f"wrote {shown(file)}" + (f"; the file that was there is {shown(copy)}" if copy else ""))
    click.echo(f"{written} of {len(steps)} skeletons written; the others are what the solutions give.")


@cli.command()
def lists() -> None:
    """Write the lists of steps in pixi.toml, README and book."""
    from tutor.dev.lists import LISTS

    texts = {steps.file: steps.updated(COURSE) for steps in LISTS if steps.problems(COURSE)}
    if not texts:
        click.echo("All lists are those of tutor/course.py.")
    _write(texts)


@cli.command()
def check() -> None:
    """Say what is missing or out of date, each line with its fix.

    Takes seconds, compiles nothing, and ends with status 1 if there is anything to do.
    """
    from tutor.dev.check import problems

    found = problems()
    for problem in found:
        click.echo(str(problem))
    if found:
        click.echo(f"\n{len(found)} {'thing is' if len(found) == 1 else 'things are'} missing or out of date.")
        sys.exit(1)
    click.echo(f"All {len(COURSE)} steps have all their parts.")


def _write(texts: Mapping[Path, str]) -> None:
    from tutor.dev.problem import shown

    for file, text in texts.items():
        verb = "added to" if file.exists() else "wrote"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        click.echo(f"{verb:8} {shown(file)}")


if __name__ == "__main__":
    cli(prog_name="python -m tutor.dev")
