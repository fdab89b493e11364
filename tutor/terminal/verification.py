"""What `verify` prints: each step as it is judged, what the verdicts rest on, and what differs from a summary."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from tutor.checking.verification import VERDICTS, StepResult, Summary
from tutor.course import COURSE, Step
from tutor.terminal.report import Report

_COLOURS = {"right": "green", "wrong": "red", "unfilled": "dim", "borrowed": "yellow", "missing": "red"}

# More files than this are counted.
_MOST_FILES = 5


class VerificationPrinter(Report):
    """Prints what `verify` finds."""

    def result(self, step: Step, result: StepResult) -> None:
        """Prints the verdict on a step."""
        width = max(len(each.title) for each in COURSE)
        words = Text.assemble(f"{step.label}  {step.title:<{width}}  ", (str(result), _COLOURS[result.verdict]))
        self._line(words)

    def summary(self, summary: Summary) -> None:
        """Prints how many steps are right, and whether the course's own files are as they were handed out."""
        counts = Counter(result.verdict for result in summary.steps.values())
        self.console.print()
        if summary.all_right:
            self._line(f"All {len(summary.steps)} steps are right.")
        else:
            others = ", ".join(f"{counts[verdict]} {words}" for verdict, words in VERDICTS.items() if counts[verdict])
            self._line(f"Of {len(summary.steps)} steps: {others}.")
        if summary.changed is None:
            self._line(
                "Whether solutions/ and tutor/ are as they were handed out is not known: git does not know them."
            )
        elif summary.changed:
            self._note(f"Not as in git's HEAD: {_listed(summary.changed)}.")
        else:
            self._line("solutions/ and tutor/ are as in git's HEAD.")

    def compared(self, file: Path, theirs: Summary, here: Summary, differences: Sequence[str]) -> None:
        """Prints what differs from a summary, or that all agrees."""
        self.console.print()
        self._headline("red" if differences else "green", f"Compared with {file}", f"made {theirs.made}")
        for difference in differences:
            self._line(Text(difference))
        if theirs.changed:
            self._note(f"There, these were not as in git's HEAD: {_listed(theirs.changed)}.")
        for name, version in here.versions.items():
            if theirs.versions.get(name) != version:
                self.aside(f"{name}: {theirs.versions.get(name, 'unknown')} there, {version} here")
        if not differences:
            files = len(here.files)
            self._line(f"All agrees: the verdicts on {len(here.steps)} steps, {files} files, and the course itself.")


def _listed(files: Sequence[str]) -> str:
    shown = ", ".join(files[:_MOST_FILES])
    return shown if len(files) <= _MOST_FILES else f"{shown} and {len(files) - _MOST_FILES} more"
