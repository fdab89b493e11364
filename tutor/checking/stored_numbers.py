"""Reference numbers from Hugging Face GPT-2, stored, so that a check imports neither torch nor transformers.

`python -m tutor.oracle` writes them: one file a step, `step_09.npz`. Its keys are

    parameters/<owner>/<parameter>    the owner is a subject, or a case with parameters of its own
    inputs/<case>/<input>
    outputs/<case>/<output>
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from tutor.checking.spec import Arrays, Case, Subject
from tutor.course import find_step
from tutor.learner.workspace import REPOSITORY, Workspace

Stored = tuple[Arrays, Arrays, Arrays]

_FOLDER = Path(__file__).parent.parent / "oracle"


def path(step: int) -> Path:
    """The file of a step."""
    return _FOLDER / f"step_{step:02d}.npz"


def load_arrays(step: int) -> dict[str, np.ndarray]:
    """Reads a step's file as it is."""
    with np.load(path(step), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def load(step: int) -> dict[str, Stored]:
    """Reads the reference numbers of a step: parameters, inputs and outputs of each case, by the case's name.

    A case on the shipped checkpoint takes its parameters from there.
    """
    check = find_step(step).check
    arrays = load_arrays(step)
    stored = {}
    for case in check.cases:
        subject = check.subject(case.subject)
        outputs = {name: arrays[key] for name in subject.results if (key := f"outputs/{case.name}/{name}") in arrays}
        if not outputs:
            continue  # written before there was a checkpoint; a test sees to it that none is missing
        inputs = {name: arrays[f"inputs/{case.name}/{name}"] for name in subject.inputs}
        stored[case.name] = (_parameters(subject, case, arrays), inputs, outputs)
    return stored


def owner(case: Case) -> str:
    """Under which name the parameters of a case are stored."""
    return case.name if case.given else case.subject


def shipped_parameters(subject: Subject) -> Arrays:
    """Reads the parameters of the checkpoint that comes with the course, for a subject of its size.

    By itself, and not with step 15, which is checked against it.
    """
    tensors = load_file(Workspace(REPOSITORY).checkpoint / "model.safetensors")
    # Hugging Face keeps these kernels as [in, out] ("Conv1D"); MAX's Linear has [out, in].
    kernels = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
    return {
        name: np.ascontiguousarray(tensors[name].T if name.endswith(kernels) else tensors[name], dtype=np.float32)
        for name in subject.parameters
    }


def _parameters(subject: Subject, case: Case, arrays: Arrays) -> Arrays:
    if case.shipped:
        return shipped_parameters(subject)
    return {name: arrays[f"parameters/{owner(case)}/{name}"].astype(np.float32) for name in subject.parameters}
