"""What AGENTS.md shares with the study guide: the rules for an assistant, and where to find the prompt of each part.

The rest of AGENTS.md is written by hand. Each shared block is between two comments:

    <!-- rules -->
    …
    <!-- end of rules -->
"""

import re
from collections.abc import Sequence

from book import study_prompts
from tutor.course import COURSE, Step
from tutor.files import write_atomically
from tutor.learner.workspace import REPOSITORY

AGENTS = REPOSITORY / "AGENTS.md"


class MissingBlockError(ValueError):
    """Raised when AGENTS.md has lost the comments around a block that is written into it."""


def blocks(course: Sequence[Step] = COURSE) -> dict[str, str]:
    """The blocks that are written into AGENTS.md, by the name in their comments."""
    return {"rules": f"```text\n{study_prompts.RULES}```", "prompts": _table(course)}


def filled(text: str, course: Sequence[Step] = COURSE) -> str:
    """The text of AGENTS.md with every block brought up to date.

    Raises:
        MissingBlockError: the comments around a block do not occur exactly once.
    """
    for name, content in blocks(course).items():
        start, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), flags=re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise MissingBlockError(f"AGENTS.md needs {start.strip()} and {end.strip()}, once, on lines of their own")
        text = pattern.sub(lambda match, block=start + content + end: block, text)
    return text


def write() -> None:
    """Brings the blocks in AGENTS.md up to date."""
    write_atomically(AGENTS, filled(AGENTS.read_text(encoding="utf-8")))


def _table(course: Sequence[Step]) -> str:
    """A row for each part of the course: its steps, and the file with its prompt."""
    rows = ["| steps | part | prompt |", "|---|---|---|"]
    for part in dict.fromkeys(step.part for step in course):
        labels = [step.label for step in course if step.part == part]
        steps = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
        rows.append(f"| {steps} | {part} | `{study_prompts.file(part).relative_to(REPOSITORY).as_posix()}` |")
    return "\n".join(rows)
