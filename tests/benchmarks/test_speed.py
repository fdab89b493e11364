"""The recorded run of the benchmark is whole, and its table says what the figures say."""

import io
import json

import numpy as np
from rich.console import Console

from benchmarks.contenders import CONTENDERS, Torch, random_weights
from benchmarks.speed import BATCHES, CACHED, PARAMETERS, PREFILL, WEIGHT_BYTES, show
from tutor.learner.workspace import REPOSITORY
from tutor.sizes import language_model

RUN = json.loads((REPOSITORY / "benchmarks" / "results" / "speed.json").read_text())


def test_the_recorded_run_has_every_figure():
    figures = RUN["seconds_or_megabytes"]
    for label in (
        *(f"prefill {seq_len}" for seq_len in PREFILL),
        *(f"decode, batch {batch}" for batch in BATCHES),
        *(f"decode at {tokens}" for tokens in CACHED),
    ):
        assert all(seconds > 0 for seconds in figures[label].values()), label
        assert {"this project", "PyTorch"} <= figures[label].keys()
    assert RUN["same tokens"] is True and RUN["weight_bytes"] == WEIGHT_BYTES
    assert set(figures["prefill 16"]) == set(CONTENDERS)


def test_the_table_shows_ratios_of_the_same_run():
    out = io.StringIO()
    show(RUN["seconds_or_megabytes"], list(CONTENDERS), RUN["bandwidth"], "cpu", Console(file=out, width=200))
    row = next(line for line in out.getvalue().splitlines() if "decode, batch 8" in line)
    figures = RUN["seconds_or_megabytes"]["decode, batch 8"]
    best = min(figures["PyTorch"], figures["PyTorch, compiled"])
    assert f"{best / figures['this project']:.2f}" in row and f"{1e3 * figures['this project']:.1f}" in row


def test_the_sizes_are_those_of_gpt2_small():
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config())
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS
    assert sum(map(np.prod, language_model(GPT2Config().to_dict()).values())) == PARAMETERS


def test_all_contenders_have_the_same_weights():
    """Hugging Face's model with the weights that a step's model gets: a square kernel too is turned."""
    weights = random_weights(language_model({"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12}))
    state = Torch(None, "cpu").model.state_dict()
    name = "transformer.h.3.attn.c_proj.weight"
    np.testing.assert_array_equal(state[name].numpy(), weights[name].T)
    np.testing.assert_array_equal(state["lm_head.weight"].numpy(), weights["transformer.wte.weight"])
