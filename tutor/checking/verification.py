"""Judges every step from scratch, and says so in a summary that somebody else can judge again and compare.

Nothing that was remembered is trusted: neither the progress file nor an earlier verdict.
"""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from tutor.checking import supervisor
from tutor.checking.verdict import Verdict
from tutor.course import COURSE, Step
from tutor.errors import SummaryError
from tutor.learner.workspace import REPOSITORY, Workspace

FORMAT, VERSION = "gpt2-with-max verification", 1

# How a verdict is called in a summary, and in words.
VERDICTS = {
    "right": "right",
    "wrong": "wrong",
    "unfilled": "not filled in",
    "borrowed": "right but for an earlier step",
    "missing": "missing",
}

# What the tool and the solutions consist of; compiled Python and what an editor leaves behind do not count.
_SUFFIXES = (".py", ".npz", ".md", ".txt", ".json", ".css", ".js", ".safetensors")

# Is told the phases of a check: see `supervisor.run`.
OnPhase = Callable[[str, int, float], None]


@dataclass(frozen=True)
class StepResult:
    """What was found of a step: its verdict, one of `VERDICTS`, and what is wrong, in a sentence."""

    verdict: str
    told: str = ""

    def __str__(self) -> str:
        return VERDICTS[self.verdict] + (f": {self.told}" if self.verdict == "wrong" and self.told else "")


@dataclass(frozen=True)
class Summary:
    """What `verify` found.

    Args:
        made: when, as ISO 8601 in UTC.
        versions: of the course, MAX, Python and the system.
        steps: what was found, by the step's label.
        files: the SHA-256 of each learner's file, by its path.
        course: for each folder of the course that verdicts rest on, the SHA-256 of all that is in it.
        head: git's HEAD; None where there is no git, or it does not know the course.
        changed: the files in `solutions/` and `tutor/` that are not as in git's HEAD; None as for `head`.
    """

    made: str
    versions: Mapping[str, str]
    steps: Mapping[str, StepResult]
    files: Mapping[str, str]
    course: Mapping[str, str]
    head: str | None
    changed: list[str] | None

    @property
    def all_right(self) -> bool:
        """Whether every step of the course is right."""
        return all(result.verdict == "right" for result in self.steps.values())

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, content: object) -> "Summary":
        """The opposite of `to_dict`.

        Raises:
            SummaryError: it is none.
        """
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise SummaryError("it is no summary that `verify` wrote")
        if content.get("version") != VERSION:
            raise SummaryError(f"it has version {content.get('version')!r}; this tool reads version {VERSION}")
        try:
            summary = cls(
                made=content["made"],
                versions=_texts(content["versions"]),
                steps={_text(label): StepResult(**_texts(result)) for label, result in content["steps"].items()},
                files=_texts(content["files"]),
                course=_texts(content["course"]),
                head=None if content["head"] is None else _text(content["head"]),
                changed=None if content["changed"] is None else [_text(name) for name in content["changed"]],
            )
            datetime.fromisoformat(summary.made)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SummaryError(f"it is damaged ({error!r})") from None
        unknown = [result.verdict for result in summary.steps.values() if result.verdict not in VERDICTS]
        if unknown:
            raise SummaryError(f"it is damaged ({unknown[0]!r} is no verdict)")
        return summary


def _texts(content: Mapping[str, object]) -> dict[str, str]:
    """A mapping of texts as it came from JSON; see `_text`."""
    return {_text(name): _text(value) for name, value in content.items()}


def _text(content: object) -> str:
    """A text as it came from JSON.

    Raises:
        TypeError: it is something else.
        ValueError: it holds what a terminal would not show but obey.
    """
    if not isinstance(content, str):
        raise TypeError("a text was expected")
    if not content.isprintable():
        raise ValueError("it holds control characters")
    return content


def verify(
    workspace: Workspace,
    *,
    device: str = "auto",
    phases: Callable[[Step], AbstractContextManager[OnPhase]],
    on_result: Callable[[Step, StepResult], None],
) -> Summary:
    """Judges every step on the learner's own files.

    Args:
        workspace: whose files.
        device: `auto`, `cpu` or `gpu`.
        phases: entered while a step is judged; gives what is told of its phases.
        on_result: called after each step.

    Raises:
        SummaryError: a file changed meanwhile.
        CourseError: a check could not be run.
    """
    files, course = learners_files(workspace), course_files(workspace)
    head, changed = head_of(workspace), changed_in_git(workspace)
    steps = {}
    for step in COURSE:
        with phases(step) as on_phase:
            steps[step.label] = _judge(step, workspace, device, on_phase)
        on_result(step, steps[step.label])
    summary = Summary(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        steps=steps,
        files=files,
        course=course,
        head=head,
        changed=changed,
    )
    now = learners_files(workspace) | course_files(workspace)
    for name, before in (files | course).items():
        if now.get(name) != before:
            raise SummaryError(f"{name} changed while the steps were judged: run it again")
    return summary


