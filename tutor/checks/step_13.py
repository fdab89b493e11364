"""The check of step 13: the language-model head.

A head that is not tied to the embedding table shows before any number: its weight is a
parameter that the model should not have. A shared tensor counts once, under its first name.
"""

from tutor.check import Arrays, Case, Check, Misconception, Subject
from tutor.checks import models, numpy_gpt2, sizes

MODEL = models.Model(13, "MaxGPT2LMHeadModel", sizes.language_model, output="logits", width="vocab_size")

# The shape of the checkpoint that comes with the course.
SHIPPED = MODEL.subject("shipped", {"vocab_size": 1024, "n_positions": 256, "n_embd": 192, "n_layer": 4, "n_head": 6})
SUBJECTS = MODEL.subjects()


def reference(subject: Subject, parameters: Arrays, inputs: Arrays, **change: object) -> Arrays:
    """Step 13 in NumPy."""
    settings = models.numpy_settings(subject.settings)
    return {"logits": numpy_gpt2.language_model(inputs["input_ids"], parameters, **settings, **change)}


CHECK = Check(
    names=("MaxGPT2LMHeadModel",),
    subjects=(*SUBJECTS, SHIPPED),
    cases=(
        *models.cases(),
        Case(SHIPPED.name, {"batch": 1, "seq_len": 12}, seed=1, note="trained weights", shipped=True),
        Case(SHIPPED.name, {"batch": 2, "seq_len": 3}, seed=2, note="trained weights", shipped=True),
    ),
    explain={
        "should not be there: lm_head.weight": "The head has a table of its own. Assign `transformer.wte.weight` to "
        "its `weight`, as it is.",
        "should not be there: lm_head.bias": "Make the `Linear` with `bias=False`.",
    },
    facts=(models.causality(SUBJECTS[0], "logits"),),
    reference=reference,
    misconceptions=(
        *models.MISCONCEPTIONS,
        Misconception(
            "a head that gives probabilities",
            "Return the logits: the softmax comes later, in step 14, when a token is chosen.",
            {"logits": "softmax"},
        ),
        Misconception(
            "a head that gives log-probabilities",
            "Return the logits: the softmax comes later, in step 14, when a token is chosen.",
            {"logits": "log softmax"},
        ),
        Misconception(
            "a head that divides its logits by sqrt(n_embd)",
            "The logits are the dot products as they are.",
            {"logits": "divided by sqrt(n_embd)"},
        ),
        Misconception(
            "a head that multiplies its logits by sqrt(n_embd)",
            "The logits are the dot products as they are.",
            {"logits": "multiplied by sqrt(n_embd)"},
        ),
    ),
    tolerance=1e-4,
)
