"""What `python -m tutor` prints when no command is given, and its version."""

from importlib import metadata

from rich.text import Text

from tutor.course import COURSE
from tutor.invocation import typed
from tutor.terminal.printer import Printer


def version_line() -> str:
    """The versions of the course and of MAX."""
    try:
        return f"gpt2-with-max {metadata.version('gpt2-with-max')}, MAX {metadata.version('max')}"
    except metadata.PackageNotFoundError as error:
        return f"{error.name} is not installed in this Python: {typed('doctor')} says how to install it"


class WelcomePrinter(Printer):
    """Greets a beginner."""

    def welcome(self) -> None:
        """Prints where to start, and the few commands that a beginner needs, in the order in which they need them."""
        first, second, last = COURSE[0].label, COURSE[1].label, COURSE[-1].label
        commands = [
            (typed("book"), "the chapters, in your browser"),
            (typed(f"s{first}"), f"checks step {first}"),
            (typed("learn"), "a screen that checks your file at each save"),
            (typed("hint", first), "a hint, if you are stuck; three for each step"),
            (typed("diff", first), "your file against the solution"),
            (typed("reset", first), "the empty step again; your file is kept"),
            (typed(f"s{second}"), f"checks the next step, and so on to s{last}"),
            (typed("progress"), "what is right, and what is next"),
            (typed("generate", "ROMEO:"), "text from the course's model"),
            (typed("doctor"), "if something does not work: what is missing"),
        ]
        self._line(Text("Build GPT-2 from scratch with MAX, one step after the other.", style="bold"))
        self.console.print()
        self._line(
            Text.assemble(
                f"Start with step {first}: read its chapter, fill in steps/step_{first}.py, and check it with ",
                (typed(f"s{first}"), "bold"),
                ".",
            )
        )
        self.console.print()
        width = max(len(command) for command, _ in commands)
        for command, purpose in commands:
            self._line(Text.assemble((f"  {command:<{width}}", "cyan"), f"  {purpose}"))
        self.console.print()
        self.aside("All commands: python -m tutor --help")
