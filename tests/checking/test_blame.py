"""The steps that are to blame are found with few looks: each traces the graphs again."""

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from tutor.checking.attempt import Attempt
from tutor.checking.blame import Blame, find_blame
from tutor.checking.judge import Request, judge
from tutor.checking.learner_link import LearnerLink
from tutor.checking.verdict import Frame, Problem
from tutor.checking.wire import Message
from tutor.course import find_step
from tutor.learner.workspace import Workspace

STEP = 13
EARLIER = list(range(1, STEP))
WRONG = Problem("numbers", STEP, "The numbers are wrong.")


class CountingLink(LearnerLink):
    """Counts how often a graph is traced."""

    traces = 0

    def ask(self, do: str, **content: object) -> Message:
        """As in `LearnerLink`."""
        self.traces += do == "trace"
        return super().ask(do, **content)


class Looks:
    """Looks at a step that is right itself, on earlier ones of which some are wrong."""

    def __init__(self, wrong: Collection[int], pointed_at: int | None = None) -> None:
        self.wrong, self.pointed_at = frozenset(wrong), pointed_at
        self.count = 0

    def __call__(self, own: Collection[int]) -> Attempt:
        self.count += 1
        problem = WRONG if self.wrong & frozenset(own) else None
        if problem is not None and self.pointed_at is not None:
            problem = replace(WRONG, frames=[Frame(f"steps/step_{self.pointed_at:02d}.py", 1, "forward", "")])
        return Attempt(frozenset(own), "", loaded=frozenset([*EARLIER, STEP]), problem=problem)

    def blame(self, suspects: Collection[int]) -> Blame:
        return find_blame(STEP, self([*EARLIER, STEP]), suspects, self, self)


@pytest.mark.parametrize("wrong", [[step] for step in EARLIER] + [[1, 12], [3, 4], [2, 7, 11], EARLIER])
def test_all_culprits_are_found(wrong: list[int]) -> None:
    blame = Looks(wrong).blame(EARLIER)
    assert blame.borrowed and blame.culprits == wrong


@pytest.mark.parametrize("wrong", EARLIER)
def test_one_culprit_takes_few_looks(wrong: int) -> None:
    looks = Looks([wrong])
    looks.blame(EARLIER)
    assert looks.count <= 2 + 7  # of all files, of the step alone, and of halves


@pytest.mark.parametrize("wrong", EARLIER)
def test_the_step_with_the_first_wrong_line_is_looked_at_first(wrong: int) -> None:
    looks = Looks([wrong], pointed_at=wrong)
    assert looks.blame(EARLIER).culprits == [wrong]
    assert looks.count == 3  # of all files, of that step, and of all but that step


@pytest.mark.parametrize("wrong", [[3, 8], [8, 12], [5], [3, 5, 8]])
def test_all_culprits_are_found_where_the_first_wrong_line_is_in_one_of_them_or_in_none(wrong: list[int]) -> None:
    blame = Looks(wrong, pointed_at=8).blame(EARLIER)
    assert blame.borrowed and blame.culprits == wrong


def test_a_line_of_a_step_that_was_right_is_no_suspect() -> None:
    assert Looks([5], pointed_at=8).blame([5, 6]).culprits == [5]


def test_suspects_are_looked_at_before_steps_that_were_right() -> None:
    looks = Looks([8])
    assert looks.blame([8, 9]).culprits == [8] and looks.count == 2 + 2
    assert Looks([5]).blame([8, 9]).culprits == [5]


def test_steps_that_are_wrong_only_together_are_all_suspects() -> None:
    looks = Looks([])

    def wrong_together(own: Collection[int]) -> Attempt:
        found = looks(own)
        found.problem = WRONG if {3, 9} <= set(own) else None
        return found

    blame = find_blame(STEP, wrong_together([*EARLIER, STEP]), [3, 9], wrong_together, wrong_together)
    assert blame.borrowed and blame.culprits == [] and blame.suspects == [3, 9]


def test_a_late_step_blames_an_early_one_with_few_traces(filled: Workspace) -> None:
    """Tracing is most of what a verdict takes: all of step 13's graphs on two choices of files, and three more."""
    file = filled.step(8)
    source = file.read_text()
    assert source.count("math.sqrt(head_dim)") == 1
    file.write_text(source.replace("math.sqrt(head_dim)", "(1.25 * head_dim)"))  # no known mistake
    with tempfile.TemporaryFile() as output:
        link = CountingLink(STEP, output)
        try:
            request = Request(STEP, filled, False, "cpu", Path("there is no such folder"), {})
            verdict = judge(request, link, lambda event, **more: None)
        finally:
            link.close()
    assert (verdict.status, verdict.culprits) == ("borrowed", [8])
    assert {task.state for task in verdict.tasks} == {"right"}
    assert verdict.problem is not None and verdict.problem.frames[-1].file == "steps/step_08.py"
    graphs = sum(subject.compiled for subject in find_step(STEP).check.subjects)
    assert link.traces == 2 * graphs + 3
