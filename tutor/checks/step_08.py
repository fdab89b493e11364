"""The check of step 08: scaled dot-product attention."""

from typing import Any

from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.expectations import is_graph_operation
from tutor.checks.shared.subjects import SHIPPED
from tutor.graphs.tensor_spec import TensorSpec


def _heads(n_head: int, head_dim: int) -> Subject:
    heads = TensorSpec("float32", ("batch", n_head, "seq_len", head_dim))
    return Subject(
        name=f"n_head={n_head}, head_dim={head_dim}",
        build=lambda code: code[8].scaled_dot_product_attention,
        inputs={"query": heads, "key": heads, "value": heads},
        outputs={"y": heads},
    )


THREE_HEADS, ONE_HEAD = _heads(3, 12), _heads(1, 10)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 08 in NumPy."""
    return {"y": numpy_gpt2.attention(inputs["query"], inputs["key"], inputs["value"], **mistake)}


CHECK = Check(
    names=("scaled_dot_product_attention",),
    subjects=(THREE_HEADS, ONE_HEAD),
    cases=(
        Case(THREE_HEADS.name, {"batch": 2, "seq_len": 5}, seed=1),
        Case(THREE_HEADS.name, {"batch": 1, "seq_len": 1}, seed=2),
        Case(THREE_HEADS.name, {"batch": 3, "seq_len": 7}, seed=3),
        Case(ONE_HEAD.name, {"batch": 1, "seq_len": 4}, seed=4),
        # Scores of several hundred: their exponentials are beyond float32.
        Case(ONE_HEAD.name, {"batch": 2, "seq_len": 6}, seed=5, scale=20.0, note="large logits", tolerance=1e-4),
    ),
    expectations=(is_graph_operation(8, "scaled_dot_product_attention"),),
    on_text=_heads(1, SHIPPED["n_embd"] // SHIPPED["n_head"]),
    numpy_model=numpy_model,
    explain={
        # Found by MAX 26.7.0's compiler, not while tracing.
        '"axis": -': "In this version of MAX, `F.softmax` accepts no negative axis but -1. That is the right one here: "
        "the keys are the last axis."
    },
    mistakes=(
        Mistake(
            "attention without the 1/sqrt(head_dim) scale",
            "Divide the scores by sqrt(head_dim) before you add the mask.",
            {"scale": "none"},
        ),
        Mistake(
            "attention scaled by 1/sqrt(n_embd)",
            "Divide by sqrt(head_dim), where head_dim is the length of the query's last axis: the vectors that a head "
            "compares are that long.",
            {"scale": "1/sqrt(n_embd)"},
        ),
        Mistake(
            "attention scaled by 1/sqrt(n_head)",
            "Divide by the square root of head_dim, the length of the query's last axis, not of the number of heads.",
            {"scale": "1/sqrt(n_head)"},
        ),
        Mistake(
            "attention scaled by 1/sqrt(seq_len)",
            "Divide by the square root of head_dim, the length of the query's last axis, not of the number of tokens.",
            {"scale": "1/sqrt(key_len)"},
        ),
        Mistake(
            "attention scaled by 1/head_dim, without the square root",
            "Take the square root: divide by sqrt(head_dim).",
            {"scale": "1/head_dim"},
        ),
        Mistake(
            "attention whose scores are multiplied by sqrt(head_dim)",
            "Divide the scores by sqrt(head_dim): the scale is there to keep them small.",
            {"scale": "sqrt(head_dim)"},
        ),
        Mistake(
            "attention without the causal mask",
            "Add the mask of step 02 to the scores. Without it, each token sees later ones.",
            {"sees": "everything"},
        ),
        Mistake(
            "attention with a transposed mask",
            "Rows of the mask are queries, and columns are keys. Now each token sees the later ones, not the earlier.",
            {"sees": "from itself on"},
        ),
        Mistake(
            "attention with the mask added after the softmax",
            "Add the mask to the scores, and take the softmax of the sum: it turns -inf into a weight of 0.",
            {"masking": "added after the softmax"},
        ),
        Mistake(
            "attention with weights set to 0 after the softmax",
            "Mask the scores before the softmax, so that the weights that remain still sum to 1.",
            {"masking": "after the softmax"},
        ),
        Mistake(
            "attention that subtracts the mask",
            "Add the mask: subtracting -inf makes a score of +inf.",
            {"masking": "subtracted"},
        ),
        Mistake(
            "attention that multiplies the scores by the mask",
            "Add the mask to the scores. A 0 in it means: leave this score as it is.",
            {"masking": "multiplied"},
        ),
        Mistake(
            "attention with the diagonal masked too",
            "A token may look at itself. Use your mask of step 02 with `num_tokens` 0.",
            {"sees": "up to the one before"},
        ),
        Mistake(
            "attention with the mask off by one: each token sees the next one",
            "The last key that a token may see is its own. Use your mask of step 02 with `num_tokens` 0.",
            {"sees": "up to the next"},
        ),
        Mistake(
            "attention with an inverted mask",
            "The mask must be 0 where a query may look. Is `exclude=True` missing?",
            {"sees": "only the later"},
        ),
        Mistake(
            "attention with the softmax over the queries",
            "Take the softmax over the keys, the last axis: the weights of one query sum to 1.",
            {"axis": -2},
        ),
        Mistake(
            "attention with key and value swapped",
            "Compare the query with `key`, and blend `value` with the weights.",
            {"order": "query value key"},
        ),
        Mistake(
            "attention that compares the query with the values",
            "The scores are `query @ key.transpose(-1, -2)`; the values are only blended.",
            {"order": "query value value"},
        ),
        Mistake(
            "attention that blends the keys",
            "The weights blend the values: `weights @ value`.",
            {"order": "query key key"},
        ),
        Mistake(
            "attention with query and key swapped",
            "The scores are `query @ key.transpose(-1, -2)`: rows are queries, columns are keys.",
            {"order": "key query value"},
        ),
    ),
)
