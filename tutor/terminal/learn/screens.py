"""What opens above the screen of `learn`: pages of text, the list of steps, and a question."""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tutor.course import COURSE, Step
from tutor.terminal.learn.keys import KEYS
from tutor.terminal.learn.printed import in_terminal_colours

_BACK: list[BindingType] = [Binding("escape,q", "dismiss", "back")]


class Page(ModalScreen[None]):
    """A text that can be scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_BACK,
        Binding("down,j", "scroll('scroll_down')"),
        Binding("up,k", "scroll('scroll_up')"),
        Binding("pagedown,space", "scroll('scroll_page_down')"),
        Binding("pageup,b", "scroll('scroll_page_up')"),
        Binding("home", "scroll('scroll_home')"),
        Binding("end", "scroll('scroll_end')"),
    ]

    def __init__(self, title: str, text: Text | None = None) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        yield Static(Text(self._title, style="bold"), classes="bar")
        with VerticalScroll(id="page", can_focus=False):
            yield Static(self._text or Text("…", style="dim"), id="text")
        yield Static(Text("Esc: back   arrows, Space: scroll", style="dim", no_wrap=True), classes="bar")

    def action_scroll(self, how: str) -> None:
        getattr(self.query_one("#page", VerticalScroll), how)(animate=False)


class CommandPage(Page):
    """What a command of the tool prints. It runs in a process of its own, which ends when the page is left."""

    def __init__(self, title: str, command: Sequence[str], root: Path, *, colour: bool) -> None:
        super().__init__(title)
        self._command, self._root, self._colour = command, root, colour

    def on_mount(self) -> None:
        self.run_worker(self._run())

    async def _run(self) -> None:
        colours = {"FORCE_COLOR": "1"} if self._colour else {"NO_COLOR": "1", "TERM": "dumb"}
        child = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._root,
            env=os.environ | {"COLUMNS": str(max(20, self.app.size.width - 2))} | colours,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await child.communicate()
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
        text = Text.from_ansi(output.decode(errors="replace").rstrip("\n"), overflow="fold")
        self.query_one("#text", Static).update(text)


def keys_page() -> Page:
    """The list of keys."""
    lines = [Text.assemble((f"  {key.key}  ", "bold"), key.purpose) for key in KEYS]
    lines += [Text(), Text("  arrows, Space  scroll what does not fit on the screen", style="dim")]
    return Page("Keys", Text("\n").join(lines))


class StepList(ModalScreen[Step | None]):
    """The steps with their states, to choose one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,l", "dismiss(None)", "back")]

    def __init__(self, states: Mapping[int, str], current: Step) -> None:
        super().__init__()
        self._states, self._current = states, current

    def compose(self) -> ComposeResult:
        yield Static(Text("The steps", style="bold"), classes="bar")
        yield OptionList(*(Option(self._row(step), id=step.label) for step in COURSE))
        yield Static(Text("Return: go there   Esc: back", style="dim", no_wrap=True), classes="bar")

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = self._current.number

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(COURSE[event.option_index])

    def _row(self, step: Step) -> Text:
        mark, style = {"green": ("✓", "green"), "edited": ("~", "yellow"), "open": ("·", "dim")}[
            self._states[step.number]
        ]
        row = Text.assemble((f"{mark} ", style), f"{step.label}  {step.title}", no_wrap=True, overflow="ellipsis")
        return in_terminal_colours(row)


class Question(ModalScreen[bool]):
    """A question that is answered with y or n."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "yes"),
        Binding("n,escape,q", "dismiss(False)", "no"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(Text(self._question))
            yield Static(Text("y: yes   n: no", style="bold"))
