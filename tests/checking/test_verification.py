"""`verify`: every step judged from scratch, a summary of it, and what differs from a summary that was handed in."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.repository import ENVIRONMENT
from tutor.checking import verification
from tutor.checking.verdict import Problem, Verdict
from tutor.checking.verification import StepResult, Summary, changed_in_git, differences, head_of, result_of
from tutor.cli import cli
from tutor.course import COURSE
from tutor.errors import SummaryError
from tutor.learner import progress
from tutor.learner.workspace import Workspace

SUMMARY = Summary(
    made="2026-11-26T10:00:00+00:00",
    versions={"course": "0.1.0", "max": "26.7.0", "python": "3.12.1", "system": "Linux x86_64"},
    steps={"00": StepResult("right"), "01": StepResult("wrong", "The numbers are wrong.")},
    files={"steps/step_00.py": "a", "steps/step_01.py": "b"},
    course={"checkpoints": "c", "solutions": "d", "tutor": "e"},
    head="f00",
    changed=[],
)


@pytest.fixture
def run(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `verify` on the first three steps alone, all of which are right."""
    monkeypatch.setattr(verification, "COURSE", COURSE[:3])
    monkeypatch.chdir(filled.root)
    return lambda *words: CliRunner().invoke(cli, ["verify", *words])


def in_one_line(result: Result) -> str:
    return " ".join(result.output.split())


# --- from scratch -----------------------------------------------------------------------------


def test_all_steps_are_judged_and_a_summary_is_written(run: Callable[..., Result], filled: Workspace, compiled: None):
    result = run()
    assert result.exit_code == 0, result.output
    assert re.search(r"00 .* right\n.*01 .* right\n.*02 .* right\n", result.output)
    assert "All 3 steps are right. " in in_one_line(result)
    assert "verification.json is written: hand it in together with steps/." in result.output
    summary = Summary.from_dict(json.loads((filled.root / "verification.json").read_text()))
    assert summary.all_right and list(summary.steps) == ["00", "01", "02"]
    expected = progress.file_hashes(filled, range(3))
    assert summary.files == {f"steps/step_{label}.py": content for label, content in expected.items()}
    assert progress.load(filled) == progress.Progress(), "what was remembered stays as it was"


def test_what_was_remembered_is_not_trusted(run: Callable[..., Result], filled: Workspace, compiled: None):
    text = filled.step(1).read_text()
    filled.step(1).write_text(text.replace("if self.n_embd % self.n_head", "if self.n_embd < self.n_head"))
    assert filled.step(1).read_text() != text
    filled.step(2).unlink()
    progress.record_verdict(filled, 1, progress.file_hashes(filled, [1]))
    assert progress.step_states(filled, progress.load(filled).green)[1] == "green", "the memory says so"
    result = run("--output", "-")
    assert result.exit_code == 1
    steps = json.loads(result.stdout)["steps"]
    assert [steps[label]["verdict"] for label in steps] == ["right", "wrong", "missing"]
    assert steps["01"]["told"]
    assert "Of 3 steps: 1 right, 1 wrong, 1 missing." in " ".join(result.stderr.split())


def test_an_earlier_summary_is_replaced_and_another_file_is_not(
    run: Callable[..., Result], filled: Workspace, compiled: None
):
    file = filled.root / "mine.json"
    file.write_text('{"precious": true}')
    refused = run("--output", "mine.json")
    assert refused.exception is not None and "mine.json is there already" in str(refused.exception)
    assert file.read_text() == '{"precious": true}'
    file.write_text(json.dumps(SUMMARY.to_dict()))
    assert run("--output", "mine.json").exit_code == 0
    assert Summary.from_dict(json.loads(file.read_text())).all_right


def test_a_file_that_changes_meanwhile_is_noticed(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result]
):
    filled.step(0).write_text(
        filled.step(0).read_text() + "\nfrom pathlib import Path\n"
        "Path(__file__).with_name('step_02.py').write_text('# written by step 00')\n"
    )
    monkeypatch.setattr(verification, "COURSE", [COURSE[0], COURSE[2]])
    result = run()
    assert "steps/step_02.py changed while the steps were judged" in str(result.exception)
    assert not (filled.root / "verification.json").exists()


