"""The check of step 13: the language-model head.

A head that is not tied to the embedding table is found before any numbers are compared: its
weight is a parameter that the model should not have. A shared tensor counts once, under its first name.
"""

from typing import Any

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared import models, subjects

MODEL = models.Model(13, "MaxGPT2LMHeadModel", sizes.language_model, output="logits", width="vocab_size")

# The shape of the checkpoint that comes with the course.
SHIPPED = MODEL.subject("shipped", subjects.SHIPPED)
SUBJECTS = MODEL.subjects()


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 13 in NumPy."""
    settings = models.numpy_settings(subject.settings)
    return {"logits": numpy_gpt2.language_model(inputs["input_ids"], parameters, **settings, **mistake)}


CHECK = Check(
    names=("MaxGPT2LMHeadModel",),
    subjects=(*SUBJECTS, SHIPPED),
    cases=(
        *models.cases(),
        Case(SHIPPED.name, {"batch": 1, "seq_len": 12}, seed=1, note="trained weights", shipped=True),
        Case(SHIPPED.name, {"batch": 2, "seq_len": 3}, seed=2, note="trained weights", shipped=True),
    ),
    explain={
        "should not be there: lm_head.weight": "The head has its own table. Assign `transformer.wte.weight` to its "
        "`weight`, without transposing or copying it.",
        "should not be there: lm_head.bias": "Make the `Linear` with `bias=False`.",
    },
    expectations=(models.causality(SUBJECTS[0], "logits"),),
    on_text=SHIPPED,
    numpy_model=numpy_model,
    mistakes=(
        *models.MISTAKES,
        Mistake(
            "a head that returns probabilities",
            "Return the logits: the softmax comes later, in step 14, when a token is chosen.",
            {"logits": "softmax"},
        ),
        Mistake(
            "a head that returns log-probabilities",
            "Return the logits: the softmax comes later, in step 14, when a token is chosen.",
            {"logits": "log softmax"},
        ),
        Mistake(
            "a head that divides its logits by sqrt(n_embd)",
            "Return the dot products as they are.",
            {"logits": "divided by sqrt(n_embd)"},
        ),
        Mistake(
            "a head that multiplies its logits by sqrt(n_embd)",
            "Return the dot products as they are.",
            {"logits": "multiplied by sqrt(n_embd)"},
        ),
    ),
    tolerance=1e-4,
)
