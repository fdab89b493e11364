"""The check of step 12: the stack of blocks."""

from tutor.check import Arrays, Check, Subject
from tutor.checks import models, numpy_gpt2, sizes

SUBJECTS = models.Model(12, "MaxGPT2Model", sizes.model, output="y", width="n_embd").subjects()


def reference(subject: Subject, parameters: Arrays, inputs: Arrays, **change: object) -> Arrays:
    """Step 12 in NumPy."""
    settings = models.numpy_settings(subject.settings)
    return {"y": numpy_gpt2.model(inputs["input_ids"], parameters, **settings, **change)}


CHECK = Check(
    names=("MaxGPT2Model",),
    subjects=SUBJECTS,
    cases=models.cases(),
    facts=(models.causality(SUBJECTS[0], "vectors"),),
    reference=reference,
    explain={"missing: h.1.": "One block is in the list several times. Make a new one for each layer."},
    misconceptions=models.MISCONCEPTIONS,
    tolerance=1e-4,
)
