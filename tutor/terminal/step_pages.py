"""What the commands that help with a step print: its hints, its differences from the solution, its graph, progress."""

import re
import textwrap
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from tutor.course import COURSE, Step
from tutor.learner.progress import Progress, Work, first_open
from tutor.terminal.mlir_text import coloured
from tutor.terminal.printer import Printer

_STATES = {
    "green": ("right", "green"),
    "edited": ("edited", "yellow"),
    "open": ("open", "dim"),
}


class StepPrinter(Printer):
    """Prints what helps with a step."""

    def hint(self, step: Step, number: int) -> None:
        """Prints one hint of a step."""
        self._headline("cyan", f"Step {step.label}, hint {number} of {len(step.hints)}", step.title)
        self._line(Text(_fitted(step.hints[number - 1], self.console.width - 2)))

    def diff(self, lines: Sequence[str], step: Step) -> None:
        """Prints a unified diff from the learner's file to the solution."""
        if not lines:
            self._line(f"Your step {step.label} and the solution are the same.")
            return
        styles = {"+": "green", "-": "red", "@": "cyan"}
        for line in lines:
            self.console.print(Text(line.rstrip("\n"), style=styles.get(line[:1], "")), soft_wrap=True)

    def graph(self, text: str) -> None:
        """Prints a graph as MAX writes it; nothing is wrapped or cut."""
        self.console.print(coloured(text), soft_wrap=True)

    def progress(self, states: Mapping[int, str], known: Progress) -> None:
        """Prints the list of steps with their states, `green`, `edited` or `open`, and what each took.

        Args:
            states: the state of each step.
            known: what is remembered.
        """
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column()
        table.add_column("state")
        for name in ("checks", "time", "hints"):
            table.add_column(name, justify="right")
        part = ""
        for step in COURSE:
            if step.part != part:
                part = step.part
                table.add_row(Text(part, style="bold"))
            work, shown = known.work.get(step.number, Work()), known.hints.get(step.number, 0)
            table.add_row(
                f"  {step.label}  {step.title}",
                Text(*_STATES[states[step.number]]),
                Text(str(work.attempts or "")),
                Text(time_at_work(work.seconds)),
                Text(f"{min(shown, len(step.hints))} of {len(step.hints)}" if shown else ""),
            )
        self.console.print(table)
        done = sum(state == "green" for state in states.values())
        following = first_open(states)
        self.console.print()
        self._line(self._bar(done))
        right = f"{done} of {len(COURSE)} steps are right."
        if following is None:
            self._line(f"All {len(COURSE)} steps are right.")
        else:
            self._line(f"{right} Next: s{following.label}, {following.title.lower()}.")
        if "edited" in states.values():
            self._note(
                "edited: the step, or an earlier one that it uses, was edited since it was right. Check it again."
            )
        if known.work:
            self.aside(f"In all: {self._total(known)}. A step counts until it is right for the first time.")

    def _bar(self, done: int) -> Text:
        """Two cells for each step, full for those that are right."""
        full, empty = ("█", "░") if self._has_unicode else ("#", "-")
        return Text.assemble((full * 2 * done, "green"), (empty * 2 * (len(COURSE) - done), "dim"))

    def _total(self, known: Progress) -> str:
        attempts = sum(work.attempts for work in known.work.values())
        seconds, hints = sum(work.seconds for work in known.work.values()), sum(known.hints.values())
        counts = [(attempts, "check"), (hints, "hint")]
        checks, seen = (f"{count} {name}" if count == 1 else f"{count} {name}s" for count, name in counts)
        return ", ".join(filter(None, [checks, time_at_work(seconds), seen]))


def time_at_work(seconds: int) -> str:
    """A time in hours and minutes, "1 h 05 min"; "under a minute" is "< 1 min", and none at all is nothing."""
    if seconds == 0:
        return ""
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if minutes else "< 1 min"


def _fitted(text: str, width: int) -> str:
    """A text whose prose is wrapped again if a line of it is too long; indented lines are code, and stay."""
    if all(len(line) <= width for line in text.splitlines()):
        return text
    paragraphs = re.findall(r"(?:^(?! {4}).+\n?)+|.*\n?", text, flags=re.MULTILINE)
    return "".join(
        paragraph
        if not paragraph.strip() or paragraph.startswith("    ")
        else textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)
        + "\n" * paragraph.endswith("\n")
        for paragraph in paragraphs
    )
