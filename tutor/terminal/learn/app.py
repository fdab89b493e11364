"""The screen of `learn`: a step's tasks, its verdict, the line that is wrong, and how far the course has come."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from typing import ClassVar

from rich.console import Console
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tutor.checking.verdict import TaskState
from tutor.course import COURSE, Step
from tutor.errors import CourseError
from tutor.learner.skeleton import parts_of
from tutor.learner.step_files import restore_skeleton, restored_in_words
from tutor.learner.workspace import Workspace
from tutor.terminal.learn.chapter import open_chapter
from tutor.terminal.learn.keys import COMMANDS, KEYS
from tutor.terminal.learn.printed import Printed, in_terminal_colours
from tutor.terminal.learn.report import ScreenReport, source_context
from tutor.terminal.learn.screens import CommandPage, Page, Question, StepList, keys_page
from tutor.terminal.printer import Printer
from tutor.terminal.report import Report, phase_in_words
from tutor.terminal.waiting import duration
from tutor.watching.session import Event, Judged, NoVerdict, Opened, Options, PhaseBegan, Session

# From this width on, the wrong line stands beside the verdict.
_WIDE = 116


class CourseBar(Static):
    """The first line: the step, and which steps of the course are right."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self._step, self._states = step, ["open" for _ in COURSE]

    def show(self, step: Step, states: Sequence[str]) -> None:
        """Shows a step, and the states of all."""
        self._step, self._states = step, list(states)
        self.on_resize()

    def on_resize(self) -> None:
        """Shows as much as there is room for."""
        done = sum(state == "green" for state in self._states)
        right = Text(f"  {done} of {len(self._states)} right")
        name = Text.assemble((f"Step {self._step.label}", "bold"), f"  {self._step.title}")
        width = self.size.width
        if name.cell_len + len(self._states) + 2 + right.cell_len <= width:
            marks = Text("  ")
            for step, state in zip(COURSE, self._states, strict=True):
                style = {"green": "green", "edited": "yellow"}.get(state, "dim")
                mark = {"green": "■", "edited": "▣"}.get(state, "□")
                marks.append(mark, style=f"{style} reverse" if step == self._step else style)
            right = marks + right
        name.truncate(max(1, width - right.cell_len), overflow="ellipsis", pad=True)
        self.update(in_terminal_colours(name + right))


class KeyLine(Static):
    """The last line: as many keys as fit."""

    def on_resize(self) -> None:
        """Shows as many as there is room for."""
        line, end = Text(no_wrap=True), Text.assemble(("?", "bold"), " keys  ", ("q", "bold"), " quit")
        for key in KEYS:
            entry = Text.assemble((key.key, "bold"), f" {key.name}  ")
            if key.key != "q" and line.cell_len + entry.cell_len + end.cell_len <= self.size.width:
                line += entry
        self.update(line + end)


