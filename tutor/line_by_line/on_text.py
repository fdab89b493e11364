"""A step on a text: with the numbers that it has to do with in the trained model that comes with the course."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tutor import course
from tutor.checking.numbers import Given
from tutor.checking.spec import Arrays, Case
from tutor.checking.stored_numbers import shipped_parameters
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.numpy.cache import cached_language_model
from tutor.checks.numpy.gpt2 import part
from tutor.checks.shared.models import numpy_settings
from tutor.course import COURSE, Step, find_step
from tutor.errors import CaseError
from tutor.generation.checkpoint import open_checkpoint
from tutor.generation.tokens import token_text, visible_token
from tutor.learner.workspace import REPOSITORY, Workspace

# What the chapters show. Its seven tokens are words and a comma, and fit a page; "be" comes twice, at two positions.
SENTENCE = "To be, or not to be"

# Parts of a block are shown in the first one, right behind the embeddings. One head alone is the one that spreads its
# weights the least evenly over that sentence.
BLOCK, HEAD = 0, 4

# What stands at the places along a dimension, by its name: tokens.
Labels = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class TextGiven:
    """A step's numbers on a text.

    Args:
        text: which.
        what: what the inputs are, in words: "queries, keys and values of block 0, head 4".
        given: the numbers. Those that are expected come from the step's NumPy model.
        labels: the tokens.
    """

    text: str
    what: str
    given: Given
    labels: Labels = field(repr=False)

    @property
    def name(self) -> str:
        """The text, and what of it."""
        return f"“{self.text}”: {self.what}"


def step_on_text(step: Step, text: str) -> TextGiven:
    """Computes what a step has to do with while the trained model reads a text.

    Raises:
        CaseError: the step has no part of a model that reads one text.
        PromptError: the text is empty, or longer than the model can read.
    """
    check = step.check
    if check.on_text is None:
        raise CaseError(f"step {step.label} cannot be shown on a text; {_list(known_steps())} can")
    checkpoint = open_checkpoint(Workspace(REPOSITORY).checkpoint)
    ids = checkpoint.encode(text, called="the text")

    def name(id_: int) -> str:
        return visible_token(token_text(checkpoint.tokenizer, id_))

    tokens = [name(id_) for id_ in ids]
    found = _PARTS[step.number](_Reading(np.array([ids])))
    parameters = {name: found.parameters[name] for name in check.on_text.parameters}
    inputs = {
        name: np.asarray(array, spec.dtype)
        for (name, spec), array in zip(check.on_text.inputs.items(), found.inputs, strict=True)
    }
    expected = check.numpy_model(check.on_text, parameters, inputs)
    case = Case(
        check.on_text.name, {"batch": 1, "seq_len": found.new or len(ids)}, seed=0, note=found.what, shipped=True
    )
    given = Given(case, check.on_text, parameters, inputs, expected, check.tolerance)
    labels = {
        **dict.fromkeys(("seq_len", "total_seq_len"), tokens[-found.new :]),
        **dict.fromkeys(("total_len", "n_positions"), tokens),
        "vocab_size": [name(id_) for id_ in range(checkpoint.tokenizer.get_vocab_size())],
    }
    return TextGiven(text, found.what, given, labels)


def known_steps() -> list[Step]:
    """The steps that can be shown on a text."""
    return [step for step in COURSE if step.check.on_text is not None]


def _list(steps: Sequence[Step]) -> str:
    """The steps in words: "steps 02 to 13, 16 and 18"."""
    runs: list[list[str]] = []
    for step, before in zip(steps, [None, *steps], strict=False):
        if before is not None and step.number == before.number + 1:
            runs[-1].append(step.label)
        else:
            runs.append([step.label])
    parts = [part for run in runs for part in (run if len(run) < 3 else [f"{run[0]} to {run[-1]}"])]
    return f"steps {', '.join(parts[:-1])} and {parts[-1]}"


@dataclass(frozen=True)
class _Part:
    """What a step has to do with.

    Args:
        what: the inputs in words.
        inputs: of the subject, in order.
        parameters: all of those that the subject has, and perhaps more.
        new: how many tokens are read, if it is not all of them: the last ones.
    """

    what: str
    inputs: Sequence[np.ndarray]
    parameters: Arrays = field(default_factory=dict)
    new: int = 0


class _Reading:
    """The trained model while it reads a text: the numbers in one of its blocks, in float64.

    Args:
        ids: the tokens, (1, seq_len).
    """

    def __init__(self, ids: np.ndarray) -> None:
        model = find_step(course.LANGUAGE_MODEL).check.on_text
        assert model is not None
        self.ids, self.seq_len, self.model = ids, ids.shape[1], model
        self.parameters = shipped_parameters(model)
        self.transformer = part(self.parameters, "transformer")
        self.block = part(self.transformer, f"h.{BLOCK}")
        self.attn, self.n_head = part(self.block, "attn"), model.settings["n_head"]

    @property
    def embedded(self) -> np.ndarray:
        """What the first block gets: (1, seq_len, n_embd)."""
        return numpy_gpt2.embeddings(self.ids, self.transformer)

    def _norm(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        return numpy_gpt2.norm_of(self.block, name, numpy_settings(self.model.settings)["eps"])

    @property
    def normed(self) -> np.ndarray:
        """What attention gets: the result of `ln_1`, (1, seq_len, n_embd)."""
        return self._norm("ln_1")(self.embedded)

    @property
    def attended(self) -> np.ndarray:
        """What the second half of the block gets: (1, seq_len, n_embd)."""

        def attention(x: np.ndarray) -> np.ndarray:
            return numpy_gpt2.multi_head_attention(x, self.attn, n_head=self.n_head)

        return numpy_gpt2.residual(self.embedded, self._norm("ln_1"), attention)

    @property
    def normed_again(self) -> np.ndarray:
        """What the MLP gets: the result of `ln_2`, (1, seq_len, n_embd)."""
        return self._norm("ln_2")(self.attended)

    @property
    def projected(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Query, key and value, each (1, seq_len, n_embd)."""
        c_attn = part(self.attn, "c_attn")
        return numpy_gpt2.query_key_value(self.normed, c_attn["weight"], c_attn["bias"])


