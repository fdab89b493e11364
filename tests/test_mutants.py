"""Checks cannot be passed by luck: no changed solution passes, but those that do what is promised all the same.

A sample of what `python -m tests.mutants` runs on all steps.
"""

import pytest

from benchmarks.mutations import Mutation
from tests.mutants import check_mutants, equivalent, mutants_of, right_file, sample, survivors, table_of
from tutor.course import COURSE

STEPS = [step.number for step in COURSE]
# Of each step; as many again would take as long again.
MUTANTS = 6


@pytest.mark.parametrize("step", STEPS)
def test_no_mutant_survives(step: int) -> None:
    outcomes = check_mutants(step, sample(step, MUTANTS))
    assert len(outcomes) == min(MUTANTS, len(mutants_of(step)))
    assert survivors(outcomes) == []


def test_every_equivalent_mutant_is_one_of_a_solution() -> None:
    """What is listed is found again after each change of a solution."""
    known = {
        (step, mutant.function, *mutant.changed(right_file(step)))
        for step in {key[0] for key in equivalent()}
        for mutant in mutants_of(step)
    }
    assert equivalent().keys() <= known


def test_mutants_of_a_file_differ_from_it_and_from_each_other() -> None:
    sources = [mutant.source for mutant in mutants_of(14)]
    assert len(set(sources)) == len(sources) > 200 and right_file(14) not in sources


def test_a_file_that_passes_is_counted_as_surviving() -> None:
    unchanged = Mutation(1, "forward", "none", "", "", right_file(6) + "\n# nothing else")
    (outcome,) = check_mutants(6, [unchanged])
    assert not outcome.problem and survivors([outcome]) == [outcome]
    columns = [list(column.cells) for column in table_of([outcome]).columns]
    assert columns == [["06", "all"], ["1"] * 2, ["0"] * 2, ["0"] * 2, ["1"] * 2]
