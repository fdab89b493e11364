"""What training needs to go on after it was stopped: one file, replaced as a whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tutor.errors import TrainingError
from tutor.files import write_atomically

FILE = "state.safetensors"
_VERSION = 1


@dataclass
class Record:
    """How far training has come.

    Args:
        steps: how many steps were taken.
        options: all that the numbers depend on, as plain data.
        losses: those of the steps since the last evaluation.
        history: a row for each evaluation: the step, the losses, the norm of the gradients, the tokens per second.
        best: the row with the lowest held-out loss so far.
        seconds: how long it took, compiling and evaluating not counted.
    """

    steps: int
    options: Mapping[str, Any]
    losses: list[float] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] | None = None
    seconds: float = 0.0


def save_state(folder: Path, record: Record, state: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Writes the state. If that fails, the one from before is still there.

    Raises:
        OSError: it cannot be written.
    """
    tensors = {f"{kind}/{name}": array for kind, arrays in state.items() for name, array in arrays.items()}
    metadata = {"record": json.dumps({"version": _VERSION, **asdict(record)})}
    write_atomically(folder / FILE, save(tensors, metadata=metadata))


def load_state(folder: Path) -> tuple[Record, dict[str, dict[str, np.ndarray]]]:
    """Reads what `save_state` wrote.

    Raises:
        TrainingError: there is no state, or it is damaged or of another version.
    """
    file = folder / FILE
    if not file.is_file():
        raise TrainingError(f"{folder} has no {FILE}: there is nothing to resume")
    state: dict[str, dict[str, np.ndarray]] = {}
    try:
        with safe_open(file, framework="numpy") as tensors:
            content = json.loads((tensors.metadata() or {})["record"])
            for key in tensors.keys():  # noqa: SIM118 - it is no dict
                kind, _, name = key.partition("/")
                state.setdefault(kind, {})[name] = tensors.get_tensor(key)
        if content.pop("version") != _VERSION:
            raise TrainingError(f"{file} was written by another version of the course: begin again in another folder")
        return Record(**content), state
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{file} is damaged ({error}): begin again in another folder") from None
