"""The check of step 06: position embeddings."""

import numpy as np

from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.subjects import SHIPPED, built
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings

SETTINGS = {"vocab_size": 61, "n_positions": 32, "n_embd": 36}


def _table(settings: Settings) -> Subject:
    n_positions, n_embd = settings["n_positions"], settings["n_embd"]
    return Subject(
        name=f"n_positions={n_positions}, n_embd={n_embd}",
        build=built(6, "GPT2PositionEmbeddings", settings),
        inputs={"input_ids": TensorSpec("int64", ("batch", "seq_len"))},
        outputs={"y": TensorSpec("float32", ("seq_len", n_embd))},
        parameters={"weight": (n_positions, n_embd)},
        settings=settings,
    )


TABLE = _table(SETTINGS)


def numpy_model(
    subject: Subject, parameters: Arrays, inputs: Arrays, *, positions: str = "from 0", factor: float = 1.0
) -> Arrays:
    """Step 06 in NumPy. `factor` says what the rows are multiplied by."""
    table, seq_len = parameters["weight"].astype(np.float64), inputs["input_ids"].shape[1]
    return {"y": factor * numpy_gpt2.position_rows(table, seq_len, positions=positions)}


CHECK = Check(
    names=("GPT2PositionEmbeddings",),
    explain={
        "have the wrong shape": "The table has one row for each position: its shape is (n_positions, n_embd).",
        "The result has the wrong shape": "All texts of a batch have the same positions: gather with the positions, "
        "not with `input_ids`, and the result is (seq_len, n_embd).",
    },
    subjects=(TABLE,),
    # Never the whole table: if positions start at 1, MAX rejects the last, and that error explains less than numbers.
    cases=(
        Case(TABLE.name, {"batch": 2, "seq_len": 7}, seed=1),
        Case(TABLE.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(TABLE.name, {"batch": 3, "seq_len": 31}, seed=3),
    ),
    on_text=_table(SHIPPED),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "a lookup of positions that start at 1",
            "The first token has position 0: start `F.arange` at 0.",
            {"positions": "from 1"},
        ),
        Mistake(
            "a lookup of positions that count down",
            "The first token has position 0, and the next one 1: `F.arange(0, seq_len, ...)`.",
            {"positions": "reversed"},
        ),
        Mistake(
            "a lookup of the last rows of the table instead of the first",
            "The first token has position 0, however short the text is.",
            {"positions": "last rows"},
        ),
        Mistake(
            "a lookup of position 0 for every token",
            "Number the tokens: `F.arange(0, seq_len, ...)`, with a step of 1.",
            {"positions": "all 0"},
        ),
        Mistake(
            "a lookup of the last position for every token",
            "Number the tokens from 0 to seq_len - 1 with `F.arange`.",
            {"positions": "always the last"},
        ),
        Mistake(
            "a table of sines and cosines, as in the original transformer",
            "GPT-2 learns its positions: gather the rows of `self.weight`.",
            {"positions": "sines"},
        ),
        Mistake(
            "a lookup whose result is multiplied by sqrt(n_embd)",
            "GPT-2 uses the rows of the table as they are.",
            {"factor": 36**0.5},
        ),
    ),
)
