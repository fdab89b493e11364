"""Steps run line by line: the numbers are NumPy's, and what is unfinished or wrong is told."""

import numpy as np
import pytest

from tests.line_by_line.conftest import Run
from tutor.checking.line_values import Line, Value
from tutor.course import COURSE, find_step
from tutor.errors import CaseError
from tutor.line_by_line.cases import cases_with_a_graph, choose_case
from tutor.line_by_line.run import LineRun
from tutor.line_by_line.shapes import shape_in_words, sizes_by_name


def value_of(run: LineRun, name: str) -> Value:
    """What the step's own file calls by this name."""
    (value,) = [value for line in run.lines if line.file == run.file for value in line.values if value.names == (name,)]
    return value


def at(run: LineRun, code: str) -> Line:
    """The line of the step's own file with this code in it."""
    (line,) = [line for line in run.lines if line.file == run.file and code in line.text]
    return line


def test_each_line_of_attention_made_what_numpy_makes(solution: Run):
    run = solution(8, case=1)
    query, key, value = (run.given.inputs[name].astype(np.float64) for name in ("query", "key", "value"))
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(12)
    mask = np.triu(np.full((5, 5), -np.inf), 1)
    weights = np.exp(scores + mask) / np.exp(scores + mask).sum(-1, keepdims=True)
    np.testing.assert_allclose(value_of(run, "scores").array, scores, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(value_of(run, "mask").array, mask)
    np.testing.assert_allclose(value_of(run, "weights").array, weights, rtol=0, atol=1e-6)
    np.testing.assert_allclose(at(run, "return weights").values[0].array, weights @ value, rtol=0, atol=1e-5)
    assert run.right and run.problem is None and run.wrong is None


@pytest.mark.parametrize("step", [step.number for step in COURSE if cases_with_a_graph(step)])
def test_every_solution_runs_to_its_end_and_its_result_is_hugging_faces(solution: Run, step: int):
    run = solution(step)
    assert run.problem is None and run.right
    # `return x` makes nothing itself: then a line before it made the result.
    made = [value.array for line in run.lines if line.depth == 0 for value in line.values]
    expected = next(iter(run.given.expected.values()))
    assert any(array.shape == expected.shape and np.allclose(array, expected, rtol=0, atol=1e-4) for array in made)


def test_an_unfinished_file_is_told_up_to_the_line_that_fails(changed: Run):
    run = changed(8, "weights = F.softmax(scores + mask)", 'raise NotImplementedError("step 08, task 4: f: go on")')
    assert [line.text.split(" ")[0] for line in run.lines if line.depth == 0] == ["scores", "mask"]
    assert run.problem is not None and run.problem.kind == "unfilled"
    assert run.failed_at is not None and "raise NotImpl" in run.failed_at.code


def test_a_line_that_max_refuses_assigned_nothing(changed: Run):
    run = changed(8, "return weights @ value", "return value @ weights")
    assert run.problem is not None and run.problem.kind == "exception"
    assert run.failed_at is not None and run.failed_at.code.startswith("return value @ weights")
    assert value_of(run, "weights").array.shape == (1, 1, 4, 4)


def test_a_function_without_a_return_is_told_to_its_end(changed: Run):
    run = changed(8, "return weights @ value", "result = weights @ value")
    assert run.problem is not None and "None" in run.problem.summary
    assert value_of(run, "result").array.shape == (1, 1, 4, 10)


def test_a_wrong_file_is_shown_with_its_first_wrong_line(changed: Run):
    run = changed(8, "/ math.sqrt(head_dim)", "/ head_dim")
    assert run.right is False and run.problem is None
    assert run.wrong is not None and run.wrong.wrong.text.startswith("scores = ")
    assert run.wrong.made is not None
    np.testing.assert_array_equal(run.wrong.made.array, value_of(run, "scores").array)


def test_the_first_wrong_line_may_be_in_an_earlier_step(changed: Run):
    run = changed(9, "/ math.sqrt(head_dim)", "/ head_dim", within=8, case=7)
    assert run.right is False
    assert run.wrong is not None and run.wrong.wrong.file.name == "step_08.py"


def test_code_without_an_end_is_stopped_and_what_it_printed_is_kept(changed: Run):
    run = changed(
        8,
        "    return weights @ value",
        '    print("here")\n    while True:\n        pass\n    return weights',
        seconds=8,
    )
    assert run.problem is not None and run.problem.kind == "stopped" and "8 seconds" in run.problem.summary
    assert run.printed == "here\n" and not run.lines


def test_a_crash_and_a_syntax_error_are_told(changed: Run):
    run = changed(8, "scores = query", "scores = = query")
    assert run.problem is not None and "cannot read" in run.problem.summary and not run.lines


def test_the_case_that_is_chosen_is_small_but_not_trivial():
    for step in COURSE:
        if cases := cases_with_a_graph(step):
            chosen = choose_case(cases, None)
            assert sum(array.size for array in chosen.inputs.values()) < 10_000, step.label
            assert chosen.case.dims.get("seq_len", 3) >= 3, step.label
            assert "bfloat16" not in chosen.name, step.label


def test_a_case_that_is_not_there_is_refused_with_a_list():
    cases = cases_with_a_graph(find_step(8))
    assert choose_case(cases, 5) is cases[4]
    for number in (0, 6, -1):
        with pytest.raises(CaseError) as refused:
            choose_case(cases, number)
        assert all(given.name in str(refused.value) for given in cases)


def test_shapes_have_the_names_of_their_sizes(solution: Run):
    run = solution(8, case=1)
    names = sizes_by_name(run.given)
    value = value_of(run, "scores")
    assert shape_in_words(value.dims, value.array, names) == "(batch=2, n_head=3, seq_len=5, seq_len=5)"
    returned = at(run, "return").values[0]
    assert shape_in_words(returned.dims, returned.array, names) == "(batch=2, n_head=3, seq_len=5, head_dim=12)"
    assert shape_in_words((), np.float32(1), names) == "()"
    assert shape_in_words(("n",), np.zeros(3), names) == "(n=3,)"


def test_a_number_that_two_sizes_share_has_no_name():
    cases = cases_with_a_graph(find_step(12))
    (one,) = [given for given in cases if given.subject.name == "one layer, one head"]
    assert 10 not in sizes_by_name(one)  # n_embd and head_dim
    assert sizes_by_name(one)[19] == "vocab_size"
