"""Steps on a text: the numbers are those of Hugging Face's GPT-2 on the same checkpoint."""

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from tests.line_by_line.conftest import TextRun
from tests.support.workspaces import Tool
from tutor import course
from tutor.checks.shared.subjects import SHIPPED
from tutor.course import find_step
from tutor.errors import CaseError, PromptError
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import REPOSITORY, Workspace
from tutor.line_by_line.on_text import BLOCK, HEAD, SENTENCE, TextGiven, known_steps, step_on_text

CHECKPOINT = Workspace(REPOSITORY).checkpoint
TOKENS = ["To", "␣be", ",", "␣or", "␣not", "␣to", "␣be"]
N_HEAD, HEAD_DIM = SHIPPED["n_head"], SHIPPED["n_embd"] // SHIPPED["n_head"]

# What each step has to do with, as the names in `HuggingFace`: its inputs, and what it gives.
PARTS = {
    course.LAYER_NORM: (["embedded"], ["ln_1"]),
    course.FEED_FORWARD: (["ln_2"], ["mlp"]),
    course.TOKEN_EMBEDDINGS: (["ids"], ["wte"]),
    course.POSITION_EMBEDDINGS: (["ids"], ["wpe"]),
    course.PROJECTIONS: (["ln_1"], ["query", "key", "value"]),
    course.ATTENTION: (["query of the head", "key of the head", "value of the head"], ["blend of the head"]),
    course.MULTI_HEAD_ATTENTION: (["ln_1"], ["attn"]),
    course.RESIDUAL: (["between"], ["block"]),
    course.BLOCK: (["embedded"], ["block"]),
    course.STACKED_BLOCKS: (["ids"], ["ln_f"]),
    course.LANGUAGE_MODEL: (["ids"], ["logits"]),
    course.SIX_ATTENTIONS: (["query", "key", "value"], ["blend", "blend", "packed blend"]),
    course.ATTENTION_WEIGHTS: (["ln_1"], ["attn", "weights"]),
}


