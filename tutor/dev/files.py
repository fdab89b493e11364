"""Where the parts of a step are."""

from dataclasses import dataclass
from pathlib import Path

from book.paths import EXAMPLES, OUTPUTS, SOURCE
from tutor.course import HINTS, Step
from tutor.learner.workspace import REPOSITORY, Workspace

WORKSPACE = Workspace(REPOSITORY)
TUTOR = REPOSITORY / "tutor"
COURSE_FILE = TUTOR / "course.py"
ORACLE_FILE = TUTOR / "oracle" / "hugging_face.py"
GUIDE_FILE = REPOSITORY / "book" / "study_prompts.py"


@dataclass(frozen=True)
class StepFiles:
    """The files of one step.

    Args:
        solution: from which the skeleton is made.
        skeleton: the learner's file as it comes.
        hints, check, chapter: see `tutor/course.py` and the book.
        example: what computes the examples, numbers and outputs of the chapter.
    """

    solution: Path
    skeleton: Path
    hints: Path
    check: Path
    chapter: Path
    example: Path

    @property
    def written(self) -> tuple[Path, ...]:
        """Those that a person writes; the skeleton is made from the solution."""
        return self.solution, self.hints, self.check, self.chapter, self.example


def files_of(step: Step) -> StepFiles:
    """The files of a step, whether they are there or not."""
    name = f"step_{step.label}"
    return StepFiles(
        solution=WORKSPACE.solution(step.number),
        skeleton=WORKSPACE.step(step.number),
        hints=HINTS / f"{name}.md",
        check=TUTOR / "checks" / f"{name}.py",
        chapter=SOURCE / f"{name}.md",
        example=EXAMPLES / f"{name}.py",
    )


def output_file(chapter: str, name: str) -> Path:
    """Where what the example or a command prints is stored."""
    return OUTPUTS / f"{chapter}_{name}.txt"


def outputs_of(chapter: str) -> list[Path]:
    """The stored outputs of a chapter: what its example and the tool print."""
    return sorted(OUTPUTS.glob(f"{chapter}_*.txt"))
