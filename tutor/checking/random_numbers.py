"""Random parameters and inputs for the cases of a check.

The script that writes the stored numbers draws them here, and a check draws a few more that no file knows. The
stored ones are read from their file, so nothing depends on NumPy drawing the same numbers for ever.
"""

import zlib
from collections.abc import Mapping

import numpy as np

from tutor.checking.spec import Arrays, Case, Subject


def case(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws the parameters and the inputs of a case. Cases of one subject share their parameters."""
    if case.given is not None:
        return case.given(subject, case)
    drawn = {} if case.shipped else parameters(subject.parameters, seed=zlib.crc32(subject.name.encode()))
    return drawn, inputs(subject, case)


def parameters(shapes: Mapping[str, tuple[int, ...]], *, seed: int) -> dict[str, np.ndarray]:
    """Draws parameters: each tensor differs from every other, and none is so small that it could be left out.

    Weights keep the size of what passes through them: normal with standard deviation 1/sqrt(in).
    Those of a layer norm lie around 1.
    """
    drawn = {}
    for name, shape in shapes.items():
        numbers = np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(size=shape)
        if len(shape) == 2:
            numbers /= np.sqrt(shape[1])
        else:
            numbers = 0.3 * numbers + (1.0 if name.endswith("weight") else 0.0)
        drawn[name] = rounded(numbers)
    return drawn


def inputs(subject: Subject, case: Case) -> dict[str, np.ndarray]:
    """Draws the inputs: ids are uniform, all else is normal, scaled and shifted as the case says.

    A single number is in the case's dimensions.
    """
    rng = np.random.default_rng(case.seed)
    drawn = {}
    for name, spec in subject.inputs.items():
        if name in case.inputs:
            drawn[name] = np.asarray(case.inputs[name], spec.dtype)
        elif not spec.dims:
            drawn[name] = np.array(case.dims[name], spec.dtype)
        elif spec.dtype == "int64":
            drawn[name] = rng.integers(subject.settings["vocab_size"], size=spec.shape(case.dims))
        else:
            drawn[name] = (case.scale * rng.normal(size=spec.shape(case.dims)) + case.shift).astype(np.float32)
    return drawn


def rounded(numbers: np.ndarray) -> np.ndarray:
    """Rounds to float16 and gives float32: the file stays half as large, and exact."""
    return numbers.astype(np.float16).astype(np.float32)
