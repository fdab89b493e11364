"""The check of step 05: token embeddings."""

import numpy as np

from tutor.checking import random_numbers
from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.shared.subjects import SHIPPED, built
from tutor.graphs.tensor_spec import TensorSpec
from tutor.sizes import Settings

SETTINGS = {"vocab_size": 61, "n_positions": 32, "n_embd": 36}


def _table(settings: Settings) -> Subject:
    vocab_size, n_embd = settings["vocab_size"], settings["n_embd"]
    return Subject(
        name=f"vocab_size={vocab_size}, n_embd={n_embd}",
        build=built(5, "GPT2Embeddings", settings),
        inputs={"input_ids": TensorSpec("int64", ("batch", "seq_len"))},
        outputs={"y": TensorSpec("float32", ("batch", "seq_len", n_embd))},
        parameters={"weight": (vocab_size, n_embd)},
        settings=settings,
    )


TABLE = _table(SETTINGS)


def every_token(subject: Subject, case: Case) -> tuple[Arrays, Arrays]:
    """Every id of the vocabulary once, in random order, and a table for this case."""
    ids = np.random.default_rng(case.seed).permutation(subject.settings["vocab_size"])
    return random_numbers.parameters(subject.parameters, seed=case.seed), {"input_ids": ids[None]}


def numpy_model(
    subject: Subject, parameters: Arrays, inputs: Arrays, *, rows: str = "ids", factor: float = 1.0
) -> Arrays:
    """Step 05 in NumPy. `rows` says which rows are looked up, and `factor` what they are multiplied by."""
    table, ids = parameters["weight"].astype(np.float64), inputs["input_ids"]
    numbers = {"ids": ids, "ids - 1": ids - 1, "ids + 1": ids + 1, "places": 0 * ids + np.arange(ids.shape[1])}
    return {"y": factor * table[numbers[rows] % len(table)]}


CHECK = Check(
    names=("GPT2Embeddings",),
    explain={
        "have the wrong shape": "The table has one row for each token: its shape is (vocab_size, n_embd).",
        "The result has the wrong shape": "Each id stands for a row of the table, and rows are axis 0: the ids replace "
        "that axis, and the result is (batch, seq_len, n_embd).",
    },
    subjects=(TABLE,),
    cases=(
        Case(TABLE.name, {"batch": 3, "seq_len": 7}, seed=1),
        Case(TABLE.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(TABLE.name, {"batch": 1, "seq_len": 61}, seed=3, note="every token once", given=every_token),
    ),
    on_text=_table(SHIPPED),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "an embedding multiplied by sqrt(n_embd)",
            "GPT-2 uses the rows of the table as they are. It was the original transformer that scaled them.",
            {"factor": 36**0.5},
        ),
        Mistake(
            "an embedding that looks up a token's position instead of its id",
            "Gather with `input_ids`. The positions have their own table, in step 06.",
            {"rows": "places"},
        ),
        Mistake(
            "an embedding whose ids count from 1",
            "Ids count from 0: row 0 of the table belongs to token 0. Gather with `input_ids` as they are.",
            {"rows": "ids - 1"},
        ),
        Mistake(
            "an embedding that takes the row after the right one",
            "Ids count from 0: row 0 of the table belongs to token 0. Gather with `input_ids` as they are.",
            {"rows": "ids + 1"},
        ),
    ),
)
