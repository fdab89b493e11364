"""The whole command line, with what it does of errors, for click's own test runner."""

import sys

import click

from tutor.cli import main


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def main_command(arguments: tuple[str, ...]) -> None:
    """Runs `python -m tutor` with these arguments in this process."""
    before, sys.argv = sys.argv, ["tutor", *arguments]
    try:
        main()
    finally:
        sys.argv = before