class HuggingFace:
    """GPT-2 in float64 while it reads the sentence; what its parts got and gave, by their names."""

    def __init__(self, ids: list[int]) -> None:
        model = GPT2LMHeadModel.from_pretrained(CHECKPOINT, local_files_only=True, attn_implementation="eager")
        self.model = model.double().eval()
        self.found: dict[str, np.ndarray] = {"ids": np.array([ids])}
        transformer, block = self.model.transformer, self.model.transformer.h[BLOCK]
        parts = {"wte": transformer.wte, "wpe": transformer.wpe, "ln_f": transformer.ln_f, "block": block}
        parts |= {name: getattr(block, name) for name in ("ln_1", "attn", "ln_2", "mlp")} | {
            "c_attn": block.attn.c_attn
        }
        handles = [part.register_forward_hook(self._keep(name)) for name, part in parts.items()]
        handles.append(block.ln_1.register_forward_pre_hook(self._keep_given("embedded")))
        handles.append(block.ln_2.register_forward_pre_hook(self._keep_given("between")))
        handles.append(block.attn.c_proj.register_forward_pre_hook(self._keep_given("blend")))
        with torch.no_grad():
            output = self.model(torch.tensor([ids]), output_attentions=True)
        for handle in handles:
            handle.remove()
        self.found |= {"logits": output.logits.numpy(), "weights": output.attentions[BLOCK].numpy()}
        self.found["wpe"] = self.found["wpe"].reshape(len(ids), -1)
        self.found["packed blend"] = self.found["blend"][0]
        self.found |= zip(("query", "key", "value"), np.split(self.found["c_attn"], 3, axis=-1), strict=True)
        for name in ("query", "key", "value", "blend"):
            heads = self.found[name].reshape(1, len(ids), N_HEAD, HEAD_DIM).swapaxes(1, 2)
            self.found[f"{name} of the head"] = heads[:, [HEAD]]

    def _keep(self, name: str):
        def hook(module: torch.nn.Module, given: object, made: torch.Tensor | tuple[torch.Tensor, ...]) -> None:
            self.found[name] = (made[0] if isinstance(made, tuple) else made).numpy()

        return hook

    def _keep_given(self, name: str):
        def hook(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            self.found[name] = given[0].numpy()

        return hook


@pytest.fixture(scope="module")
def hugging_face() -> HuggingFace:
    return HuggingFace(open_checkpoint(CHECKPOINT).encode(SENTENCE))


def on_sentence(step: int) -> TextGiven:
    return step_on_text(find_step(step), SENTENCE)


def assert_close(got: np.ndarray, expected: np.ndarray, name: str) -> None:
    assert got.shape == expected.shape, name
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max(), name


@pytest.mark.parametrize("step", PARTS)
def test_inputs_and_outputs_are_hugging_faces(step: int, hugging_face: HuggingFace):
    given = on_sentence(step).given
    inputs, outputs = PARTS[step]
    for name, array in zip(inputs, given.inputs.values(), strict=False):
        assert_close(array, hugging_face.found[name], name)
    for name, array in zip(outputs, given.expected.values(), strict=True):
        assert_close(array, hugging_face.found[name], name)


def test_the_mask_is_as_long_as_the_sentence():
    (mask,) = on_sentence(course.CAUSAL_MASK).given.expected.values()
    np.testing.assert_array_equal(mask, np.triu(np.full((7, 7), -np.inf), 1))


def _caches_of(hugging_face: HuggingFace, ids: np.ndarray) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """The logits after some tokens, and keys and values of each layer."""
    with torch.no_grad():
        output = hugging_face.model(torch.tensor(ids), use_cache=True)
    layers = output.past_key_values.layers
    return output.logits[:, -1].numpy(), (part.numpy() for layer in layers for part in (layer.keys, layer.values))


def test_the_last_token_meets_the_others_in_the_caches(hugging_face: HuggingFace):
    found = on_sentence(course.CACHED_GENERATION)
    ids, num_tokens, *caches = found.given.inputs.values()
    whole = hugging_face.found["ids"]
    assert ids.tolist() == whole[:, 6:].tolist() and num_tokens == 6
    _, kept = _caches_of(hugging_face, whole[:, :6])
    for cache, expected in zip(caches, kept, strict=True):
        assert_close(cache[:, :, :6], expected, "before")
        assert not cache[:, :, 6:].any()
    logits, *after = found.given.expected.values()
    expected_logits, kept = _caches_of(hugging_face, whole)
    assert_close(logits, expected_logits, "logits")
    for cache, expected in zip(after, kept, strict=True):
        assert_close(cache[:, :, :7], expected, "after")
    assert found.labels["seq_len"] == TOKENS[6:] and found.labels["total_len"] == TOKENS


def test_the_causal_mask_and_the_lengths_that_go_in_are_those_of_the_sentence():
    *_, mask, cu_seqlens = on_sentence(course.SIX_ATTENTIONS).given.inputs.values()
    assert mask.tolist() == [[True] * 7] and cu_seqlens.tolist() == [0, 7]
    _, visible = on_sentence(course.ATTENTION_WEIGHTS).given.inputs.values()
    np.testing.assert_array_equal(visible, np.tril(np.ones((7, 7), bool)))


def test_the_head_that_is_shown_alone_spreads_its_weights_least_evenly(hugging_face: HuggingFace):
    weights = hugging_face.found["weights"][0]
    entropy = -(weights * np.log(np.where(weights > 0, weights, 1.0))).sum(-1).mean(-1)
    assert entropy.argmin() == HEAD


def test_the_sizes_are_those_of_the_checkpoint():
    sizes: Mapping[str, object] = open_checkpoint(CHECKPOINT).sizes
    assert {name: sizes[name] for name in SHIPPED} == SHIPPED


def test_the_tokens_are_the_labels():
    assert on_sentence(course.ATTENTION).labels["seq_len"] == TOKENS
    names = on_sentence(course.LANGUAGE_MODEL).labels["vocab_size"]
    ids = open_checkpoint(CHECKPOINT).encode(SENTENCE)
    assert len(names) == SHIPPED["vocab_size"] and [names[id_] for id_ in ids] == TOKENS


@pytest.mark.parametrize("step", known_steps(), ids=lambda step: step.label)
def test_every_solution_computes_what_is_expected(on_text: TextRun, step: course.Step):
    run = on_text(step.number)
    assert run.problem is None and run.right


@pytest.mark.parametrize("step", [course.LANGUAGE_MODEL, course.CACHED_GENERATION, course.SIX_ATTENTIONS])
@pytest.mark.parametrize("text", ["To", "\u201cTo be\u201d\n\tor 🙂"])
def test_a_single_token_and_bytes_can_be_read(on_text: TextRun, step: int, text: str):
    run = on_text(step, text)
    assert run.problem is None and run.right
    assert run.on_text is not None and all("\n" not in label for label in run.on_text.labels["total_len"])


def test_nothing_is_computed_but_on_what_is_asked_for():
    """Two readings share no arrays: a run may write into its caches."""
    one, other = (on_sentence(course.CACHED_GENERATION).given for _ in range(2))
    before = copy.deepcopy(dict(one.inputs))
    for array in other.inputs.values():
        array[...] = 1
    assert all(np.array_equal(array, before[name]) for name, array in one.inputs.items())


def test_where_a_text_does_not_fit_it_is_told_in_one_line():
    for step in (course.CONFIGURATION, course.GENERATION, course.PRETRAINED_WEIGHTS, course.BATCHED_GENERATION):
        with pytest.raises(CaseError) as refused:
            step_on_text(find_step(step), SENTENCE)
        assert f"step {find_step(step).label}" in str(refused.value) and "\n" not in str(refused.value)
        assert "02 to 13, 16, 18 and 19" in str(refused.value)
    with pytest.raises(PromptError, match="the text is empty"):
        step_on_text(find_step(course.ATTENTION), "")
    with pytest.raises(PromptError, match="the text has 300 tokens"):
        step_on_text(find_step(course.ATTENTION), ",." * 150)


def test_the_command(filled: Workspace, tutor: Tool):
    shown = tutor(filled, "show", "08", "--text", SENTENCE)
    assert shown.returncode == 0 and not shown.stderr
    assert f"steps/step_08.py on “{SENTENCE}”: queries, keys and values of head 4 in block 0" in shown.stdout
    assert "␣not" in shown.stdout
    page = tutor(filled, "show", "08", "--text", SENTENCE, "--output", "page.html")
    assert page.returncode == 0 and "␣not" in (filled.root / "page.html").read_text()
    refused = tutor(filled, "show", "17", "--text", SENTENCE)
    assert refused.returncode == 1 and refused.stderr.startswith("error: step 17 ") and refused.stderr.count("\n") == 1
    assert tutor(filled, "show", "08", "--text", SENTENCE, "--case", "1").returncode == 2


def test_an_unfilled_file_is_shown_up_to_where_it_fails(skeletons: Workspace, tutor: Tool):
    shown = tutor(skeletons, "show", "08", "--text", SENTENCE)
    assert shown.returncode == 1 and "not filled in yet" in shown.stdout and not shown.stderr
