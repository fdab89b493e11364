"""The stored numbers are complete, and are Hugging Face's."""

import numpy as np
import pytest

from tests.support.workspaces import Tool
from tutor.checking import stored_numbers
from tutor.checking.compare import errors, limit_for
from tutor.checking.spec import Check
from tutor.course import COURSE
from tutor.learner.workspace import Workspace

CHECKS: dict[int, Check] = {step.number: step.check for step in COURSE}
COMPARED = [number for number, check in CHECKS.items() if check.cases]


@pytest.mark.parametrize("number", [step.number for step in COURSE])
def test_stored_numbers_equal_hugging_face_live(number: int) -> None:
    """Draws the same inputs again and asks Hugging Face again."""
    pytest.importorskip("transformers")
    from tutor.oracle.__main__ import content

    live = content(number)
    assert live.keys() == (stored_numbers.load_arrays(number).keys() if live else set())
    for key, stored in (stored_numbers.load_arrays(number) if live else {}).items():
        if key.startswith("outputs/"):
            assert errors(live[key], stored).max() <= limit_for(stored, 1e-6), key
        else:
            assert np.array_equal(live[key], stored), key


def test_step_00_and_step_09_give_the_same_numbers() -> None:
    """The same weights as plain lists and in a module, as the two chapters show."""
    from tutor.checks import step_00, step_09
    from tutor.checks.shared import plain_attention

    (lists,) = [case for case in step_00.CHECK.cases if case.seed == plain_attention.SHARED_SEED]
    (module,) = [case for case in step_09.CHECK.cases if case.seed == plain_attention.SHARED_SEED]
    in_lists = stored_numbers.load(0)[lists.name][2]["outputs"]
    in_module = stored_numbers.load(9)[module.name][2]["y"]
    assert np.array_equal(in_lists[None], in_module)


def test_expected_configuration_is_hugging_faces() -> None:
    """The defaults that step 01 asks for."""
    transformers = pytest.importorskip("transformers")
    from tutor.checks.step_01 import DEFAULTS

    config = transformers.GPT2Config()
    assert {name: getattr(config, name) for name in DEFAULTS} == DEFAULTS


def test_reference_files_are_small() -> None:
    files = [stored_numbers.path(number) for number in CHECKS if stored_numbers.path(number).exists()]
    assert sum(file.stat().st_size for file in files) < 75_000 * len(COURSE)


def test_step_00_shows_what_max_computes(skeletons: Workspace, tutor: Tool, compiled: None):
    """The numbers of the graph of step 09 are stored; here the graph runs."""
    import numpy as np

    from tutor.checking import stored_numbers
    from tutor.checking.loader import StepModules
    from tutor.checks.shared.plain_attention import as_module
    from tutor.checks.step_00 import MAX_OUTPUT, SHARED
    from tutor.checks.step_09 import AS_IN_STEP_00
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace
    from tutor.learner.workspace import cache_folder

    view = StepModules(skeletons, own=[])
    traced = trace(lambda: AS_IN_STEP_00.build(view), list(AS_IN_STEP_00.inputs.values()), find_device("cpu"))
    (executable,) = CompileCache(cache_folder()).load([traced])
    parameters, inputs = as_module(AS_IN_STEP_00, SHARED)
    (live,) = executable(parameters, *inputs.values())
    np.testing.assert_allclose(stored_numbers.load_arrays(0)[MAX_OUTPUT], live[0], rtol=0, atol=1e-5)
    plain, compiled_numbers = (
        line.split()[-5:] for line in tutor(skeletons, "s00", "--solutions").stdout.splitlines() if "    " in line[:7]
    )
    assert plain == compiled_numbers and len(plain) == 5
