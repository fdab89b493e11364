"""The course: its steps in order. Nothing else lists them, and nothing else knows a step by its number.

Every command imports this module, so it imports nothing heavy: a step's hints and its check are read when
they are asked for.
"""

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.errors import IncompleteStepError, UnknownStepError

if TYPE_CHECKING:
    from tutor.checking.spec import Check

HINTS = Path(__file__).parent / "hints"


@dataclass(frozen=True)
class Step:
    """One step of the course: its number, its title, and the part of the book that it belongs to."""

    number: int
    title: str
    part: str

    @property
    def label(self) -> str:
        """The number as it is written everywhere: "00", "01", ..."""
        return f"{self.number:02d}"

    @property
    def hints(self) -> tuple[str, ...]:
        """A nudge, the API to use, and almost the code: the sections of `hints/step_NN.md`.

        Raises:
            IncompleteStepError: the file is missing.
        """
        try:
            text = (HINTS / f"step_{self.label}.md").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise self._lacks("hints", f"tutor/hints/step_{self.label}.md") from None
        return tuple(section.strip() for section in re.split(r"^## Hint \d\n", text, flags=re.MULTILINE)[1:])

    @property
    def check(self) -> "Check":
        """What decides whether the step is right.

        Raises:
            IncompleteStepError: its module is missing.
        """
        try:
            return importlib.import_module(f"tutor.checks.step_{self.label}").CHECK
        except ModuleNotFoundError as error:
            if error.name != f"tutor.checks.step_{self.label}":
                raise  # the module is there, and imports one that is not
            raise self._lacks("check", f"tutor/checks/step_{self.label}.py") from None

    def _lacks(self, what: str, file: str) -> IncompleteStepError:
        fix = f"`python -m tutor.dev stubs {self.label}` writes a stub"
        return IncompleteStepError(f"step {self.label} has no {what}: {file} is missing. {fix}")


COURSE: tuple[Step, ...] = (
    Step(0, "Attention, one token at a time", "Warm-up"),
    Step(1, "Model configuration", "Foundations"),
    Step(2, "Causal mask", "Foundations"),
    Step(3, "Layer normalisation", "Foundations"),
    Step(4, "Feed-forward network", "Foundations"),
    Step(5, "Token embeddings", "Embeddings"),
    Step(6, "Position embeddings", "Embeddings"),
    Step(7, "Query, key and value projections", "Attention"),
    Step(8, "Scaled dot-product attention", "Attention"),
    Step(9, "Multi-head attention", "Attention"),
    Step(10, "Residual connections and pre-norm", "Composition"),
    Step(11, "Transformer block", "Composition"),
    Step(12, "Stacked blocks", "Complete model"),
    Step(13, "Language-model head", "Complete model"),
    Step(14, "Text generation", "Complete model"),
    Step(15, "Pretrained weights", "Real weights"),
    Step(16, "A key-value cache", "Fast inference"),
    Step(17, "Batches of prompts", "Fast inference"),
    Step(18, "Six attentions", "Attention lab"),
    Step(19, "Attention you can look at", "Attention lab"),
    Step(20, "The loss and its gradient", "Training"),
    Step(21, "Backward through the layers", "Training"),
    Step(22, "Backward through attention", "Training"),
    Step(23, "The gradients of the whole model", "Training"),
    Step(24, "AdamW", "Training"),
    Step(25, "Training", "Training"),
)

# Steps that the tool itself builds on, by what they define.
CONFIGURATION, CAUSAL_MASK, LAYER_NORM, FEED_FORWARD, TOKEN_EMBEDDINGS, POSITION_EMBEDDINGS = 1, 2, 3, 4, 5, 6
PROJECTIONS, ATTENTION, MULTI_HEAD_ATTENTION, RESIDUAL, BLOCK, STACKED_BLOCKS = 7, 8, 9, 10, 11, 12
LANGUAGE_MODEL, GENERATION, PRETRAINED_WEIGHTS, CACHED_GENERATION, BATCHED_GENERATION = 13, 14, 15, 16, 17
SIX_ATTENTIONS, ATTENTION_WEIGHTS = 18, 19
LOSS, LAYER_GRADIENTS, ATTENTION_GRADIENTS, MODEL_GRADIENTS, OPTIMIZER, TRAINING = 20, 21, 22, 23, 24, 25


def find_step(number: int) -> Step:
    """Finds a step by its number.

    Raises:
        UnknownStepError: the course has no such step; the message says which it has.
    """
    for step in COURSE:
        if step.number == number:
            return step
    first, last = COURSE[0].label, COURSE[-1].label
    raise UnknownStepError(f"there is no step {number:02d}: the course has steps {first} to {last}")
