"""`make agreement` compares what it says, and tells a difference from none. Nothing is compiled here."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.agreement import batches_of, compare, key_of, sample_of, show, unique
from tests.graphs.random_graphs import draw_graphs
from tests.support.agreement.collecting import (
    Candidate,
    CourseFile,
    book_files,
    random_candidates,
    solutions,
    trace_files,
    wrong_files,
)
from tests.support.agreement.roads import evaluated, is_right
from tests.wrong_files import WRONG_FILES
from tutor.course import COURSE
from tutor.learner.skeleton import finished_workspace

SCALE = (" / math.sqrt(head_dim)", "")


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    """The graphs of a solution, of a wrong file, of one that cannot be traced, and one that is random."""
    files = [
        CourseFile("solution", "right", 8, 8),
        CourseFile("wrong file", "wrong", 8, 8, (SCALE,)),
        CourseFile("wrong file", "the same", 9, 8, (SCALE,)),
        CourseFile("book", "untraced", 8, 8, (("query.shape[-2]", "int(query.shape[-2])"),)),
    ]
    return [*trace_files(files), *random_candidates([(3, draw_graphs(3)[2])])]


def test_all_files_are_collected() -> None:
    assert len(wrong_files()) == len(WRONG_FILES)
    assert {file.step for file in solutions()} >= {2, 8, 13, 16, 17, 18, 19} and len(solutions()) < len(COURSE)
    (introduction,) = book_files("introduction")
    assert (introduction.step, introduction.changed) == (8, 8)
    assert "step_16: not_shifted" in {file.name for file in book_files("step_16")}


def test_each_file_is_a_solution_with_its_changes(tmp_path: Path) -> None:
    workspace = finished_workspace(tmp_path)
    for file in (*wrong_files(), *book_files()):
        file.write(workspace)  # raises if what it replaces is not in the solution


def test_each_file_is_traced_from_its_own_text(candidates: list[Candidate]) -> None:
    names = [candidate.file for candidate in candidates]
    assert set(names) == {"right", "wrong", "the same", "random graph 3"}
    prints = {candidate.file: candidate.traced.fingerprint for candidate in candidates}
    assert len(set(prints.values())) == 4
    assert all(candidate.cases for candidate in candidates)


def test_a_graph_that_two_files_have_is_compared_once(candidates: list[Candidate]) -> None:
    again = [replace(candidate, file="another", name="another") for candidate in candidates]
    assert list(unique([*candidates, *again])) == list(unique(candidates))


def test_a_sample_is_spread_over_all_there_is() -> None:
    assert sample_of(range(100), 4) == [0, 25, 50, 75]
    assert sample_of("abc", 10) == ["a", "b", "c"]


def test_all_random_graphs_compile_as_one_module(candidates: list[Candidate]) -> None:
    drawn = list(random_candidates(enumerate(draw_graphs(4))))
    known = unique([*candidates, *drawn])
    batches = batches_of(known, 2)
    kinds = [{known[key].kind == "random" for key in batch} for batch in batches]
    assert kinds == [{False}] * (len(batches) - 1) + [{True}]
    assert sorted(key for batch in batches for key in batch) == sorted(known)
    assert all(len(batch) <= 2 for batch in batches[:-1]) and len(batches[-1]) > 2
    assert batches_of(unique(candidates[:-1]), 2) == batches[:-1]


def test_roads_that_agree_and_roads_that_do_not(candidates: list[Candidate]) -> None:
    results = {key_of(candidate): evaluated(candidate) for candidate in candidates}
    same = compare(candidates, {key: (outcomes, outcomes) for key, outcomes in results.items()})
    assert same.files == {"solution": 1, "wrong file": 2, "random": 1}
    assert same.graphs == len(results) and same.cases == sum(len(outcomes) for outcomes in results.values())
    assert not (same.verdicts or same.above or same.not_run_by_max or same.float32.difference)

    # One number of the solution comes out otherwise; nothing can be compiled of the random graph.
    other = {key: (outcomes, list(outcomes)) for key, outcomes in results.items()}
    first, last = key_of(candidates[0]), key_of(candidates[-1])
    changed = [array.copy() for array in results[first][0]]
    changed[0].flat[0] += np.float32(0.5)
    other[first][1][0] = changed
    other[last] = results[last], ["MAX: error: no"]
    differing = compare(candidates, other)
    assert differing.verdicts == ["right: right evaluated, wrong compiled"]
    assert len(differing.above) == 1 and differing.float32.where.startswith("right, ")
    assert differing.not_run_by_max == ["random graph 3, its inputs: MAX: error: no; the evaluator gives numbers"]
    out = io.StringIO()
    show(differing, Console(file=out, width=120))
    assert "right evaluated, wrong compiled" in out.getvalue()

    known = [replace(candidate, right_but_for_max=True) for candidate in candidates]
    forgiven = compare(known, other)
    assert not forgiven.verdicts and not forgiven.above and len(forgiven.known_faults) == 1


def test_a_wrong_file_is_wrong_by_the_stored_numbers(candidates: list[Candidate]) -> None:
    right = {
        candidate.file: all(
            is_right(outcome, numbers) for outcome, numbers in zip(evaluated(candidate), candidate.cases, strict=True)
        )
        for candidate in candidates
    }
    assert right == {"right": True, "wrong": False, "the same": False, "random graph 3": True}
