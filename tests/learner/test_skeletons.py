"""`diff` and `reset`: the learner's file beside the solution, and the skeleton again, with a backup."""

from tests.support.workspaces import Tool
from tutor.learner.skeleton import skeleton_of
from tutor.learner.workspace import Workspace


def test_diff_shows_the_learners_file_against_the_solution(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "diff", "s03")
    assert result.returncode == 0
    assert "-        raise NotImplementedError(" in result.stdout
    assert "+        self.weight = Tensor.ones([dim])" in result.stdout
    assert "from" not in [
        line.split()[0].lstrip("+-") for line in result.stdout.splitlines() if line[:1] in "+-" and line.split()
    ]


def test_diff_of_a_copied_solution_is_empty(filled: Workspace, tutor: Tool):
    assert "are the same" in tutor(filled, "diff", "9").stdout


def test_reset_restores_the_skeleton_and_keeps_every_earlier_version(filled: Workspace, tutor: Tool):
    file = filled.step(3)
    mine = "print('mine')\n"
    file.write_text(mine)
    result = tutor(filled, "reset", "03")
    assert result.returncode == 0
    assert file.read_text() == skeleton_of(filled.solution(3).read_text(), 3)
    (backup,) = (filled.state / "backups").iterdir()
    assert backup.read_text() == mine and str(backup.relative_to(filled.root)) in result.stdout
    file.write_text("print('mine again')\n")
    tutor(filled, "reset", "03")
    assert sorted(copy.read_text() for copy in (filled.state / "backups").iterdir()) == [
        "print('mine again')\n",
        "print('mine')\n",
    ]


def test_reset_of_a_skeleton_changes_nothing(skeletons: Workspace, tutor: Tool):
    assert "is the skeleton already" in tutor(skeletons, "reset", "3").stdout
    assert not (skeletons.state / "backups").exists()


def test_reset_brings_a_deleted_file_back(skeletons: Workspace, tutor: Tool):
    skeletons.step(3).unlink()
    missing = tutor(skeletons, "s03")
    assert missing.returncode == 1 and "steps/step_03.py is missing" in missing.stderr
    assert tutor(skeletons, "reset", "3").returncode == 0
    assert skeletons.step(3).exists()
