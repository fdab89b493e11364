"""The check of step 12: the stack of blocks."""

from typing import Any

from tutor import sizes
from tutor.checking.spec import Arrays, Check, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared import models
from tutor.checks.shared.subjects import SHIPPED

MODEL = models.Model(12, "MaxGPT2Model", sizes.model, output="y", width="n_embd")
SUBJECTS = MODEL.subjects()


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 12 in NumPy."""
    settings = models.numpy_settings(subject.settings)
    return {"y": numpy_gpt2.model(inputs["input_ids"], parameters, **settings, **mistake)}


CHECK = Check(
    names=("MaxGPT2Model",),
    subjects=SUBJECTS,
    cases=models.cases(),
    expectations=(models.causality(SUBJECTS[0], "vectors"),),
    on_text=MODEL.subject("shipped", SHIPPED),
    numpy_model=numpy_model,
    explain={"missing: h.1.": "The list holds the same block several times. Make a new one for each layer."},
    mistakes=models.MISTAKES,
    tolerance=1e-4,
)
