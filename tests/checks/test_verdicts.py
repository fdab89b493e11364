"""Solutions pass every check; skeletons and mistaken files fail, and are told why."""

import re

import pytest

from tests.support.judging import Judge, told
from tests.support.workspaces import Tool
from tests.wrong_files import WRONG_FILES, WrongFile
from tutor.course import COURSE, Step
from tutor.learner.workspace import Workspace

EVALUATED = [wrong_file for wrong_file in WRONG_FILES if not wrong_file.right_but_for_max]
COMPILED = [wrong_file for wrong_file in WRONG_FILES if wrong_file.right_but_for_max]

every_step = pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)


@every_step
def test_solution_is_green(step: Step, skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, f"s{step.label}", "--solutions")
    assert f"Step {step.label} is right" in result.stdout, result.stdout + result.stderr
    assert "MAX compiled" not in result.stdout, "the graphs were compiled before"
    assert result.returncode == 0


@every_step
def test_a_learners_own_files_are_green_and_remembered(step: Step, filled: Workspace, tutor: Tool, compiled: None):
    result = tutor(filled, f"s{step.label}")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(rf"{step.label} .*\bright\b", tutor(filled, "progress").stdout)


@every_step
def test_skeleton_is_red_and_names_the_unfilled_part(step: Step, filled: Workspace, tutor: Tool):
    tutor(filled, "reset", step.label)
    result = tutor(filled, f"s{step.label}")
    assert result.returncode == 1
    assert f"Step {step.label} is not right yet" in result.stdout
    # Step 02's skeleton has no decorator, but its body is what is missing first.
    assert re.search(rf"Not filled in yet: step {step.label}, tasks? \d", result.stdout), result.stdout


@pytest.mark.parametrize("wrong_file", EVALUATED, ids=lambda wrong_file: wrong_file.name)
def test_mistake_is_named_without_a_compile(wrong_file: WrongFile, filled: Workspace, judge: Judge):
    wrong_file.write(filled)
    verdict = judge(wrong_file.step, filled)
    assert verdict.status == "red" and wrong_file.told in told(verdict), told(verdict)


@pytest.mark.parametrize("wrong_file", COMPILED, ids=lambda wrong_file: wrong_file.name)
def test_right_code_that_max_compiles_wrongly_is_told_so(wrong_file: WrongFile, filled: Workspace, tutor: Tool):
    wrong_file.write(filled)
    result = tutor(filled, f"s{wrong_file.step:02d}")
    words = " ".join(result.stdout.split())
    assert result.returncode == 1, words
    assert "Your graph is right, but MAX 26.7.0 compiles it" in words and wrong_file.told in words, words


def test_a_wrong_file_is_told_on_the_command_line_too(filled: Workspace, tutor: Tool):
    wrong_file = next(wrong_file for wrong_file in EVALUATED if "1/sqrt(head_dim)" in wrong_file.told)
    wrong_file.write(filled)
    result = tutor(filled, f"s{wrong_file.step:02d}")
    assert result.returncode == 1 and wrong_file.told in " ".join(result.stdout.split()), result.stdout


def test_a_wrong_earlier_step_is_named_and_this_one_found_right(filled: Workspace, tutor: Tool):
    unfilled = tutor(filled, "reset", "8")
    assert unfilled.returncode == 0
    result = tutor(filled, "s09")
    assert result.returncode == 1
    assert "Step 09 is right; step 08 is not" in result.stdout, result.stdout
    assert "Not filled in yet: step 08" in result.stdout


def test_a_wrong_number_in_an_earlier_step_is_blamed_on_that_step(filled: Workspace, tutor: Tool):
    wrong_file = next(wrong_file for wrong_file in WRONG_FILES if wrong_file.step == 8 and "scale" in wrong_file.told)
    wrong_file.write(filled)
    result = tutor(filled, "s09")
    assert result.returncode == 1
    assert "Step 09 is right; step 08 is not" in result.stdout, result.stdout


def test_mistake_that_nothing_explains_still_gets_index_expected_and_got(filled: Workspace, tutor: Tool):
    file = filled.step(5)
    file.write_text(file.read_text().replace("return F.gather(", "return 1.25 * F.gather("))
    result = tutor(filled, "s05")
    assert result.returncode == 1
    assert "No known mistake gives these numbers" in result.stdout
    assert re.search(r"first at +\w+\[0, 0, 0\]", result.stdout), result.stdout
    assert re.search(r"expected +-?\d", result.stdout) and re.search(r"got +-?\d", result.stdout)
