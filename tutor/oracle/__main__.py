"""Writes the reference files: `python -m tutor.oracle`, or `--step 9` for one.

The same versions of NumPy, torch and transformers write the same bytes.
"""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import numpy as np
from tokenizers import Tokenizer

from tutor.checking import random_numbers, stored_numbers
from tutor.checks.shared.plain_attention import as_module
from tutor.checks.step_00 import MAX_OUTPUT, SHARED
from tutor.course import BATCHED_GENERATION, CACHED_GENERATION, COURSE, GENERATION, find_step
from tutor.errors import CourseError
from tutor.files import write_atomically
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder
from tutor.oracle import hugging_face

PROMPT = "ROMEO:\nBut soft, what"
NEW_TOKENS = 48

Content = dict[str, np.ndarray]


def have_checkpoint() -> bool:
    """Whether the checkpoint that comes with the course is there."""
    return (Workspace(REPOSITORY).checkpoint / "model.safetensors").is_file()


def content(step: int) -> Content:
    """What belongs into a step's file; empty for a step that needs none.

    Raises:
        IncompleteStepError: the step has no check, or cases and no oracle.
    """
    check = find_step(step).check
    arrays: Content = {}
    for case in check.cases:
        if case.shipped and not have_checkpoint():
            continue
        subject = check.subject(case.subject)
        parameters, inputs = random_numbers.case(subject, case)
        for name, array in parameters.items():
            halved = array.astype(np.float16)
            assert np.array_equal(halved, array), f"{name} would not be stored exactly"
            arrays[f"parameters/{stored_numbers.owner(case)}/{name}"] = halved
        for name, array in inputs.items():
            arrays[f"inputs/{case.name}/{name}"] = array
        if case.shipped:
            parameters = stored_numbers.shipped_parameters(subject)
        for name, array in hugging_face.outputs(step, subject, parameters, inputs).items():
            arrays[f"outputs/{case.name}/{name}"] = array
    return arrays | EXTRA[step](step) if step in EXTRA else arrays


def max_output(step: int) -> Content:
    """Step 00: what MAX's graph of step 09 gives for the case that the two share: (seq_len, n_embd)."""
    from tutor.checking.loader import StepModules
    from tutor.checks.step_09 import AS_IN_STEP_00
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace

    view = StepModules(Workspace(REPOSITORY), own=[])
    traced = trace(lambda: AS_IN_STEP_00.build(view), list(AS_IN_STEP_00.inputs.values()), find_device("cpu"))
    (executable,) = CompileCache(cache_folder()).load([traced])
    parameters, inputs = as_module(AS_IN_STEP_00, SHARED)
    return {MAX_OUTPUT: executable(parameters, *inputs.values())[0][0]}


def generation(step: int) -> Content:
    """Step 14: how Hugging Face continues a prompt with the shipped checkpoint; empty without it."""
    if not have_checkpoint():
        return {}
    folder = Workspace(REPOSITORY).checkpoint
    prompt = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(PROMPT).ids
    return {
        "prompt": np.array(prompt),
        "greedy": np.array(hugging_face.greedy(hugging_face.trained(folder), prompt, NEW_TOKENS)),
    }


def random_text(step: int) -> Content:
    """Steps 16 and 17: how Hugging Face continues a prompt with the random weights of the cases."""
    from tutor.checks.shared.cached_models import parameters_of

    check = find_step(step).check
    subject = check.subject("plain")
    model = hugging_face.language_model(subject, parameters_of(subject, check))
    prompt = np.random.default_rng(step).integers(subject.settings["vocab_size"], size=4).tolist()
    return {"prompt": np.array(prompt), "greedy": np.array(hugging_face.greedy(model, prompt, 10))}


# What a step's file holds beside the cases of its check.
EXTRA: Mapping[int, Callable[[int], Content]] = {
    0: max_output,
    GENERATION: generation,
    CACHED_GENERATION: random_text,
    BATCHED_GENERATION: random_text,
}


def write(path: Path, arrays: Content) -> None:
    """Writes a file as a whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_atomically(path, buffer.getvalue())


@click.command()
@click.option(
    "--step", type=click.IntRange(COURSE[0].number, COURSE[-1].number), help="Write the file of this step alone."
)
def main(step: int | None) -> None:
    """Computes the reference numbers with Hugging Face GPT-2, and stores them."""
    if not have_checkpoint():
        click.echo("The checkpoint is not there: leaving out what is computed with it.")
    for number in [step.number for step in COURSE] if step is None else [step]:
        try:
            arrays = content(number)
        except CourseError as error:
            raise click.ClickException(str(error)) from None
        if arrays:
            file = stored_numbers.path(number)
            write(file, arrays)
            click.echo(f"{file.name}: {len(arrays)} arrays, {file.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
