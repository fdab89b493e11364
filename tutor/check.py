"""What a check is made of. A check is data: these classes, filled in `tutor/checks/step_NN.py`.

Vocabulary:
    subject         one thing of the learner's that is run: a function, or a module of a given size
    case            one set of inputs to a subject; its expected outputs come from Hugging Face
    misconception   a known mistake, as the change that it makes to the NumPy reference
    fact            a statement about the learner's code with one right answer
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Arrays = Mapping[str, np.ndarray]
Dims = tuple[int | str, ...]


class Code(Protocol):
    """The code under test: `code[9].GPT2MultiHeadAttention` is that name in step 09's file."""

    def __getitem__(self, step: int) -> Any: ...


class CompiledSubject(Protocol):
    """A subject that is ready to run: it takes parameters by name and inputs in order, and gives its results."""

    def __call__(self, parameters: Arrays, *inputs: np.ndarray) -> Sequence[np.ndarray]: ...


@dataclass(frozen=True)
class Spec:
    """The type of a tensor: a numpy dtype name (or "bfloat16") and dimensions.

    Symbolic dimensions are given by name; a sum is written as MAX prints it: "seq_len + 3".

    Args:
        dtype, dims: see above.
        buffer: the argument is a buffer, which the subject may write to.
        on_host: the argument stays on the CPU on every device, for sizes that depend on its value.
    """

    dtype: str
    dims: Dims
    buffer: bool = False
    on_host: bool = False


@dataclass(frozen=True)
class Subject:
    """One thing of the learner's that is run.

    Args:
        name: says which, in reports: "n_head=3".
        build: makes the callable from the code under test. A MAX module's parameters
            become inputs of the graph, so that one compiled graph serves any weights.
        inputs: the type of each argument, in order.
        outputs: the type of each result. One result is returned bare, several as a tuple.
        parameters: the shape of each parameter, under its Hugging Face name.
        settings: what it is made with, mostly fields of `GPT2Config`. `build` uses them, and so
            do the NumPy reference and the Hugging Face oracle.
        compiled: False for plain Python that is called with lists in place of tensors.
    """

    name: str
    build: Callable[[Code], Callable[..., Any]]
    inputs: Mapping[str, Spec]
    outputs: Mapping[str, Spec]
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    compiled: bool = True

    @property
    def results(self) -> list[str]:
        """The names of all that is compared: what is returned, then what is in the buffers after the run."""
        return [*self.outputs, *(name for name, spec in self.inputs.items() if spec.buffer)]


@dataclass(frozen=True)
class Case:
    """One set of inputs to a subject.

    Args:
        subject: the subject's name.
        dims: the size of each symbolic dimension, and the value of each input that is a single number.
        seed: of the random inputs.
        note: what is special about it: "large logits".
        scale, shift: the inputs are scale * normal + shift; ids are uniform.
        tolerance: where it differs from the check's.
        given: makes the parameters and the inputs, where they are not plain random numbers.
        inputs: inputs that are not drawn, by name.
        shipped: the parameters are those of the checkpoint that comes with the course.
    """

    subject: str
    dims: Mapping[str, int]
    seed: int
    note: str = ""
    scale: float = 1.0
    shift: float = 0.0
    tolerance: float | None = None
    given: "Callable[[Subject, Case], tuple[Arrays, Arrays]] | None" = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    shipped: bool = False

    @property
    def name(self) -> str:
        """The case in words, and its key in the reference file."""
        dims = ", ".join(f"{dim}={size}" for dim, size in self.dims.items())
        return ", ".join(part for part in (self.subject, dims, self.note) if part)


@dataclass(frozen=True)
class Misconception:
    """A known mistake, recognised by the numbers that it gives.

    Args:
        name: completes the sentence "This is …": "attention without the 1/sqrt(head_dim) scale".
        advice: what to do, in a sentence or two.
        change: keyword arguments that make the check's `reference` commit the mistake.
    """

    name: str
    advice: str
    change: Mapping[str, Any]


@dataclass(frozen=True)
class Fact:
    """A statement about the learner's code with one right answer.

    Args:
        name: the question, in words: "GPT2Config().n_embd".
        evaluate: finds the answer. It gets the code under test and the compiled subjects by name.
        expected: the right answer.
        wrong: advice for wrong answers that are known.
        advice: what to do about any other.
        needs: names of the compiled subjects that `evaluate` calls.
    """

    name: str
    evaluate: Callable[[Code, Mapping[str, CompiledSubject]], Any]
    expected: Any
    wrong: tuple[tuple[Any, str], ...] = ()
    advice: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """Everything that decides whether a step is right.

    Args:
        names: what the step's file must define.
        subjects, cases, facts, misconceptions: see there.
        reference: the step in NumPy: `reference(subject, parameters, inputs, **change)`
            returns the outputs by name. It explains mistakes; the expected numbers are
            Hugging Face's.
        tolerance: the largest error allowed, as a part of the largest expected number (or of 1,
            if that is larger).
        explain: advice for errors of Python and of MAX, by a part of the error's message.
        show: what to tell beside a green verdict, made of the outputs by case.
    """

    names: tuple[str, ...]
    subjects: tuple[Subject, ...] = ()
    cases: tuple[Case, ...] = ()
    facts: tuple[Fact, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    reference: Callable[..., Arrays] | None = None
    tolerance: float = 1e-5
    explain: Mapping[str, str] = field(default_factory=dict)
    show: Callable[[Mapping[str, Arrays]], str] | None = None

    def subject(self, name: str) -> Subject:
        """The subject with this name."""
        return next(subject for subject in self.subjects if subject.name == name)
