"""The case that steps 00 and 09 share: plain lists and a MAX module, with the same weights and the same numbers."""

import numpy as np

from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Case, Subject

N_EMBD = 12
SHARED_SEED = 90


def as_lists(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Draws the arguments of step 00's `causal_self_attention`: the tokens and three matrices."""
    rng = np.random.default_rng(case.seed)
    xs = random_numbers.rounded(rng.normal(size=(case.dims["seq_len"], N_EMBD)))
    wq, wk, wv = (random_numbers.rounded(rng.normal(size=(N_EMBD, N_EMBD)) / np.sqrt(N_EMBD)) for _ in range(3))
    return {}, {"xs": xs, "wq": wq, "wk": wk, "wv": wv}


def as_module(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """The same numbers for step 09's module: no biases, and an output projection that changes nothing."""
    _, lists = as_lists(subject, case)
    parameters = {
        "c_attn.weight": np.vstack([lists["wq"], lists["wk"], lists["wv"]]),
        "c_attn.bias": np.zeros(3 * N_EMBD, np.float32),
        "c_proj.weight": np.eye(N_EMBD, dtype=np.float32),
        "c_proj.bias": np.zeros(N_EMBD, np.float32),
    }
    return parameters, {"x": lists["xs"][None]}
