"""The command that judges the whole course from scratch: verify."""

import json
import sys
from pathlib import Path

import click

from tutor.checking import verification
from tutor.checking.verification import Summary
from tutor.cli.common import DEVICE
from tutor.errors import SummaryError
from tutor.learner.json_files import STDOUT, check_writable, write_json
from tutor.learner.workspace import Workspace
from tutor.terminal.printer import make_console

SUMMARY = "verification.json"


@click.command()
@click.option("--against", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="Compare with the summary in FILE, in place of writing one.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE",
              help=f"Where to write the summary; {SUMMARY} if left out, and - for stdout.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Let --output replace a file that is no summary.")
@DEVICE
def verify(*, against: Path | None, output: Path | None, overwrite: bool, device: str) -> None:
    """Judge all steps from scratch, and write a summary that can be handed in.

    With --against it judges all steps here, and says what differs from a summary that was handed in: verdicts, files,
    the course itself. The exit status is 0 only if all agrees; without --against, only if all steps are right.
    """
    from tutor.terminal.verification import VerificationPrinter

    workspace = Workspace.find()
    theirs = None if against is None else read_summary(against)
    if output is None and against is None:
        output = workspace.root / SUMMARY
    if output is not None:
        overwrite = overwrite or is_summary(output)
        check_writable(output, overwrite=overwrite)
    # What is told goes to stderr if the summary goes to stdout.
    printer = VerificationPrinter(make_console(stderr=output == STDOUT))
    here = verification.verify(workspace, device=device, phases=printer.phases, on_result=printer.result)
    printer.summary(here)
    if output is not None:
        write_json(output, here.to_dict(), overwrite=overwrite)
        if output != STDOUT:
            name = output.relative_to(workspace.root) if output.is_relative_to(workspace.root) else output
            printer.say(f"{name} is written: hand it in together with steps/.")
    if against is None or theirs is None:
        sys.exit(0 if here.all_right else 1)
    differing = verification.differences(theirs, here)
    printer.compared(against, theirs, here, differing)
    sys.exit(1 if differing else 0)


def read_summary(file: Path) -> Summary:
    """Reads a summary.

    Raises:
        SummaryError: it is none.
    """
    try:
        return Summary.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, RecursionError):
        raise SummaryError(f"{file}: it is no summary that `verify` wrote") from None
    except SummaryError as error:
        raise SummaryError(f"{file}: {error}") from None


def is_summary(file: Path) -> bool:
    """Whether there is a summary already, which a newer one may replace."""
    try:
        return file.is_file() and read_summary(file) is not None
    except SummaryError:
        return False
