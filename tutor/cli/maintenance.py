"""The commands that look after the tool itself: doctor, warm."""

import sys

import click

from tutor.cli.common import DEVICE
from tutor.learner.workspace import Workspace, cache_folder
from tutor.terminal.printer import Printer, make_console
from tutor.terminal.waiting import Waiting


@click.command()
def doctor() -> None:
    """Report versions, devices, the cache, and what is missing."""
    from tutor.terminal.doctor import DoctorPrinter, examine, is_healthy

    findings = examine(Workspace.find(), cache_folder())
    DoctorPrinter(make_console()).findings(findings)
    sys.exit(0 if is_healthy(findings) else 1)


@click.command()
@DEVICE
def warm(*, device: str) -> None:
    """Compile all the graphs that the checks and `generate` use, in parallel."""
    from tutor.checking.warm import warm_cache
    from tutor.generation.engines import shipped_graphs

    console = make_console()
    with Waiting(console) as waiting:
        waiting.begin("compiling the graphs of the steps")
        compiled = warm_cache(
            Workspace.find(),
            device,
            cache_folder(),
            lambda done, total: waiting.update(f"compiling the graphs of the steps, {done} of {total} steps are done"),
            shipped_graphs,
        )
    Printer(console).say(f"{compiled} graphs were compiled." if compiled else "All graphs are in the cache.")
