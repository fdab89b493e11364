"""Compares the parameters of a graph and the types of its results with what the step asks for."""

from collections.abc import Mapping, Sequence

from tutor.checking.guard import ProblemFound
from tutor.checking.spec import Subject
from tutor.checking.verdict import Problem
from tutor.graphs.tensor_spec import Dims, TensorSpec


def compare_parameters(
    step: int, subject: Subject, got: Mapping[str, Dims], in_place: Mapping[str, str] | None = None
) -> None:
    """Compares the parameters.

    Args:
        step, subject: what was made.
        got: the shape of each parameter.
        in_place: advice for parameters that are missing, by what stands in their place; see `missing_parameters`.

    Raises:
        ProblemFound: they are not what the step asks for.
    """
    expected = dict(subject.parameters)
    if dict(got) == expected:
        return
    missing = [name for name in expected if name not in got]
    extra = [name for name in got if name not in expected]
    advice = "A checkpoint finds parameters by name, so the attributes must have exactly the names given in the tasks."
    known = next((in_place[name] for name in missing if name in in_place), "") if in_place else ""
    if missing and known:
        summary, advice = f"These parameters are missing: {_listed(missing)}.", known
    elif missing and all(name.endswith("bias") for name in missing) and not extra:
        summary = f"A bias is missing: {_listed(missing)}."
        advice = "GPT-2's linear layers and norms have a bias. Do not pass bias=False, and do not leave it out."
    elif missing:
        summary = f"These parameters are missing: {_listed(missing)}."
    elif extra:
        summary = f"These parameters should not be there: {_listed(extra)}."
    else:
        wrong = [name for name in expected if got[name] != expected[name]]
        summary = f"These parameters have the wrong shape: {_listed(wrong)}."
        missing, extra, advice = wrong, wrong, ""
        if all(got[name] == expected[name][::-1] for name in wrong):
            advice = "Rows and columns are swapped. A `Linear` layer keeps its weight as [out, in]; a table of "
            advice += "embeddings has one row for each token or position."
    details = [("expected", _listed([f"{name} {_dims(expected[name])}" for name in missing]))] if missing else []
    details += [("got", _listed([f"{name} {_dims(got[name])}" for name in extra]))] if extra else []
    raise ProblemFound(Problem("parameters", step, summary, where=subject.name, details=details, advice=advice))


def _listed(names: Sequence[str], *, most: int = 4, separator: str = ", ") -> str:
    """Names in a row; of a long list the first few, and how many more."""
    shown = separator.join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def compare_outputs(step: int, subject: Subject, got: Sequence[TensorSpec], single: bool) -> None:
    expected = list(subject.outputs.values())
    if list(got) == expected and single == (len(expected) == 1):
        return
    if single != (len(expected) == 1) or len(got) != len(expected):
        many = (
            f"a tuple of {len(expected)} tensors ({', '.join(subject.outputs)})" if len(expected) > 1 else "one tensor"
        )
        returned = "one tensor" if single else f"a tuple of {len(got)}"
        summary = f"It should return {many}; it returns {returned}."
    elif [spec.dtype for spec in got] != [spec.dtype for spec in expected]:
        summary = "The result has the wrong dtype."
    else:
        summary = "The result has the wrong shape."

    def describe(specs: Sequence[TensorSpec]) -> str:
        return _listed([f"{_dims(spec.dims)} {spec.dtype}" for spec in specs], separator="; ")

    details = [("expected", describe(expected)), ("got", describe(got))]
    raise ProblemFound(Problem("returns", step, summary, where=subject.name, details=details))


def _dims(dims: Dims) -> str:
    return "(" + ", ".join(str(dim) for dim in dims) + ("," if len(dims) == 1 else "") + ")"
