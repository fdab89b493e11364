"""The command line: `python -m tutor COMMAND`. `pixi run X` and `make X` are the same commands.

Exit status: 0 if all is well (for a check: green), 1 if not, 2 for a command that makes no
sense, 130 after Ctrl-C.
"""

import inspect
import os
import re
import sys
from pathlib import Path

import click

from tutor.cli.attention import attention
from tutor.cli.generation import generate
from tutor.cli.learn import learn, watch
from tutor.cli.maintenance import doctor, warm
from tutor.cli.steps import check, diff, graph, hint, reset, show, show_progress
from tutor.cli.training import evaluate_text, train
from tutor.cli.verification import verify
from tutor.course import find_step
from tutor.errors import CourseError, UnknownStepError
from tutor.terminal.printer import Printer, make_console

# In the order in which a learner needs them.
_SECTIONS = {
    "Your steps": (learn, check, hint, diff, reset, show_progress, verify, show, graph, watch),
    "The model": (generate, attention, train, evaluate_text),
    "The tool": (doctor, warm),
}


class Commands(click.Group):
    """The commands, with `s09` as another way to say `check 09`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if re.fullmatch(r"s\d+", args[0]):
            args = ["check", args[0], *args[1:]]
        elif match := re.fullmatch(r"(?:s|step)?[_-]?(\d{1,3})(?:\.py)?", Path(args[0]).name.lower()):
            try:
                label = find_step(int(match[1])).label
            except UnknownStepError as error:
                raise click.UsageError(str(error), ctx) from None
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean s{label}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the whole first paragraph of each command's help, which click would cut at the end of the line."""
        for heading, commands in _SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(command.name or "", _first_paragraph(command)) for command in commands])


def _first_paragraph(command: click.Command) -> str:
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from tutor.terminal.welcome import version_line

        click.echo(version_line())
        ctx.exit()


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
              help="Show the versions of the course and of MAX.")  # fmt: skip
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Build GPT-2 from scratch with MAX: check your steps, get hints, generate text.

    `sNN` is short for `check NN`: s02 checks step 02.
    """
    if ctx.invoked_subcommand is None:
        from tutor.terminal.welcome import WelcomePrinter

        WelcomePrinter(make_console()).welcome()


for _commands in _SECTIONS.values():
    for _command in _commands:
        cli.add_command(_command)


def main() -> None:
    """Runs the command line; every expected failure is one line and an exit status."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("stopped", 130)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message(), 1)
    except KeyboardInterrupt:
        _fail("stopped", 130)
    except CourseError as error:
        _fail(str(error), 1)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Nothing more can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}", 1)


def _fail(message: str, status: int) -> None:
    Printer(make_console(stderr=True)).error(message)
    sys.exit(status)
