"""The commands that work on a step: check, hint, diff, reset, show, graph; and progress, which lists them all."""

import sys
from pathlib import Path

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
    known, damage = progress.load_if_readable(workspace)
    with report.phases(step) as display:
        finished = supervisor.run(
            step.number, workspace, solutions=solutions, device=device, green=known.green, on_phase=display
        )
    verdict = finished.verdict
    trouble = [damage] if damage else []
    if not solutions:  # before anything is printed: the reader of a pipe may leave after a line
        try:
            known = progress.record_verdict(workspace, step.number, verdict.files if verdict.green else None)
        except (OSError, DamagedProgressError) as error:
            trouble.append(f"the verdict could not be kept: {error}")
    report.verdict(
        step,
        verdict,
        file=shown,
        printed=finished.printed,
        hints_seen=known.hints.get(step.number, 0),
        right=progress.green_steps(workspace, known.green),
    )
    if editor and verdict.problem is not None:
        report.place(verdict.problem)
    for message in trouble:
        report.error(message)
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
    from tutor.learner.step_files import restore_skeleton, restored_in_words

    workspace, printer = Workspace.find(), Printer(make_console())
    for line in restored_in_words(restore_skeleton(workspace, step), workspace):
        printer.say(line)


@click.command(name="progress")
@click.option("--export", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE",
              help="Write it as JSON, for a teacher, in place of showing it; - writes to stdout.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Let --export replace a file.")
def show_progress(*, export: Path | None, overwrite: bool) -> None:
    """Show what is right, what it took, and what is next."""
    from tutor.learner.export import export_progress
    from tutor.learner.json_files import check_writable, write_json

    workspace = Workspace.find()
    if export is not None:
        check_writable(export, overwrite=overwrite)
    known = progress.load(workspace)
    if export is not None:
        write_json(export, export_progress(workspace, known), overwrite=overwrite)
        if str(export) != "-":
            Printer(make_console()).say(f"{export} is written.")
        return
    from tutor.terminal.step_pages import StepPrinter

    StepPrinter(make_console()).progress(progress.step_states(workspace, known.green), known)


@click.command()
@STEP
@click.option("--solutions", is_flag=True, help="Show the solution's graph in place of yours.")
@DEVICE
def graph(step: Step, *, solutions: bool, device: str) -> None:
    """Print the MAX graph that your code for STEP builds."""
    from tutor.checking.printed_graph import print_graph
    from tutor.terminal.step_pages import StepPrinter

    printer = StepPrinter(make_console())
    with problems_told(own=not solutions):
        text = print_graph(step.number, Workspace.find(), solutions=solutions, device=device)
    if text is None:
        printer.say(f"Step {step.label} is plain Python: it builds no graph.")
    else:
        printer.graph(text)


@click.command()
@STEP
@click.option("--solutions", is_flag=True, help="Show the solution in place of your file.")
@click.option("--case", type=int, metavar="N", help="Take this one of the step's cases; else one that is small.")
@click.option("--text", metavar="TEXT", help="Take the numbers of the course's trained model while it reads this.")
@click.option("--line", type=click.IntRange(min=1), metavar="N", help="Show the whole values of this line alone.")
@click.option("--deep", is_flag=True, help="Show the lines of earlier steps too.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Write a web page, .html, with the operations beside the code, in place of printing.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Let --output replace a file.")
@DEVICE
def show(step: Step, *, solutions: bool, case: int | None, text: str | None, line: int | None, deep: bool,
         output: Path | None, overwrite: bool, device: str) -> None:  # fmt: skip
    """Show your code for STEP, and under each line what it made.

    The tool computes the numbers itself, so nothing is compiled. Code that fails is shown up to where it failed, and
    the first wrong line is marked.
    """
    if output is not None and (line is not None or deep):
        raise click.UsageError("--output writes the step's own lines: leave --line and --deep out")
    if text is not None and case is not None:
        raise click.UsageError("--text takes the place of a case: leave --case out")
    from tutor.line_by_line import code_process
    from tutor.line_by_line.cases import cases_with_a_graph, choose_case

    workspace = Workspace.find()
    file = workspace.solution(step.number) if solutions else workspace.step(step.number)
    if not file.exists():
        shown = file.relative_to(workspace.root)
        raise click.ClickException(f"{shown} is missing. `{typed('reset', step.label)}` brings the skeleton back.")
    cases = cases_with_a_graph(step) if text is None else []
    if text is None and not cases:
        Printer(make_console()).say(f"Step {step.label} is plain Python: there is no graph to show line by line.")
        return
    if output is not None:
        from tutor.line_by_line import page

        page.check(output, overwrite=overwrite)
    known, damage = progress.load_if_readable(workspace)
    with code_process.start(step.number) as process:
        from tutor.line_by_line.on_text import step_on_text
        from tutor.line_by_line.run import run_lines
        from tutor.terminal.line_pages import LinePrinter

        chosen = choose_case(cases, case) if text is None else step_on_text(step, text)
        run = run_lines(process, step, workspace, cases, chosen, solutions=solutions, device=device, green=known.green)
    printer = LinePrinter(make_console())
    if output is not None:
        from tutor.line_by_line import page

        page.write(output, run, overwrite=overwrite)
        printer.say(f"{output} is written.")
    elif line is None:
        printer.lines(run, deep=deep)
    else:
        printer.line(run, line)
    if damage:
        printer.error(damage)
    sys.exit(0 if run.problem is None else 1)