def _judge(step: Step, workspace: Workspace, device: str, on_phase: OnPhase) -> StepResult:
    if not workspace.step(step.number).exists():
        return StepResult("missing")
    # No step counts as green: each is judged with all that it stands on.
    verdict = supervisor.run(step.number, workspace, device=device, green={}, on_phase=on_phase).verdict
    return result_of(verdict)


def result_of(verdict: Verdict) -> StepResult:
    """A verdict in the words of a summary."""
    problem = verdict.problem
    if verdict.green:
        return StepResult("right")
    words = "" if problem is None else " ".join(problem.summary.split())
    told = "".join(sign if sign.isprintable() else "?" for sign in words)
    if verdict.status == "borrowed":
        return StepResult("borrowed", told)
    if problem is not None and (problem.kind, problem.step) == ("unfilled", verdict.step):
        return StepResult("unfilled", told)
    return StepResult("wrong", told)


def differences(theirs: Summary, here: Summary) -> list[str]:
    """In what a summary differs from what was found here, a sentence for each."""
    told = []
    for label in _labels(theirs.steps, here.steps):
        one, other = theirs.steps.get(label), here.steps.get(label)
        if one is None or other is None:
            told.append(f"Step {label} is judged only {'here' if one is None else 'there'}.")
        elif one.verdict != other.verdict:
            told.append(f"Step {label} is {VERDICTS[one.verdict]} there. Here it is {other}")
    for name in _labels(theirs.files, here.files):
        told += _file_differs(name, theirs.files.get(name), here.files.get(name))
    for name in _labels(theirs.course, here.course):
        if theirs.course.get(name) != here.course.get(name):
            told.append(f"{name}/ had other content there than it has here.")
    return told


def _labels(one: Collection[str], other: Collection[str]) -> list[str]:
    return sorted({*one, *other})


def _file_differs(name: str, there: str | None, here: str | None) -> list[str]:
    if there == here:
        return []
    if there is None or here is None:
        return [f"{name} is only {'here' if there is None else 'there'}."]
    return [f"{name} is not the file that was judged there."]


# --- what the verdicts rest on ----------------------------------------------------------------


def learners_files(workspace: Workspace) -> dict[str, str]:
    """The SHA-256 of each learner's file that exists, by its path."""
    files = [workspace.step(step.number) for step in COURSE]
    return {f"steps/{file.name}": _sha256(file.read_bytes()) for file in files if file.is_file()}


def course_files(workspace: Workspace) -> dict[str, str]:
    """For each folder of the course that verdicts rest on, one SHA-256 of the names and the content of its files."""
    return {name: _sha256(*_content(root / name)) for name, root in _folders(workspace).items()}


def _folders(workspace: Workspace) -> dict[str, Path]:
    """The folders by name, each with the folder that it is in."""
    return {"checkpoints": workspace.root, "solutions": workspace.root, "tutor": REPOSITORY}


def _content(folder: Path) -> Iterator[bytes]:
    for file in sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix in _SUFFIXES):
        yield f"{file.relative_to(folder).as_posix()}\0{_sha256(file.read_bytes())}\n".encode()


def _sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def head_of(workspace: Workspace) -> str | None:
    """The commit that the learner's copy of the course is at; None where git does not know it."""
    return _git(workspace.root, "rev-parse", "HEAD") if _is_tracked(workspace.root, "solutions") else None


def changed_in_git(workspace: Workspace) -> list[str] | None:
    """The files in `solutions/` and `tutor/` that are not as in git's HEAD, new ones too; None where git does not know
    these folders.
    """
    changed = []
    for name in ("solutions", "tutor"):
        root = _folders(workspace)[name]
        if not _is_tracked(root, name):
            return None
        listed = _git(root, "status", "--porcelain", "--untracked-files=all", "--no-renames", "-z", "--", name)
        if listed is None:
            return None
        changed += [entry[3:] for entry in listed.split("\0") if entry]
    return sorted(changed)


def _is_tracked(root: Path, folder: str) -> bool:
    return bool(_git(root, "ls-tree", "-z", "HEAD", "--", f"{folder}/"))


def _git(root: Path, *words: str) -> str | None:
    """What git says; None where there is no git, or it fails."""
    program = shutil.which("git")
    if program is None:
        return None
    # Git hooks and the like set variables that lead to another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = [program, "--no-optional-locks", "-C", str(root), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _versions() -> dict[str, str]:
    return {
        "course": _version("gpt2-with-max"),
        "max": _version("max"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