def _causal_mask(reading: _Reading) -> _Part:
    return _Part("the mask of its length", [np.zeros(reading.seq_len)])


def _layer_norm(reading: _Reading) -> _Part:
    what = f"layer norm ln_1 of block {BLOCK}, on the sum of the embeddings"
    return _Part(what, [reading.embedded], part(reading.block, "ln_1"))


def _feed_forward(reading: _Reading) -> _Part:
    what = f"the MLP of block {BLOCK}, on the result of ln_2"
    return _Part(what, [reading.normed_again], part(reading.block, "mlp"))


def _token_embeddings(reading: _Reading) -> _Part:
    return _Part("the rows of its tokens in wte", [reading.ids], part(reading.transformer, "wte"))


def _position_embeddings(reading: _Reading) -> _Part:
    return _Part("the rows of its positions in wpe", [reading.ids], part(reading.transformer, "wpe"))


def _projections(reading: _Reading) -> _Part:
    what = f"c_attn of block {BLOCK}, on the result of ln_1"
    return _Part(what, [reading.normed], part(reading.attn, "c_attn"))


def _attention(reading: _Reading) -> _Part:
    heads = [numpy_gpt2.split_heads(x, reading.n_head)[:, [HEAD]] for x in reading.projected]
    return _Part(f"queries, keys and values of head {HEAD} in block {BLOCK}", heads)


def _multi_head_attention(reading: _Reading) -> _Part:
    what = f"the attention of block {BLOCK}, on the result of ln_1"
    return _Part(what, [reading.normed], reading.attn)


def _residual(reading: _Reading) -> _Part:
    parameters = {f"ln.{name}": array for name, array in part(reading.block, "ln_2").items()}
    parameters |= {f"sublayer.{name}": array for name, array in part(reading.block, "mlp").items()}
    return _Part(f"the second residual step of block {BLOCK}, around its MLP", [reading.attended], parameters)


def _block(reading: _Reading) -> _Part:
    return _Part(f"block {BLOCK}, on the sum of the embeddings", [reading.embedded], reading.block)


def _model(reading: _Reading) -> _Part:
    return _Part("all blocks", [reading.ids], reading.transformer)


def _language_model(reading: _Reading) -> _Part:
    return _Part("the whole model", [reading.ids], reading.parameters)


def _cached_language_model(reading: _Reading) -> _Part:
    """The last token, after those before it were read into empty caches."""
    before, settings = reading.seq_len - 1, reading.model.settings
    head_dim = settings["n_embd"] // settings["n_head"]
    shape = (1, settings["n_head"], settings["n_positions"], head_dim)
    caches = [np.zeros(shape) for _ in range(2 * settings["n_layer"])]
    if before:
        _, caches = cached_language_model(
            reading.ids[:, :before], 0, caches, reading.parameters, **numpy_settings(settings)
        )
    what = "the whole model reads the last token; the others are in the caches"
    return _Part(what, [reading.ids[:, before:], np.array(before), *caches], reading.parameters, new=1)


def _six_attentions(reading: _Reading) -> _Part:
    lengths = [np.full((1, reading.seq_len), True), np.array([0, reading.seq_len])]
    what = f"queries, keys and values of block {BLOCK}, in all three ways"
    return _Part(what, [*reading.projected, *lengths])


def _attention_weights(reading: _Reading) -> _Part:
    """The module with the attention of a block: three layers in place of one."""
    parameters = {f"out_proj.{name}": array for name, array in part(reading.attn, "c_proj").items()}
    for name, array in part(reading.attn, "c_attn").items():
        parameters |= {f"{one}_proj.{name}": third for one, third in zip("qkv", np.split(array, 3), strict=True)}
    inputs = [reading.normed, numpy_gpt2.visible_keys(reading.seq_len)]
    return _Part(f"the attention of block {BLOCK}, on the result of ln_1", inputs, parameters)


_PARTS: Mapping[int, Callable[[_Reading], _Part]] = {
    course.CAUSAL_MASK: _causal_mask,
    course.LAYER_NORM: _layer_norm,
    course.FEED_FORWARD: _feed_forward,
    course.TOKEN_EMBEDDINGS: _token_embeddings,
    course.POSITION_EMBEDDINGS: _position_embeddings,
    course.PROJECTIONS: _projections,
    course.ATTENTION: _attention,
    course.MULTI_HEAD_ATTENTION: _multi_head_attention,
    course.RESIDUAL: _residual,
    course.BLOCK: _block,
    course.STACKED_BLOCKS: _model,
    course.LANGUAGE_MODEL: _language_model,
    course.CACHED_GENERATION: _cached_language_model,
    course.SIX_ATTENTIONS: _six_attentions,
    course.ATTENTION_WEIGHTS: _attention_weights,
}
