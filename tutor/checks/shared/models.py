"""What the checks of the two complete models, steps 12 and 13, have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tutor.checking import random_numbers
from tutor.checking.spec import Case, Code, Expectation, Mistake, RunnableSubjects, Subject
from tutor.checks.shared.subjects import built
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings, Shapes

# The sizes of the models with random weights that are tried.
SHAPES = {
    "plain": {"vocab_size": 61, "n_positions": 32, "n_embd": 36, "n_layer": 3, "n_head": 3},
    "one layer, one head": {"vocab_size": 19, "n_positions": 12, "n_embd": 10, "n_layer": 1, "n_head": 1},
    "other n_inner and epsilon": {
        "vocab_size": 53,
        "n_positions": 16,
        "n_embd": 24,
        "n_layer": 2,
        "n_head": 4,
        "n_inner": 50,
        "layer_norm_epsilon": 0.05,
    },
}

# Batch and length of each case. None is as long as n_positions: a model that starts to count at 1 would read past
# the end of the table.
LENGTHS = {"plain": ((1, 6), (3, 9), (2, 1)), "one layer, one head": ((2, 5),), "other n_inner and epsilon": ((2, 7),)}


@dataclass(frozen=True)
class Model:
    """A model of the course, whatever its sizes are.

    Args:
        step, class_name: where it is.
        shapes: the shapes of its parameters.
        output, width: the name of its result, and of the setting that is the result's last dimension.
    """

    step: int
    class_name: str
    shapes: Callable[[Settings], Shapes]
    output: str
    width: str

    def subject(self, name: str, settings: Settings) -> Subject:
        """The model in one size."""
        return Subject(
            name=name,
            build=built(self.step, self.class_name, settings),
            inputs={"input_ids": TensorSpec("int64", ("batch", "seq_len"))},
            outputs={self.output: TensorSpec("float32", ("batch", "seq_len", settings[self.width]))},
            parameters=self.shapes(settings),
            settings=settings,
        )

    def subjects(self) -> tuple[Subject, ...]:
        """The model in each of the sizes above."""
        return tuple(self.subject(name, settings) for name, settings in SHAPES.items())


def cases() -> tuple[Case, ...]:
    """The cases for `Model.subjects`."""
    return tuple(
        Case(name, {"batch": batch, "seq_len": seq_len}, seed=seed)
        for name, lengths in LENGTHS.items()
        for seed, (batch, seq_len) in enumerate(lengths, start=1)
    )


def numpy_settings(settings: Settings) -> Settings:
    """The settings that the NumPy model takes."""
    eps = settings.get("layer_norm_epsilon", 1e-5)
    return {"n_head": settings["n_head"], "n_layer": settings["n_layer"], "eps": eps}


def causality(subject: Subject, what: str) -> Expectation:
    """The expectation that changing a token leaves everything before it unchanged, to the last bit."""
    seq_len, batch = 8, 2
    unmoved = f"nothing before the changed token, for each of {seq_len} tokens"

    def evaluate(_: Code, compiled: RunnableSubjects) -> str:
        case = Case(subject.name, {"batch": batch, "seq_len": seq_len}, seed=77)
        parameters = random_numbers.parameters(subject.parameters, seed=case.seed)
        ids = random_numbers.inputs(subject, case)["input_ids"]
        (before,) = compiled[subject.name](parameters, ids)
        for t in range(seq_len):
            changed = ids.copy()
            changed[:, t] = (ids[:, t] + 1) % subject.settings["vocab_size"]
            (after,) = compiled[subject.name](parameters, changed)
            moved = np.flatnonzero((before != after).any(axis=(0, 2)))
            if t not in moved:
                return f"not even position {t} when token {t} changed"
            if moved[0] < t:
                return f"position {moved[0]} when token {t} changed"
        return unmoved

    return Expectation(
        f"what changes in the {what} when one token changes",
        evaluate,
        unmoved,
        advice="A token must not see later ones. Check the causal mask in your attention (steps 02 and 08).",
        needs=(subject.name,),
        of_graphs=True,
    )


# What can be wrong between the embeddings and the last norm. Step 13 runs the same code.
MISTAKES = (
    Mistake(
        "a model without its final layer norm",
        "Apply `ln_f` after the last block.",
        {"final_norm": "none"},
    ),
    Mistake(
        "a model with the final layer norm before the blocks",
        "Apply `ln_f` after the last block, not to the embeddings.",
        {"final_norm": "at the start"},
    ),
    Mistake(
        "a model that applies the final layer norm after each block",
        "Apply `ln_f` once, after the loop over the blocks.",
        {"final_norm": "after each block"},
    ),
    Mistake(
        "a model that applies the final layer norm twice",
        "Apply `ln_f` once, at the end of the transformer of step 12.",
        {"final_norm": "twice"},
    ),
    Mistake(
        "a model without its position embeddings",
        "Add the result of `wpe` to the result of `wte`.",
        {"positions": "none"},
    ),
    Mistake(
        "a model whose positions start at 1",
        "The first token has position 0.",
        {"positions": "from 1"},
    ),
    Mistake(
        "a model that applies its blocks in reverse",
        "Apply the blocks in the order of `h`: the first one reads the embeddings.",
        {"blocks": "reversed"},
    ),
    Mistake(
        "a model that applies its first block again and again",
        "Each pass through the loop applies a different block of `h`.",
        {"blocks": "first only"},
    ),
    Mistake(
        "a model that applies its last block again and again",
        "Each pass through the loop applies a different block of `h`.",
        {"blocks": "last only"},
    ),
    Mistake(
        "a model that leaves out its last block",
        "Apply all `n_layer` blocks of `h`.",
        {"blocks": "without the last"},
    ),
    Mistake(
        "a model that leaves out its first block",
        "Apply all `n_layer` blocks of `h`.",
        {"blocks": "without the first"},
    ),
    Mistake(
        "a model whose blocks all read the embeddings",
        "Each block reads what the one before it returned: `x = block(x)`.",
        {"blocks": "all on the input"},
    ),
    Mistake(
        "a model whose final layer norm does not get the configuration's epsilon",
        "Make `ln_f` with `eps=config.layer_norm_epsilon`.",
        {"final_eps": 1e-5},
    ),
)
