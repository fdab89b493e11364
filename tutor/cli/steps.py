"""The commands that work on a step: check, hint, diff, reset, graph; and progress, which lists them all."""

import sys

import click

from tutor.checking import supervisor
from tutor.cli.common import DEVICE, STEP, problems_told
from tutor.course import Step
from tutor.errors import DamagedProgressError
from tutor.invocation import typed
from tutor.learner import progress
from tutor.learner.workspace import Workspace
from tutor.terminal.printer import Printer, make_console
from tutor.terminal.report import Report


@click.command()
@STEP
@click.option("--solutions", is_flag=True, help="Check the solution in place of your file.")
@DEVICE
@click.option("--editor", is_flag=True, hidden=True, help="End with one line that an editor's problem matcher reads.")
def check(step: Step, *, solutions: bool, device: str, editor: bool) -> None:
    """Check STEP: run it, compare its numbers, say why they differ."""
    report, workspace = Report(make_console()), Workspace.find()
    file = workspace.solution(step.number) if solutions else workspace.step(step.number)
    shown = str(file.relative_to(workspace.root))
    if not file.exists():
        raise click.ClickException(f"{shown} is missing. `{typed('reset', step.label)}` brings the skeleton back.")
    known, damage = _load_progress(workspace)
    with report.phases(step) as display:
        finished = supervisor.run(
            step.number, workspace, solutions=solutions, device=device, green=known.green, on_phase=display
        )
    verdict = finished.verdict
    hints_seen = known.hints.get(step.number, 0)
    report.verdict(step, verdict, file=shown, printed=finished.printed, hints_seen=hints_seen)
    if editor and verdict.problem is not None:
        report.place(verdict.problem)
    if damage:
        report.error(damage)
    if not solutions:
        progress.record_verdict(workspace, step.number, verdict.files if verdict.green else None)
    sys.exit(0 if verdict.green else 1)


@click.command()
@STEP
@click.option("--number", type=click.IntRange(1, 3), help="Show this hint again; it is not counted as a new one.")
def hint(step: Step, *, number: int | None) -> None:
    """Show the next hint for STEP."""
    from tutor.terminal.step_pages import StepPrinter

    workspace, printer = Workspace.find(), StepPrinter(make_console())
    if number is None:
        number = progress.count_hint(workspace, step)
    else:
        progress.require_shown(workspace, step, number)
    printer.hint(step, number)
    if number == len(step.hints):
        printer.console.print()
        printer.say(f"This is the last hint. `{typed('diff', step.label)}` shows your file against the solution.")


@click.command()
@STEP
def diff(step: Step) -> None:
    """Show your file for STEP against the solution."""
    from tutor.learner.step_files import difference
    from tutor.terminal.step_pages import StepPrinter

    StepPrinter(make_console()).diff(difference(Workspace.find(), step), step)


@click.command()
@STEP
def reset(step: Step) -> None:
    """Restore the skeleton of STEP; a dated copy of your file is kept."""
    from tutor.learner.step_files import restore_skeleton

    workspace, printer = Workspace.find(), Printer(make_console())
    restored = restore_skeleton(workspace, step)
    name = restored.file.relative_to(workspace.root)
    printer.say(f"{name} is the skeleton again." if restored.changed else f"{name} is the skeleton already.")
    if restored.backup is not None:
        printer.say(f"Your file is kept as {restored.backup.relative_to(workspace.root)}.")


@click.command(name="progress")
def show_progress() -> None:
    """Show what is right and what is next."""
    from tutor.terminal.step_pages import StepPrinter

    workspace = Workspace.find()
    known = progress.load(workspace)
    StepPrinter(make_console()).progress(progress.step_states(workspace, known.green), known.hints)


@click.command()
@STEP
@click.option("--solutions", is_flag=True, help="Show the solution's graph in place of yours.")
@DEVICE
def graph(step: Step, *, solutions: bool, device: str) -> None:
    """Print the MAX graph that your code for STEP builds."""
    from tutor.checking.printed_graph import print_graph
    from tutor.terminal.step_pages import StepPrinter

    printer = StepPrinter(make_console())
    with problems_told():
        text = print_graph(step.number, Workspace.find(), solutions=solutions, device=device)
    if text is None:
        printer.say(f"Step {step.label} is plain Python: it builds no graph.")
    else:
        printer.graph(text)


def _load_progress(workspace: Workspace) -> tuple[progress.Progress, str]:
    """The progress, or an empty one and what was wrong: a check gives its verdict even so."""
    try:
        return progress.load(workspace), ""
    except DamagedProgressError as error:
        return progress.Progress(), str(error)
