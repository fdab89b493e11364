"""The same checks on a GPU. Skipped, with the reason, where MAX finds none."""

import click
import pytest
from click.testing import CliRunner
from max.driver import accelerator_count

from benchmarks import attention, length, speed
from tests.support.workspaces import Tool
from tutor.course import COURSE, Step
from tutor.learner.workspace import Workspace

NO_GPU = accelerator_count() == 0
compiled_steps = [step for step in COURSE if any(subject.compiled for subject in step.check.subjects)]


@pytest.mark.gpu
@pytest.mark.skipif(NO_GPU, reason="MAX finds no GPU on this machine")
@pytest.mark.parametrize("step", compiled_steps, ids=lambda step: step.label)
def test_solution_is_green_on_the_gpu(step: Step, skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, f"s{step.label}", "--solutions", "--device", "gpu")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.gpu
@pytest.mark.skipif(NO_GPU, reason="MAX finds no GPU on this machine")
def test_greedy_text_on_the_gpu_is_the_cpus(skeletons: Workspace, tutor: Tool):
    options = ("generate", "ROMEO:", "--temperature", "0", "--max-new-tokens", "30", "--device")
    assert tutor(skeletons, *options, "gpu").stdout == tutor(skeletons, *options, "cpu").stdout != ""


@pytest.mark.gpu
@pytest.mark.skipif(NO_GPU, reason="MAX finds no GPU on this machine")
def test_a_map_on_the_gpu_is_the_cpus_but_for_rounding(skeletons: Workspace, tutor: Tool):
    maps = [
        tutor(skeletons, "attention", "To be, or not to be", "--device", device).stdout for device in ("gpu", "cpu")
    ]
    numbers = [[int(word) for word in drawn.replace("·", "0").split() if word.isdigit()] for drawn in maps]
    assert len(numbers[0]) == len(numbers[1]) > 30
    assert max(abs(one - other) for one, other in zip(*numbers, strict=True)) <= 1


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
@pytest.mark.parametrize("arguments", [("s03",), ("graph", "03"), ("generate", "A"), ("attention", "A"), ("warm",)])
def test_asking_for_a_gpu_that_is_not_there_is_an_error(arguments: tuple[str, ...], filled: Workspace, tutor: Tool):
    result = tutor(filled, *arguments, "--device", "gpu")
    assert result.returncode == 1
    assert "MAX finds no GPU on this machine" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
@pytest.mark.parametrize("benchmark", [speed.main, attention.main, length.main])
def test_a_benchmark_on_a_gpu_that_is_not_there_is_an_error(benchmark: click.Command):
    result = CliRunner().invoke(benchmark, ["--device", "gpu"])
    assert result.exit_code == 1
    assert result.stderr == "Error: MAX finds no GPU on this machine: leave --device out, or say --device cpu\n"
