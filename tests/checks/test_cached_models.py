"""Steps 16 and 17 in shapes that their checks leave out."""

import numpy as np
import pytest

from tests.support.looking import looker
from tutor.checking import random_numbers
from tutor.checking.compare import matches
from tutor.checking.loader import StepModules
from tutor.checking.spec import Case, Subject
from tutor.checks import step_16, step_17
from tutor.checks.shared import cached_models
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.compiled import CompiledGraph
from tutor.graphs.devices import find_device
from tutor.graphs.trace import trace
from tutor.learner.skeleton import as_learners_file
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder

# One layer alone: MAX fuses a mask with the attention that is its only reader.
ONE_LAYER = cached_models.PLAIN | {"n_layer": 1, "n_head": 1, "n_embd": 20, "n_inner": 9, "layer_norm_epsilon": 0.05}
SUBJECTS = {
    16: cached_models.subject(16, "CachedGPT2LMHeadModel", "one layer", ONE_LAYER),
    17: cached_models.subject(17, "BatchedGPT2LMHeadModel", "one layer", ONE_LAYER, *step_17.BETWEEN),
}


@pytest.fixture(scope="module")
def executables() -> dict[int, CompiledGraph]:
    """The models of both steps with one layer."""
    device = find_device("cpu")
    traced = []
    for subject in SUBJECTS.values():
        view = StepModules(Workspace(REPOSITORY), own=[])
        traced.append(trace(lambda s=subject, v=view: s.build(v), list(subject.inputs.values()), device))
    return dict(zip(SUBJECTS, CompileCache(cache_folder()).load(traced), strict=True))


@pytest.mark.parametrize("step", SUBJECTS)
@pytest.mark.parametrize(("batch", "seq_len", "num_tokens"), [(1, 5, 0), (3, 4, 7), (2, 1, 15), (1, 16, 0)])
def test_one_layer_gives_hugging_faces_numbers(
    executables: dict[int, CompiledGraph], step: int, batch: int, seq_len: int, num_tokens: int
):
    from tutor.oracle import hugging_face

    subject: Subject = SUBJECTS[step]
    starts = {"starts": np.arange(batch) % (num_tokens + seq_len)}
    dims = {"batch": batch, "seq_len": seq_len, "num_tokens": num_tokens}
    case = Case(subject.name, dims, seed=step, inputs=starts)
    parameters, inputs = random_numbers.case(subject, case)
    results = dict(zip(subject.results, executables[step](parameters, *inputs.values()), strict=True))
    for name, expected in hugging_face.outputs(step, subject, parameters, inputs).items():
        assert matches(results[name], expected, 1e-5), name


def test_what_is_given_stays_as_it_was(executables: dict[int, CompiledGraph]):
    subject = SUBJECTS[16]
    dims = {"batch": 1, "seq_len": 2, "num_tokens": 3}
    parameters, inputs = random_numbers.case(subject, Case(subject.name, dims, seed=1))
    before = {name: array.copy() for name, array in inputs.items()}
    executables[16](parameters, *inputs.values())
    assert all(np.array_equal(inputs[name], before[name]) for name in inputs)


def test_a_full_cache_is_an_error_and_no_wrong_answer(executables: dict[int, CompiledGraph]):
    """The loops start again before it comes to this; who calls the model by hand gets an error."""
    subject = SUBJECTS[16]
    dims = {"batch": 1, "seq_len": 4, "num_tokens": 14}
    parameters, inputs = random_numbers.case(subject, Case(subject.name, dims, seed=1))
    with pytest.raises(ValueError):
        executables[16](parameters, *inputs.values())


def test_the_checks_leave_nothing_out_of_the_caches():
    assert step_16.PLAIN.results == ["logits", "keys_0", "values_0", "keys_1", "values_1"]
    assert all(name in step_16.PLAIN.inputs for name in step_16.PLAIN.results[1:])


@pytest.mark.parametrize("position", ["query - start", "F.elementwise_max(query - start, -1)"])
def test_padding_has_any_valid_position(position: str, filled: Workspace):
    """A negative position is a row of the table too, counted from the end, and there is one for every column.

    So a file without the bound 0 is right: the logits are equal to the last bit, wherever the rows start.
    """
    solution = as_learners_file(Workspace(REPOSITORY).solution(17).read_text())
    bound = "F.elementwise_max(query - start, 0)"
    assert solution.count(bound) == 1
    with looker(17, filled) as look:
        right, other = look(solution), look(solution.replace(bound, position))
    assert right.right and other.right
    ours, theirs = (attempt.graphs[step_17.PLAIN.name] for attempt in (other, right))
    assert ours.traced.fingerprint != theirs.traced.fingerprint
    n_positions = step_17.PLAIN.settings["n_positions"]
    starts = np.arange(n_positions + 1)  # the last row is nothing but padding
    for seq_len, num_tokens in ((n_positions, 0), (1, n_positions - 1), (5, 6)):
        dims = {"batch": len(starts), "seq_len": seq_len, "num_tokens": num_tokens}
        case = Case(step_17.PLAIN.name, dims, seed=1, inputs={"starts": starts})
        parameters, inputs = random_numbers.case(step_17.PLAIN, case)
        real = starts < seq_len + num_tokens
        logits = [graph.evaluate(parameters, *inputs.values())[0] for graph in (ours, theirs)]
        assert np.isfinite(logits[0]).all()
        assert np.array_equal(logits[0][real], logits[1][real])
