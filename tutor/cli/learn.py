"""The commands that follow a file while it is edited: learn, watch."""

import os
import sys

import click

from tutor.cli.common import DEVICE, STEP
from tutor.course import COURSE, Step
from tutor.learner import progress
from tutor.learner.workspace import Workspace
from tutor.terminal.printer import make_console

_PLAIN = click.option("--plain", is_flag=True, help="Print line after line, for screen readers and simple terminals.")
_POLL = click.option("--poll", is_flag=True, help="Look at the files again and again: for drives that tell nothing.")
_AHEAD = click.option(
    "--ahead/--no-ahead", default=True, show_default=True, help="Compile what is needed next while you read."
)


@click.command()
@_PLAIN
@_POLL
@_AHEAD
@DEVICE
def learn(*, plain: bool, poll: bool, ahead: bool, device: str) -> None:
    """Follow your files: each save is checked at once.

    Begins with the first step that is not right yet, and goes to the step whose file you save. Press ? for the keys.
    """
    known, _ = progress.load_if_readable(workspace := Workspace.find())
    step = progress.first_open(progress.step_states(workspace, known.green)) or COURSE[-1]
    _follow(workspace, step, plain=plain, poll=poll, ahead=ahead, device=device, follow=True)


@click.command()
@STEP
@_PLAIN
@_POLL
@_AHEAD
@DEVICE
def watch(step: Step, *, plain: bool, poll: bool, ahead: bool, device: str) -> None:
    """Follow STEP alone: it is checked at each save of its file or an earlier one."""
    _follow(Workspace.find(), step, plain=plain, poll=poll, ahead=ahead, device=device, follow=False)


def _follow(
    workspace: Workspace, step: Step, *, plain: bool, poll: bool, ahead: bool, device: str, follow: bool
) -> None:
    from tutor.watching.session import Options

    options = Options(device=device, follow=follow, poll=poll, ahead=ahead)
    command = [sys.executable, "-m", "tutor.cli.child", str(os.getpid())]
    if plain or not _is_a_screen():
        from tutor.terminal.learn.plain import PlainView

        PlainView(make_console(), workspace, step, options, command).run()
    else:
        from tutor.terminal.learn.app import LearnApp

        LearnApp(workspace, step, options, command).run_to_the_end()


def _is_a_screen() -> bool:
    """Whether a program may draw on the terminal, which Textual does on standard error."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream.isatty() for stream in streams) and os.environ.get("TERM", "") not in ("dumb", "unknown", "")
