"""What the README shows is what the course does."""

import re

from tests.support.workspaces import Tool
from tests.wrong_files import WRONG_FILES
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY, Workspace

README = (REPOSITORY / "README.md").read_text()


def test_the_shown_check_is_what_the_tool_prints(filled: Workspace, tutor: Tool, compiled: None):
    """A file without the scale, as the README says."""
    (shown,) = re.findall(r"```console\n\$ make s08\n(.*?)```", README, flags=re.DOTALL)
    next(wrong_file for wrong_file in WRONG_FILES if "without the 1/sqrt(head_dim) scale" in wrong_file.told).write(
        filled
    )
    assert tutor(filled, "s08").stdout == shown


def test_the_list_of_steps_is_the_courses():
    rows = re.findall(r"^\| (\d\d) \| (.+?) \|$", README, flags=re.MULTILINE)
    assert rows == [(step.label, step.title) for step in COURSE]


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
