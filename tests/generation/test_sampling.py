"""Sampling follows Hugging Face's distribution, and its repetition penalty."""

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel
from transformers.generation import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tests.support.checkpoint import SHIPPED
from tests.support.workspaces import Tool
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import Workspace

from solutions.solution_14 import choose_token


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(0.7, 5, None), (1.3, None, 0.8), (1.0, 7, 0.6), (0.5, None, None)]
)
def test_sampling_follows_hugging_faces_distribution(temperature: float, top_k: int | None, top_p: float | None):
    logits = 2 * np.random.default_rng(0).normal(size=20).astype(np.float32)
    scores = torch.from_numpy(logits)[None].double()
    for warper in (
        TemperatureLogitsWarper(temperature),
        top_k and TopKLogitsWarper(top_k),
        top_p and TopPLogitsWarper(top_p),
    ):
        scores = warper(None, scores) if warper else scores
    expected = torch.softmax(scores, -1)[0].numpy()
    rng, draws = np.random.default_rng(1), 20_000
    tokens = [choose_token(logits, temperature=temperature, top_k=top_k, top_p=top_p, rng=rng) for _ in range(draws)]
    drawn = np.bincount(tokens, minlength=20) / draws
    assert not drawn[expected == 0].any()
    # Five standard deviations of each frequency.
    assert (np.abs(drawn - expected) < 5 * np.sqrt(expected * (1 - expected) / draws) + 1e-12).all()


def test_choose_token_stands_tiny_temperatures_and_huge_logits():
    logits = np.array([1e4, 1e4 + 1, -1e4], np.float32)
    assert choose_token(logits, temperature=1e-6) == 1
    assert choose_token(logits, temperature=1.0, top_p=0.5, rng=np.random.default_rng(0)) == 1


def test_repetition_penalty_is_hugging_faces(skeletons: Workspace, tutor: Tool, compiled: None):
    tokenizer = open_checkpoint(SHIPPED).tokenizer
    ids = torch.tensor([tokenizer.encode("ROMEO:").ids])
    live = GPT2LMHeadModel.from_pretrained(SHIPPED).generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.3, max_new_tokens=30,
        pad_token_id=0,
    )  # fmt: skip
    options = ("--temperature", "0", "--repetition-penalty", "1.3", "--max-new-tokens", "30")
    assert tutor(skeletons, "generate", "ROMEO:", *options).stdout == tokenizer.decode(live[0].tolist()) + "\n"
