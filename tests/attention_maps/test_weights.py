"""The weights that `attention` shows are Hugging Face's, in every layer and head."""

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from tests.support.attention_maps import N_HEAD, N_LAYER, TEXT, WORKSPACE, weights_of
from tutor.attention_maps.weights import Reader, open_reader, trace_weights
from tutor.checking.loader import StepModules
from tutor.course import COURSE
from tutor.generation.checkpoint import open_checkpoint
from tutor.graphs.devices import find_device
from tutor.learner.workspace import Workspace, cache_folder


@pytest.mark.parametrize("text", [TEXT, "A", TEXT * 5], ids=["a scene", "one token", "a long text"])
def test_weights_are_hugging_faces_in_every_layer_and_head(reader: Reader, text: str, compiled: None):
    ids, weights = weights_of(reader, text)
    model = GPT2LMHeadModel.from_pretrained(WORKSPACE.checkpoint, local_files_only=True, attn_implementation="eager")
    with torch.no_grad():
        live = model.eval()(torch.tensor([ids]), output_attentions=True).attentions
    assert weights.shape == (N_LAYER, N_HEAD, len(ids), len(ids)) and len(live) == N_LAYER
    for layer in range(N_LAYER):
        np.testing.assert_allclose(weights[layer], live[layer][0].numpy(), rtol=0, atol=1e-5)
    assert not weights[..., np.triu_indices(len(ids), 1)[0], np.triu_indices(len(ids), 1)[1]].any(), "hidden means 0"
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)


def test_the_first_tokens_look_the_same_without_the_rest(reader: Reader, compiled: None):
    """So a map that is cut is the map of the shorter text."""
    ids, whole = weights_of(reader, TEXT)
    part = reader.weights(ids[:9], device="auto", cache_folder=cache_folder(), on_compile=lambda count: None)
    np.testing.assert_allclose(part, whole[..., :9, :9], rtol=0, atol=1e-6)


def test_the_learners_own_step_19_makes_the_graph(filled: Workspace):
    config = open_reader(open_checkpoint(WORKSPACE.checkpoint), filled, own_steps=True).config
    own, device = [step.number for step in COURSE], find_device("auto")
    right = trace_weights(StepModules(filled, own=own), config, device).fingerprint
    assert right == trace_weights(StepModules(WORKSPACE, own=[]), config, device).fingerprint
    text = filled.step(19).read_text()
    assert text.count(" / math.sqrt(int(query.shape[-1]))") == 1
    filled.step(19).write_text(text.replace(" / math.sqrt(int(query.shape[-1]))", ""))
    assert right != trace_weights(StepModules(filled, own=own), config, device).fingerprint
