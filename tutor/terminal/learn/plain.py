"""`learn` in plain lines, for screen readers, simple terminals and files: what `sNN` prints, at each save."""

import asyncio
import os
import sys
from collections.abc import Sequence

from rich.console import Console

from tutor.checking.verdict import Verdict
from tutor.course import COURSE, Step
from tutor.learner.step_files import restore_skeleton, restored_in_words
from tutor.learner.workspace import Workspace
from tutor.terminal.learn.chapter import open_chapter
from tutor.terminal.learn.keys import COMMANDS, KEYS
from tutor.terminal.printer import Printer
from tutor.terminal.report import PhaseDisplay, Report
from tutor.terminal.step_pages import StepPrinter
from tutor.watching.session import Event, Judged, NoVerdict, Opened, Options, PhaseBegan, Session


class _PlainConsole(Console):
    """A console without colours, and without anything that moves."""

    def __init__(self, width: int) -> None:
        super().__init__(force_terminal=False, no_color=True, width=width, highlight=False)

    def on_broken_pipe(self) -> None:
        """Rich would leave the program at once, and so the event loop in the middle of its work."""
        raise BrokenPipeError


class PlainView:
    """Prints what happens, and reads a key and Return."""

    def __init__(
        self, console: Console, workspace: Workspace, step: Step, options: Options, command: Sequence[str]
    ) -> None:
        """`command` runs the tool's commands as processes that end with this one."""
        self._console = _PlainConsole(console.width)
        self._printer, self._command = Printer(self._console), command
        self._session = Session(workspace, step, options, self._tell)
        self._display = PhaseDisplay(self._console, step)
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._verdict: Verdict | None = None

    def run(self) -> None:
        """Runs until `q`, Ctrl-C, or the end of the process."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._listen()
        session = asyncio.create_task(self._session.run())
        keys = asyncio.create_task(self._obey())
        done, pending = await asyncio.wait((session, keys), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()

    # --- what happens -------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        match event:
            case Opened(step):
                self._verdict = None
                self._printer.say(f"Following {self._file(step)}. A key and Return: ? lists the keys, q ends this.")
            case PhaseBegan(step, phase, graphs):
                if phase == "start":
                    self._display = PhaseDisplay(self._console, step)
                self._display(phase, graphs, 0.0)
            case Judged(step, finished, hints_seen, _, right, damage):
                self._verdict = finished.verdict
                Report(self._console).verdict(
                    step,
                    finished.verdict,
                    file=self._file(step),
                    printed=finished.printed,
                    hints_seen=hints_seen,
                    right=right,
                )
                if damage:
                    self._printer.error(damage)
                self._console.print()  # the next verdict stands apart
            case NoVerdict(_, message):
                self._printer.error(message)

    def _file(self, step: Step) -> str:
        return str(self._session.workspace.step(step.number).relative_to(self._session.workspace.root))

    # --- keys ---------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Collects the lines of standard input. Where there is none, the files are followed all the same."""
        rest = b""

        def read() -> None:
            nonlocal rest
            chunk = os.read(descriptor, 1 << 12)
            if not chunk:
                asyncio.get_running_loop().remove_reader(descriptor)
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._keys.put_nowait(line.decode(errors="replace").strip().lower())

        try:
            descriptor = sys.stdin.fileno()
            asyncio.get_running_loop().add_reader(descriptor, read)
        except (OSError, ValueError, AttributeError):  # a file, or closed
            return

    async def _obey(self) -> None:
        """Does what the keys say, until `q`."""
        while (key := await self._keys.get()) != "q":
            step = self._session.step
            match key:
                case "h" | "d" | "s" | "g":
                    await self._show(COMMANDS[key], step)
                case "n":
                    self._next()
                case "l":
                    await self._choose()
                case "c":
                    self._printer.say(open_chapter(step))
                case "r":
                    await self._reset(step)
                case "a":
                    self._session.check()
                case "?":
                    for each in KEYS:
                        self._printer.say(f"{each.key}  {each.purpose}")
                case "":
                    pass
                case _:
                    self._printer.say("No such key; ? lists them.")

    async def _show(self, command: str, step: Step) -> None:
        environment = os.environ | {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": str(self._console.width)}
        child = await asyncio.create_subprocess_exec(
            *self._command,
            command,
            step.label,
            cwd=self._session.workspace.root,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            await child.wait()
        finally:
            if child.returncode is None:
                child.kill()

    def _next(self) -> None:
        if self._verdict is None or not self._verdict.green:
            self._printer.say(f"Step {self._session.step.label} is not right yet; l lists the steps.")
        elif (following := self._session.following()) is None:
            self._printer.say(f"All {len(COURSE)} steps are right.")
        else:
            self._session.open(following)

    async def _choose(self) -> None:
        StepPrinter(self._console).progress(self._session.states(), self._session.remembered())
        self._printer.say("The number of a step and Return goes there.")
        number = await self._keys.get()
        chosen = next((step for step in COURSE if number.isdigit() and step.number == int(number)), None)
        if chosen is None:
            self._printer.say("Staying here.")
        else:
            self._session.open(chosen)

    async def _reset(self, step: Step) -> None:
        self._printer.say(f"Restore the skeleton of step {step.label}? Your file is kept. y and Return does it.")
        if await self._keys.get() != "y":
            self._printer.say("Nothing is changed.")
            return
        restored = restore_skeleton(self._session.workspace, step)
        for line in restored_in_words(restored, self._session.workspace):
            self._printer.say(line)