class LearnApp(App[None]):
    """Shows what a session tells, and passes keys on to it."""

    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_WIDE, "-wide")]  # noqa: RUF012 - Textual declares it so
    CSS = """
    * { scrollbar-color: ansi_bright_black; scrollbar-color-hover: ansi_bright_black;
        scrollbar-color-active: ansi_bright_black; scrollbar-background: ansi_default;
        scrollbar-background-hover: ansi_default; scrollbar-background-active: ansi_default; }
    .bar, CourseBar, KeyLine, #status { height: 1; padding: 0 1; }
    #status { margin-bottom: 1; }
    #body { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    #panes { height: auto; }
    #tasks, #verdict, #source { height: auto; margin-bottom: 1; }
    #tasks, #source { text-wrap: nowrap; text-overflow: ellipsis; }
    .stale { text-style: dim; }
    .-wide #panes { layout: horizontal; }
    .-wide #verdict { width: 1fr; margin-right: 2; }
    .-wide #source { width: 1fr; }
    Page, StepList { background: ansi_default; }
    Page #page { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    Page #text { height: auto; }
    StepList OptionList { height: 1fr; border: none; padding: 0 1; scrollbar-size-vertical: 1;
        text-wrap: nowrap; text-overflow: ellipsis; }
    StepList .option-list--option-highlighted { text-style: reverse; }
    Question { align: center middle; }
    #question { width: auto; max-width: 90%; height: auto; border: round ansi_yellow; padding: 0 1; }
    #question Static { width: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"show_command('{name}')") for key, name in COMMANDS.items()),
        Binding("n", "next"),
        Binding("l", "list"),
        Binding("c", "chapter"),
        Binding("r", "reset"),
        Binding("a", "again"),
        Binding("question_mark", "keys"),
        Binding("q", "quit"),
        Binding("ctrl+c", "quit", priority=True),
        Binding("ctrl+z", "suspend_process", priority=True),
        Binding("down,j", "scroll('scroll_down')"),
        Binding("up,k", "scroll('scroll_up')"),
        Binding("pagedown,space", "scroll('scroll_page_down')"),
        Binding("pageup,b", "scroll('scroll_page_up')"),
    ]

    def __init__(self, workspace: Workspace, step: Step, options: Options, command: Sequence[str]) -> None:
        """`command` runs the tool's commands as processes that end with this one."""
        super().__init__(ansi_color=True)  # the terminal's own colours, on whatever ground it has
        self.theme = "ansi-dark"
        self._workspace, self._command = workspace, command
        self._session = Session(workspace, step, options, self._tell)
        self._following: Step | None = None
        self._right = False
        self._phase: tuple[str, str] = ("", "")
        self._began = 0.0

    def run_to_the_end(self) -> None:
        """Runs until it is quit. If the tool itself fails, that is printed, and the exit status says so."""
        self.run()
        if self.return_code:
            sys.exit(self.return_code)

    def compose(self) -> ComposeResult:
        yield CourseBar(self._session.step)
        yield Static(id="status")
        with VerticalScroll(id="body", can_focus=False):
            yield Static(id="tasks")
            with Vertical(id="panes"):
                yield Static(id="verdict")
                yield Static(id="source")
        yield KeyLine()

    async def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, self.exit)
        self.set_interval(1.0, self._tick)
        self.run_worker(self._follow())

    async def _follow(self) -> None:
        try:
            await self._session.run()
        except (CourseError, OSError) as error:
            self.exit(return_code=1, message=f"error: {error}")

    # --- what happens -------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        match event:
            case Opened(step):
                self._open(step)
            case PhaseBegan(step, phase, graphs):
                self._show_phase(step, phase, graphs)
            case Judged():
                self._show_verdict(event)
            case NoVerdict(step, message):
                self._phase = ("", "")
                self._status(Text(f"waiting for {self._file(step)}", style="dim"))
                self._put("verdict", Printed(lambda console: Printer(console).error(message)))
                self._put("source", "")

    def _open(self, step: Step) -> None:
        self._right = False
        self._show_course(step)
        parts = parts_of(self._workspace.solution(step.number).read_text(encoding="utf-8"))
        self._show_tasks([TaskState(part.function, part.tasks, part.text, "open") for part in parts])
        self._put("verdict", "")
        self._put("source", "")
        self.query_one("#body").scroll_home(animate=False)

    def _show_phase(self, step: Step, phase: str, graphs: int) -> None:
        if phase == "start":
            self._right = False
            for name in ("tasks", "verdict", "source"):
                self.query_one(f"#{name}").add_class("stale")  # of the file as it was
        if phase == "right":
            self._right = True
            self._show_tasks([TaskState(task.function, task.tasks, task.text, "right") for task in self._tasks])
            self._put("source", "")
        self._phase, self._began = phase_in_words(step, phase, graphs, right=self._right), time.monotonic()
        if phase in ("right", "compile"):
            words, note = self._phase
            more = f"\n  {note[:1].upper()}{note[1:]}.\n  You can go on editing: a newer save ends it." if note else ""
            self._put("verdict", Text.assemble((words, "bold"), more))
        self._tick()

    def _show_verdict(self, judged: Judged) -> None:
        step, verdict = judged.step, judged.finished.verdict
        self._phase = ("", "")
        self._show_course(step)
        if verdict.tasks:
            self._show_tasks(verdict.tasks)
        following = self._session.following()

        def write(console: Console) -> None:
            report = ScreenReport(console, following)
            report.verdict(
                step, verdict, file=self._file(step), printed=judged.finished.printed, hints_seen=judged.hints_seen
            )
            if judged.damage:
                report.error(judged.damage)

        self._put("verdict", Printed(write))
        source = None if verdict.problem is None else source_context(self._workspace, verdict.problem)
        self._put("source", source or "")
        next_ = Text("n goes on", style="bold") if verdict.green else Text("waiting for your next save")
        self._status(next_ + Text(f"  {self._file(step)}, {judged.seconds:.1f} s", style="dim"))

    def _show_course(self, step: Step) -> None:
        states = self._session.states()
        self.query_one(CourseBar).show(step, [states[each.number] for each in COURSE])

    def _show_tasks(self, tasks: Sequence[TaskState]) -> None:
        self._tasks = list(tasks)
        self._put("tasks", Printed(lambda console: Report(console).tasks(tasks)))

    def _tick(self) -> None:
        """Shows what is going on, and for how long already."""
        words, _ = self._phase
        if words:
            seconds = int(time.monotonic() - self._began)
            self._status(Text(words + (f", {duration(seconds)}" if seconds else ""), style="yellow"))

    def _status(self, text: Text) -> None:
        text.no_wrap, text.overflow = True, "ellipsis"
        self.query_one("#status", Static).update(in_terminal_colours(text))

    def _put(self, name: str, content: Printed | Text | str) -> None:
        """Shows something in a place; a place with nothing takes no room."""
        place = self.query_one(f"#{name}", Static)
        place.display = bool(content)
        place.remove_class("stale")
        place.update(in_terminal_colours(content) if isinstance(content, Text) else content)

    def _file(self, step: Step) -> str:
        return str(self._workspace.step(step.number).relative_to(self._workspace.root))

    # --- keys ---------------------------------------------------------------------------------

    def action_show_command(self, name: str) -> None:
        """Shows what a command prints for the step."""
        step = self._session.step
        command = [*self._command, name, step.label]
        self.push_screen(
            CommandPage(f"Step {step.label}: {name}", command, self._workspace.root, colour=not self.no_color)
        )

    def action_next(self) -> None:
        """Goes to the next step."""
        judged = self._session.verdict
        if judged is None or not judged.verdict.green:
            self.notify(f"Step {self._session.step.label} is not right yet. l lists the steps.")
        elif (following := self._session.following()) is None:
            self.notify(f"All {len(COURSE)} steps are right.")
        else:
            self._session.open(following)

    def action_list(self) -> None:
        """Lets the learner choose a step."""

        def chosen(step: Step | None) -> None:
            if step is not None:
                self._session.open(step)

        self.push_screen(StepList(self._session.states(), self._session.step), chosen)

    def action_chapter(self) -> None:
        """Opens the chapter, or says where it is."""
        self.push_screen(Page("The chapter", Text(open_chapter(self._session.step), overflow="fold")))

    def action_reset(self) -> None:
        """Restores the skeleton, if the learner confirms it."""
        step = self._session.step

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            try:
                told = restored_in_words(restore_skeleton(self._workspace, step), self._workspace)
            except (CourseError, OSError) as error:
                told = [f"error: {error}"]
            self.notify("\n".join(told))

        self.push_screen(Question(f"Restore the skeleton of step {step.label}? Your file is kept."), answered)

    def action_again(self) -> None:
        """Checks again."""
        self._session.check()

    def action_keys(self) -> None:
        """Lists the keys."""
        self.push_screen(keys_page())

    def action_scroll(self, how: str) -> None:
        """Scrolls what does not fit."""
        getattr(self.query_one("#body", VerticalScroll), how)(animate=False)
