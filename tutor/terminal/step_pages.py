"""What the commands that help with a step print: its hints, its differences from the solution, its graph, progress."""

import re
import textwrap
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from tutor.course import COURSE, Step
from tutor.learner.progress import first_open
from tutor.terminal.mlir_text import coloured
from tutor.terminal.printer import Printer

_STATES = {
    "green": ("right", "green"),
    "edited": ("edited since it was right", "yellow"),
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

    def progress(self, states: Mapping[int, str], hints: Mapping[int, int]) -> None:
        """Prints the list of steps with their states: `green`, `edited` or `open`."""
        table = Table(box=None, pad_edge=False, show_header=False)
        part = ""
        for step in COURSE:
            if step.part != part:
                part = step.part
                table.add_row(Text(part, style="bold"))
            shown = hints.get(step.number, 0)
            table.add_row(
                f"  {step.label}  {step.title}",
                Text(*_STATES[states[step.number]]),
                Text(f"{shown} of {len(step.hints)} hints seen" if shown else "", style="dim"),
            )
        self.console.print(table)
        done = sum(state == "green" for state in states.values())
        following = first_open(states)
        self.console.print()
        if following is None:
            self._line(f"All {len(COURSE)} steps are right.")
        else:
            self._line(f"{done} of {len(COURSE)} steps are right. Next: s{following.label}, {following.title.lower()}.")


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