# --- beside a summary -------------------------------------------------------------------------


def test_a_grader_who_has_the_same_files_finds_the_same(run: Callable[..., Result], filled: Workspace, compiled: None):
    filled.step(1).write_text(filled.step(1).read_text().replace("% self.n_head", "< self.n_head"))
    run("--output", "handed_in.json")
    result = run("--against", "handed_in.json")
    assert result.exit_code == 0, result.output
    assert "All agrees: the verdicts on 3 steps, " in result.output
    assert not (filled.root / "verification.json").exists(), "nothing is written"


def test_a_grader_who_has_other_files_is_told_what_differs(
    run: Callable[..., Result], filled: Workspace, compiled: None
):
    run("--output", "handed_in.json")
    filled.step(1).write_text(filled.step(1).read_text().replace("% self.n_head", "< self.n_head"))
    filled.solution(7).write_text(filled.solution(7).read_text() + "# edited\n")
    result = run("--against", "handed_in.json")
    told = in_one_line(result)
    assert result.exit_code == 1
    assert "Step 01 is right there. Here it is wrong" in told
    assert "steps/step_01.py is not the file that was judged there." in told
    assert "solutions/ had other content there than it has here." in told
    assert "step_00" not in told and "tutor/ had" not in told and "All agrees" not in told


def test_a_summary_that_was_polished_is_found_out(run: Callable[..., Result], filled: Workspace, compiled: None):
    filled.step(1).write_text(filled.step(1).read_text().replace("% self.n_head", "< self.n_head"))
    run("--output", "handed_in.json")
    file = filled.root / "handed_in.json"
    file.write_text(file.read_text().replace('"wrong"', '"right"'))
    result = run("--against", "handed_in.json")
    assert result.exit_code == 1 and "Step 01 is right there. Here it is wrong" in in_one_line(result)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is no summary that `verify` wrote"),
        ("[]", "it is no summary that `verify` wrote"),
        ('{"format": "gpt2-with-max progress", "version": 1}', "it is no summary that `verify` wrote"),
        ('{"format": "gpt2-with-max verification", "version": 2}', "it has version 2; this tool reads version 1"),
        ('{"format": "gpt2-with-max verification", "version": 1}', "it is damaged"),
        ("[" * 100_000, "it is no summary that `verify` wrote"),
    ],
    ids=range(6),
)
def test_what_is_no_summary_is_told_before_anything_is_judged(
    run: Callable[..., Result], filled: Workspace, content: str, told: str
):
    (filled.root / "handed_in.json").write_text(content)
    result = run("--against", "handed_in.json")
    assert f"handed_in.json: {told}" in str(result.exception) and result.output == ""


DAMAGE: list[dict[str, object]] = [
    {"steps": {"00": {"verdict": "perfect"}}},
    {"steps": {"00": "right"}},
    {"files": {"steps/step_00.py": 1}},
    {"made": "today"},
    {"course": None},
    {"versions": {"max": "\x1b[2J"}},
    {"changed": [7]},
    {"head": 7},
]


@pytest.mark.parametrize("change", DAMAGE)
def test_a_summary_with_other_values_is_damaged(change: dict[str, object]):
    with pytest.raises(SummaryError, match="it is damaged"):
        Summary.from_dict(SUMMARY.to_dict() | change)


def test_a_summary_survives_json():
    assert Summary.from_dict(json.loads(json.dumps(SUMMARY.to_dict()))) == SUMMARY


