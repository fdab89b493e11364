"""The check of step 09: multi-head attention."""

from typing import Any

from tutor import sizes
from tutor.checking.spec import Arrays, Case, Check, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared import plain_attention
from tutor.checks.shared.subjects import SHIPPED, built
from tutor.graphs.tensor_spec import TensorSpec


def _heads(n_embd: int, n_head: int) -> Subject:
    settings = {"n_embd": n_embd, "n_head": n_head}
    tokens = TensorSpec("float32", ("batch", "seq_len", n_embd))
    return Subject(
        name=f"n_embd={n_embd}, n_head={n_head}",
        build=built(9, "GPT2MultiHeadAttention", settings),
        inputs={"x": tokens},
        outputs={"y": tokens},
        parameters=sizes.attention(settings),
        settings=settings,
        part="GPT2MultiHeadAttention.forward",
    )


_TOKENS = TensorSpec("float32", ("batch", "seq_len", 15))
_IN_HEADS = TensorSpec("float32", ("batch", 3, "seq_len", 5))


def _method(name: str, given: TensorSpec, result: TensorSpec) -> Subject:
    """One of the two methods alone. Its module has 3 heads of 5 entries: no axis can be taken for another."""
    settings = {"n_embd": 15, "n_head": 3}
    make = built(9, "GPT2MultiHeadAttention", settings)
    return Subject(
        name=name,
        build=lambda code: getattr(make(code), name),
        inputs={"x": given},
        outputs={"y": result},
        settings=settings,
        part=f"GPT2MultiHeadAttention.{name}",
    )


SPLIT, MERGE = _method("_split_heads", _TOKENS, _IN_HEADS), _method("_merge_heads", _IN_HEADS, _TOKENS)
ONE, THREE, FOUR = _heads(36, 1), _heads(36, 3), _heads(36, 4)
AS_IN_STEP_00 = _heads(plain_attention.N_EMBD, 3)


def numpy_model(subject: Subject, parameters: Arrays, inputs: Arrays, **mistake: Any) -> Arrays:
    """Step 09 in NumPy."""
    n_head = subject.settings["n_head"]
    if subject is SPLIT:
        return {"y": numpy_gpt2.split_heads(inputs["x"], n_head, way=mistake.get("split", "transposed"))}
    if subject is MERGE:
        return {"y": numpy_gpt2.merge_heads(inputs["x"], way=mistake.get("merge", "transposed"))}
    return {"y": numpy_gpt2.multi_head_attention(inputs["x"], parameters, n_head=n_head, **mistake)}


CHECK = Check(
    names=("GPT2MultiHeadAttention",),
    subjects=(SPLIT, MERGE, THREE, FOUR, ONE, AS_IN_STEP_00),
    cases=(
        Case(SPLIT.name, {"batch": 2, "seq_len": 4}, seed=11),
        Case(MERGE.name, {"batch": 2, "seq_len": 4}, seed=12),
        Case(THREE.name, {"batch": 1, "seq_len": 4}, seed=1),
        Case(THREE.name, {"batch": 3, "seq_len": 7}, seed=2),
        Case(THREE.name, {"batch": 2, "seq_len": 1}, seed=3),
        Case(FOUR.name, {"batch": 2, "seq_len": 5}, seed=4),
        Case(ONE.name, {"batch": 1, "seq_len": 2}, seed=5),
        # Scores of several hundred: their exponentials are beyond float32.
        Case(FOUR.name, {"batch": 1, "seq_len": 6}, seed=6, scale=20.0, note="large logits", tolerance=1e-4),
        Case(
            AS_IN_STEP_00.name,
            {"batch": 1, "seq_len": 5},
            seed=plain_attention.SHARED_SEED,
            note="the weights of step 00",
            given=plain_attention.as_module,
        ),
    ),
    on_text=_heads(SHIPPED["n_embd"], SHIPPED["n_head"]),
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "attention with the heads merged without the transpose",
            "In `_merge_heads`, move the token axis back in front of the heads with `transpose(1, 2)`, then reshape.",
            {"merge": "reshaped"},
        ),
        Mistake(
            "attention with the heads split without the transpose",
            "In `_split_heads`, reshape to (batch, seq_len, n_head, head_dim) first, then `transpose(1, 2)`.",
            {"split": "reshaped"},
        ),
        Mistake(
            "attention with the heads split and merged without the transpose",
            "A reshape alone mixes tokens and heads. Use `transpose(1, 2)` after it in `_split_heads`, and before it "
            "in `_merge_heads`.",
            {"split": "reshaped", "merge": "reshaped"},
        ),
        Mistake(
            "attention with the heads interleaved when they are split",
            "In `_split_heads`, reshape the last axis to (n_head, head_dim), not to (head_dim, n_head).",
            {"split": "interleaved"},
        ),
        Mistake(
            "attention with interleaved heads",
            "Head 0 owns the first `head_dim` entries, head 1 the next: reshape to (n_head, head_dim), in this order.",
            {"split": "interleaved", "merge": "interleaved"},
        ),
        Mistake(
            "attention with the heads interleaved when they are merged",
            "In `_merge_heads`, the entries of one head stay together: `transpose(1, 2)`, then reshape.",
            {"merge": "interleaved"},
        ),
        Mistake(
            "attention without its output projection",
            "Apply `c_proj` to the merged heads.",
            {"projection": "none"},
        ),
        Mistake(
            "attention with the weight of c_proj not transposed (Hugging Face's Conv1D keeps it as [in, out])",
            "MAX's `Linear` keeps its weight as [out, in] and computes `x @ weight.T + bias`. Use `Linear` as it is.",
            {"projection": "x @ weight + bias"},
        ),
        Mistake(
            "attention without the bias of c_proj",
            "`c_proj` is a `Linear` layer with a bias: apply the whole layer.",
            {"projection": "x @ weight.T"},
        ),
        Mistake(
            "attention scaled by 1/sqrt(n_embd)",
            "Scores are divided by sqrt(head_dim), not by sqrt(n_embd). Step 08 does that already; do not scale here.",
            {"scale": "1/sqrt(n_embd)"},
        ),
        Mistake(
            "attention scaled twice",
            "Step 08 divides the scores by sqrt(head_dim) already; do not scale them here.",
            {"scale": "1/head_dim"},
        ),
        Mistake(
            "attention without the 1/sqrt(head_dim) scale",
            "Use your `scaled_dot_product_attention` from step 08, which divides the scores by sqrt(head_dim).",
            {"scale": "none"},
        ),
        Mistake(
            "attention without the causal mask",
            "Use your `scaled_dot_product_attention` from step 08, which adds the mask.",
            {"sees": "everything"},
        ),
        *(
            Mistake(
                f"attention that uses its projections in the order {order.replace(' ', ', ')}",
                "`c_attn` returns query, key and value, and step 08 takes them in that order.",
                {"order": order},
            )
            for order in ("query value key", "key query value", "key value query", "value query key", "value key query")
        ),
    ),
)
