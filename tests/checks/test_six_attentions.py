"""What is special about step 18: the kernels that MAX takes, what a GPU would run, and memory that does not grow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tutor.checking.loader import StepModules
from tutor.checks.step_18 import CHECK, FLASH
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.tensor_spec import TensorSpec
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder

NO_MASK, MASK = "mo.composite.no_mask_flash_attention_cpu", "mo.composite.masked_flash_attention_cpu"


def run(code: str) -> str:
    """What Python prints for this code, in a process of its own."""
    # The environment is passed on by hand: see ENVIRONMENT in support/repository.py.
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


def test_max_finds_its_kernel_in_the_fused_attentions_and_not_in_the_eager_one(tmp_path: Path):
    printed = run(
        "import json, pathlib\n"
        "from tests.support.attention_kernels import kernels\n"
        f"print(json.dumps(kernels(pathlib.Path({str(tmp_path)!r}))))\n"
    )
    (line,) = (line for line in printed.splitlines() if line.startswith("{"))  # MAX prints what it writes down
    found = json.loads(line)
    expected = {
        "eager_attention": [],
        "fused_attention, bidirectional": [MASK],
        "fused_attention, causal": [MASK],
        "fused_attention, bidirectional without mask": [NO_MASK],
        "fused_attention, causal without mask": [MASK],
    }
    assert len(found) == len(expected) + 3, "three of them in bfloat16 too"
    for name, taken in found.items():
        assert taken == expected[name.rpartition(", ")[0]], name


def test_the_largest_of_nothing_but_minus_infinity_is_a_number_on_a_cpu():
    """Chapter 18 says so: there, the eager attention would do without LOWEST."""
    from max.driver import CPU
    from max.experimental import functional as F

    from tutor.graphs.trace import trace

    traced = trace(lambda: lambda x: F.max(x, axis=-1), [TensorSpec("float32", ("rows", "columns"))], CPU())
    (executable,) = CompileCache(cache_folder()).load([traced])
    (largest,) = executable({}, np.full((2, 5), -np.inf, np.float32))
    assert (largest == np.finfo(np.float32).min).all()


def test_all_six_trace_for_a_gpu_that_is_not_there():
    """MAX pretends to have one. What it would compute is checked where there is one (`test_gpu.py`)."""
    printed = run(
        "from max import driver\n"
        "driver.set_virtual_device_api('cuda')\n"
        "driver.set_virtual_device_target_arch('sm_90a')\n"
        "driver.set_virtual_device_count(1)\n"
        "from tutor.checks.step_18 import CHECK\n"
        "from tutor.checking.loader import StepModules\n"
        "from tutor.graphs.devices import find_device\n"
        "from tutor.graphs.trace import trace\n"
        "from tutor.learner.workspace import REPOSITORY, Workspace\n"
        "view = StepModules(Workspace(REPOSITORY), own=[])\n"
        "for subject in CHECK.subjects:\n"
        "    traced = trace(lambda: subject.build(view), list(subject.inputs.values()), find_device('gpu'))\n"
        "    assert list(traced.outputs) == list(subject.outputs.values())\n"
        "    print(subject.settings['way'], sorted({word for word in traced.text.split('\"') if '.mha.' in word}))\n"
    )
    lines = printed.splitlines()
    assert len(lines) == len(CHECK.subjects)
    # Without a mask, and for packed sequences, the kernel is called by its name.
    assert "sdpa ['mo.mha.no_cache']" in lines and "flash ['mo.mha.ragged.no_cache']" in lines
    assert "eager []" in lines and "sdpa []" in lines


def test_memory_of_the_tiles_does_not_grow_with_the_square(compiled: None):
    """Three heads of 8,192 tokens: one table of scores alone would be 805 MB."""
    printed = run(
        "import numpy as np\n"
        "from benchmarks.timing import forget_peak, peak_megabytes\n"
        "from tutor.checking.loader import StepModules\n"
        "from tutor.checks.step_18 import FLASH\n"
        "from tutor.graphs.compile_cache import CompileCache\n"
        "from tutor.graphs.devices import find_device\n"
        "from tutor.graphs.trace import trace\n"
        "from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder\n"
        "view = StepModules(Workspace(REPOSITORY), own=[])\n"
        "traced = trace(lambda: FLASH.build(view), list(FLASH.inputs.values()), find_device('cpu'))\n"
        "run, = CompileCache(cache_folder()).load([traced])\n"
        "def call(length):\n"
        "    x = np.ones((length, 15), np.float32)\n"
        "    run({}, x, x, x, np.array([0, length], np.uint32), np.array([length], np.uint32))\n"
        "call(8)\n"
        "forget_peak()\n"
        "before = peak_megabytes()\n"
        "call(8192)\n"
        "print(peak_megabytes() - before)\n"
    )
    assert float(printed) < 80


def test_the_tile_of_the_check_is_that_of_the_step():
    from tutor.checks.numpy.six_attentions import TILE

    assert StepModules(Workspace(REPOSITORY), own=[])[18].TILE == TILE
    longest = max(max(case.inputs["max_seqlen"]) for case in CHECK.cases if case.subject == FLASH.name)
    assert longest > TILE, "or no case would tell whether the tiles are put together rightly"
