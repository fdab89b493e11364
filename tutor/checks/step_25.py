"""The check of step 25: TODO: what is compared with what."""

from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.graphs.tensor_spec import TensorSpec

# TODO: the types of the inputs and outputs. A step that builds a MAX graph leaves `compiled=False` out.
SUBJECT = Subject(
    name="training",
    build=lambda code: code[25].training,
    inputs={"x": TensorSpec("float64", ("length",))},
    outputs={"y": TensorSpec("float64", ("length",))},
    compiled=False,
)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, *, factor: float = 2.0) -> Arrays:
    """Step 25 in NumPy. TODO: the formula, with a keyword argument for each known mistake."""
    return {"y": factor * inputs["x"]}


CHECK = Check(
    names=("training",),
    subjects=(SUBJECT,),
    cases=(
        Case(SUBJECT.name, {"length": 5}, seed=1),
        Case(SUBJECT.name, {"length": 1}, seed=2),
    ),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "TODO: a known mistake, which completes the sentence 'This is ...'",
            "TODO: what to do about it.",
            {"factor": 1.0},
        ),
    ),
)