def test_what_is_wrong_is_told_in_one_line_that_a_terminal_shows():
    found = result_of(Verdict(8, "red", problem=Problem("exception", 8, "ValueError: \x1b[2J\nno such axis")))
    assert found.told == "ValueError: ?[2J no such axis"
    told = replace(SUMMARY, steps={"08": found})
    assert Summary.from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_every_kind_of_difference_is_told():
    here = replace(
        SUMMARY,
        steps={"00": StepResult("unfilled"), "02": StepResult("right")},
        files={"steps/step_00.py": "other", "steps/step_02.py": "c"},
        course=SUMMARY.course | {"tutor": "other"},
    )
    assert differences(SUMMARY, here) == [
        "Step 00 is right there. Here it is not filled in",
        "Step 01 is judged only there.",
        "Step 02 is judged only here.",
        "steps/step_00.py is not the file that was judged there.",
        "steps/step_01.py is only there.",
        "steps/step_02.py is only here.",
        "tutor/ had other content there than it has here.",
    ]
    assert differences(SUMMARY, SUMMARY) == []
    # What is wrong may be told in other words, and a summary is made at another time.
    reworded = SUMMARY.steps | {"01": StepResult("wrong", "Other words.")}
    assert differences(SUMMARY, replace(SUMMARY, steps=reworded, made="2027-01-01T00:00:00+00:00", head=None)) == []


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict(8, "green"), "right"),
        (Verdict(8, "borrowed", problem=Problem("numbers", 7, "The numbers are wrong.")), "borrowed"),
        (Verdict(8, "red", problem=Problem("unfilled", 8, "Not filled in yet: step 08")), "unfilled"),
        (Verdict(8, "red", problem=Problem("unfilled", 7, "Not filled in yet: step 07")), "wrong"),
        (Verdict(8, "red", problem=Problem("numbers", 8, "The numbers are wrong.")), "wrong"),
    ],
)
def test_verdicts_in_the_words_of_a_summary(verdict: Verdict, expected: str):
    assert result_of(verdict).verdict == expected


# --- git --------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    author = ["-c", "user.name=A Learner", "-c", "user.email=learner@example.org"]
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *author, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def cloned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A course under git, with its tool."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for folder, file in (("solutions", "solution_00.py"), ("tutor", "course.py"), ("steps", "step_00.py")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("x = 1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "The course")
    monkeypatch.setattr(verification, "REPOSITORY", tmp_path)
    return Workspace(tmp_path)


def test_a_clean_clone_has_no_changes(cloned: Workspace):
    assert changed_in_git(cloned) == [] and head_of(cloned) == git(cloned.root, "rev-parse", "HEAD")
    cloned.step(0).write_text("x = 2\n")
    assert changed_in_git(cloned) == [], "steps/ are the learner's"


def test_edited_new_and_deleted_files_are_named(cloned: Workspace):
    (cloned.root / "tutor/course.py").write_text("x = 2\n")
    (cloned.root / "tutor/new one.py").write_text("x = 3\n")
    cloned.solution(0).unlink()
    assert changed_in_git(cloned) == ["solutions/solution_00.py", "tutor/course.py", "tutor/new one.py"]
    git(cloned.root, "add", ".")
    assert len(changed_in_git(cloned) or ()) == 3, "staged is not committed"


def test_where_git_does_not_know_the_course_nothing_is_claimed(
    cloned: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    elsewhere = tmp_path_factory.mktemp("unpacked")
    (elsewhere / "solutions").mkdir()
    assert changed_in_git(Workspace(elsewhere)) is None and head_of(Workspace(elsewhere)) is None
    # Unpacked inside a repository of something else.
    inside = cloned.root / "unpacked"
    shutil.copytree(cloned.root / "solutions", inside / "solutions")
    assert changed_in_git(Workspace(inside)) is None and head_of(Workspace(inside)) is None
    monkeypatch.setenv("PATH", "")
    assert changed_in_git(cloned) is None and head_of(cloned) is None


def test_a_change_of_the_course_is_told(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, compiled: None):
    monkeypatch.setattr(verification, "COURSE", COURSE[:1])
    files = [f"tutor/file_{number}.py" for number in range(7)]
    monkeypatch.setattr(verification, "changed_in_git", lambda workspace: files)
    told = in_one_line(run("--output", "handed_in.json"))
    assert "Not as in git's HEAD: tutor/file_0.py, " in told and "tutor/file_4.py and 2 more." in told
    assert "There, these were not as in git's HEAD: tutor/file_0.py" in in_one_line(run("--against", "handed_in.json"))
