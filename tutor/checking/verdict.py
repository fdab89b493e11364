"""What a check found, as plain data that travels between processes."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tutor.checking.wire import Message, WireError


@dataclass(frozen=True)
class Frame:
    """One line of a traceback, in a file of the course."""

    file: str
    line: int
    function: str
    code: str


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        kind: `unfilled`, `exception`, `missing`, `parameters`, `returns`, `expectation`, `numbers`, `stopped`, or
            `compiler` where MAX computes other numbers than the graph means.
        step: the step whose file it was found in.
        summary: one sentence.
        where: the subject, case or question.
        details: labelled values, such as what was expected and what was got.
        advice: what to do.
        frames: the traceback, cut to the files of the course.
    """

    kind: str
    step: int
    summary: str
    where: str = ""
    details: list[tuple[str, str]] = field(default_factory=list)
    advice: str = ""
    frames: list[Frame] = field(default_factory=list)

    @classmethod
    def from_message(cls, message: Message) -> "Problem":
        """A problem that the learner's process found.

        Raises:
            WireError: the message is none.
        """
        try:
            return cls.from_dict(dict(message))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WireError(f"what came is no problem ({error})") from None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Problem":
        """The opposite of `asdict`."""
        frames = [Frame(**frame) for frame in data["frames"]]
        details = [(label, value) for label, value in data["details"]]
        return cls(**data | {"frames": frames, "details": details})


@dataclass(frozen=True)
class TaskState:
    """How far one function of a step is.

    Args:
        function: its qualified name.
        tasks: which tasks ask for it: "task 2", "tasks 1 to 5".
        text: what they ask for, in a few words.
        state: `right`, `wrong`, `unfilled`, or `open` where nothing is known.
    """

    function: str
    tasks: str
    text: str
    state: str


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check.

    Args:
        step: which step was checked.
        status: `green`; `red`; or `borrowed`: right on the solutions' earlier steps, not on the learner's.
        passed: what was found right, in words.
        total: how many cases and expectations the check has.
        largest_error: the largest error in the cases that passed, as a part of what is allowed.
        problem: what is wrong, unless green.
        culprits: the earlier steps that are to blame, if borrowed.
        suspects: if borrowed without a culprit, the earlier steps that have not been green yet.
        compiled: how many graphs were compiled.
        compile_seconds: how long that took.
        damaged: how many damaged cache entries were thrown away.
        files: the hash of each learner's file that took part, by step.
        notes: more to tell.
        tasks: the functions of the step in order, and how far each is.
    """

    step: int
    status: str
    passed: list[str] = field(default_factory=list)
    total: int = 0
    largest_error: float = 0.0
    problem: Problem | None = None
    culprits: list[int] = field(default_factory=list)
    suspects: list[int] = field(default_factory=list)
    compiled: int = 0
    compile_seconds: float = 0.0
    damaged: int = 0
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tasks: list[TaskState] = field(default_factory=list)

    @property
    def green(self) -> bool:
        """Whether the step is right, on the learner's own earlier steps."""
        return self.status == "green"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Verdict":
        """The opposite of `to_dict`."""
        problem = None if data["problem"] is None else Problem.from_dict(data["problem"])
        tasks = [TaskState(**task) for task in data["tasks"]]
        return cls(**{**data, "problem": problem, "tasks": tasks})
