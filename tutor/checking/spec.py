"""What a check is made of. A check is data: these classes, filled in `tutor/checks/step_NN.py`.

Vocabulary:
    subject       one thing of the learner's that is run: a function, or a module of a given size
    case          one set of inputs to a subject; its expected outputs come from Hugging Face
    mistake       a known misconception, as what it changes in the NumPy model of the step
    expectation   a statement about the learner's code with one right answer
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

Arrays = Mapping[str, np.ndarray]


class MisuseError(TypeError):
    """A stand-in of a check was given something that it does not take.

    Args:
        got: what it was given: "the model got 2 arguments".
        advice: what to give it: "give it the ids and nothing else".
    """

    def __init__(self, got: str, advice: str) -> None:
        super().__init__(f"{got}; {advice}")
        self.got, self.advice = got, advice


class Code(Protocol):
    """The code under test: `code[9].GPT2MultiHeadAttention` is that name in step 09's file."""

    def __getitem__(self, step: int, /) -> ModuleType: ...


class RunnableSubject(Protocol):
    """A subject that is ready to run: it takes parameters by name and inputs in order, and gives its results."""

    def __call__(self, parameters: Arrays, *inputs: np.ndarray) -> Sequence[np.ndarray]: ...


@runtime_checkable
class BindableSubject(RunnableSubject, Protocol):
    """A subject as the code under test runs it: in the place of a compiled model."""

    def bind(self, parameters: Arrays) -> "Callable[..., Tensor]":
        """Keeps the parameters, and gives a function from tensors to the graph's first result."""
        ...


def bind(subject: RunnableSubject, parameters: Arrays) -> "Callable[..., Tensor]":
    """Binds a subject to parameters, for an expectation that runs the code under test."""
    if not isinstance(subject, BindableSubject):
        raise TypeError("only where the code under test runs, a subject takes the place of a model")
    return subject.bind(parameters)


@runtime_checkable
class DifferentiableSubject(RunnableSubject, Protocol):
    """A subject whose graph can be computed in float64, and so be differentiated."""

    def slope(
        self,
        parameters: Arrays,
        inputs: Sequence[np.ndarray],
        directions: Arrays,
        loss: Callable[[Sequence[np.ndarray]], float],
    ) -> float:
        """How fast a loss of the results changes if parameters and inputs move along directions, by their names."""
        ...


RunnableSubjects = Mapping[str, RunnableSubject]

# Finds the answer of an expectation.
Evaluate = Callable[[Code, RunnableSubjects], object]


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
            do the NumPy model and the Hugging Face oracle.
        compiled: False for plain Python that is called with lists in place of tensors.
        confirmed: False if the graph is evaluated alone, and MAX does not compile it: the same code in other sizes, or
            a forward pass beside which gradients are set.
        part: the function that this shows to be right, by its qualified name; the step's last one if left out.
    """

    name: str
    build: Callable[[Code], Callable[..., Any]]
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)
    compiled: bool = True
    confirmed: bool = True
    part: str = ""

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
        redrawn: a check also runs the case on inputs that it draws itself, against the NumPy model.
    """

    subject: str
    dims: Mapping[str, int]
    seed: int
    note: str = ""
    scale: float = 1.0
    shift: float = 0.0
    tolerance: float | None = None
    given: "Callable[[Subject, Case], tuple[Arrays, Arrays]] | None" = None
    inputs: Mapping[str, ArrayLike] = field(default_factory=dict)
    shipped: bool = False
    redrawn: bool = True

    @property
    def name(self) -> str:
        """The case in words, and its key in the file of stored numbers."""
        dims = ", ".join(f"{dim}={size}" for dim, size in self.dims.items())
        return ", ".join(part for part in (self.subject, dims, self.note) if part)


@dataclass(frozen=True)
class Mistake:
    """A known mistake, recognised by the numbers that it gives.

    Args:
        name: completes the sentence "This is …": "attention without the 1/sqrt(head_dim) scale".
        advice: what to do, in a sentence or two.
        arguments: keyword arguments that make the check's `numpy_model` commit the mistake.
    """

    name: str
    advice: str
    arguments: Mapping[str, object]


@dataclass(frozen=True)
class Expectation:
    """A statement about the learner's code with one right answer.

    Args:
        name: the question, in words: "GPT2Config().n_embd".
        evaluate: finds the answer, as plain data. It gets the code under test and the subjects that it needs, by
            name. It runs where the learner's code runs, so nothing that it says is taken for granted.
        expected: the right answer.
        wrong: advice for wrong answers that are known.
        advice: what to do about any other.
        needs: names of the subjects whose graphs `evaluate` runs.
        part: the function that it is about, as in `Subject`.
        of_graphs: it asks the graphs alone, and not the code: then the judge evaluates it by itself.
        read: makes of the answer what is compared with `expected`, and runs in the judge: the answer can be the
            numbers themselves, and the code under test has no say in what they are called.
    """

    name: str
    evaluate: Evaluate
    expected: object
    wrong: tuple[tuple[object, str], ...] = ()
    advice: str = ""
    needs: tuple[str, ...] = ()
    part: str = ""
    of_graphs: bool = False
    read: Callable[[Any], object] = lambda answer: answer


def no_numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: object) -> Arrays:
    """Stands in a check that knows no mistakes by their numbers."""
    raise NotImplementedError(f"there is no NumPy model of {subject.name}")


@dataclass(frozen=True)
class Check:
    """Everything that decides whether a step is right.

    Args:
        names: what the step's file must define.
        subjects, cases, expectations, mistakes: see there.
        numpy_model: the step in NumPy: `numpy_model(subject, parameters, inputs, **mistake)`
            returns the outputs by name. It explains mistakes; the expected numbers are
            Hugging Face's.
        tolerance: the largest error allowed, as a part of the largest expected number (or of 1,
            if that is larger).
        explain: advice for errors of Python and of MAX, by a part of the error's message.
        show: what to tell beside a green verdict, made of the outputs by case.
        compiler_fault: what is known of right graphs of this step that MAX compiles wrongly.
        drawn: more expectations, whose numbers are drawn with this seed; another one in each check.
        on_text: the step in the size of the trained model that comes with the course, as it is shown on a text. No
            check runs it, unless it is one of the subjects too.
    """

    names: tuple[str, ...]
    subjects: tuple[Subject, ...] = ()
    cases: tuple[Case, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    numpy_model: Callable[..., Arrays] = no_numpy_model
    tolerance: float = 1e-5
    explain: Mapping[str, str] = field(default_factory=dict)
    show: Callable[[Mapping[str, Arrays]], str] | None = None
    compiler_fault: str = ""
    drawn: Callable[[int], tuple[Expectation, ...]] = lambda seed: ()
    on_text: Subject | None = None

    def expectations_for(self, seed: int) -> tuple[Expectation, ...]:
        """All expectations of a check that draws with this seed."""
        return (*self.expectations, *self.drawn(seed))

    def subject(self, name: str) -> Subject:
        """The subject with this name."""
        known = self.subjects if self.on_text is None else (*self.subjects, self.on_text)
        return next(subject for subject in known if subject.name == name)
