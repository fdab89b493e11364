"""The check of step 00: attention in plain Python."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tutor.checking import stored_numbers as reference_files
from tutor.checking.spec import Arrays, Case, Check, Code, Expectation, Mistake, Subject
from tutor.checks.numpy import gpt2 as numpy_gpt2
from tutor.checks.shared.plain_attention import N_EMBD, SHARED_SEED, as_lists
from tutor.graphs.tensor_spec import TensorSpec

HEAD_DIM = 8

SOFTMAX = Subject(
    name="softmax",
    build=lambda code: code[0].softmax,
    inputs={"scores": TensorSpec("float64", ("num_keys",))},
    outputs={"weights": TensorSpec("float64", ("num_keys",))},
    compiled=False,
    part="softmax",
)
ATTEND = Subject(
    name="attend",
    build=lambda code: code[0].attend,
    inputs={
        "query": TensorSpec("float64", (HEAD_DIM,)),
        "keys": TensorSpec("float64", ("num_keys", HEAD_DIM)),
        "values": TensorSpec("float64", ("num_keys", HEAD_DIM)),
    },
    outputs={"blended": TensorSpec("float64", (HEAD_DIM,))},
    compiled=False,
    part="attend",
)


def _causal(n_head: int) -> Subject:
    def build(code: Code) -> Callable[..., object]:
        return lambda xs, wq, wk, wv: code[0].causal_self_attention(xs, wq, wk, wv, n_head)

    square = TensorSpec("float64", (N_EMBD, N_EMBD))
    return Subject(
        name=f"causal_self_attention, n_head={n_head}",
        build=build,
        inputs={"xs": TensorSpec("float64", ("seq_len", N_EMBD)), "wq": square, "wk": square, "wv": square},
        outputs={"outputs": TensorSpec("float64", ("seq_len", N_EMBD))},
        settings={"n_embd": N_EMBD, "n_head": n_head},
        compiled=False,
        part="causal_self_attention",
    )


CAUSAL = {n_head: _causal(n_head) for n_head in (1, 3, 4)}


WEIGHTS = ("wq", "wk", "wv")


def numpy_model(
    subject: Subject,
    parameters: Arrays,
    inputs: Arrays,
    *,
    scale: str = "1/sqrt(head_dim)",
    normalised: bool = True,
    order: str = "query key value",
    layout: str = "[out][in]",
    weights: Sequence[str] = WEIGHTS,
    **mistake: Any,
) -> Arrays:
    """Step 00 in NumPy. A mistake is made in each of the three functions that can make it."""
    if subject is SOFTMAX:
        return {"weights": numpy_gpt2.softmax(inputs["scores"], normalised=normalised)}

    def attend(query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Attention for one query and one head."""
        mistaken_scale = scale
        if scale == "1/sqrt(n_embd)":
            # The general function takes n_embd from its arrays, which here have only head_dim.
            query, mistaken_scale = query * np.sqrt(len(query) / N_EMBD), "1/sqrt(head_dim)"
        attended = numpy_gpt2.attend(
            query[None], keys, values, scale=mistaken_scale, normalised=normalised, order=order
        )
        return attended.output[0]

    if subject is ATTEND:
        return {"blended": attend(inputs["query"], inputs["keys"], inputs["values"])}
    projected = {
        "query": numpy_gpt2.linear(inputs["xs"], inputs["wq"]),
        "key": numpy_gpt2.linear(inputs["xs"], inputs["wk"]),
        "value": numpy_gpt2.linear(inputs["xs"], inputs["wv"]),
    }
    if layout == "[in][out]":
        projected = {
            name: numpy_gpt2.linear(inputs["xs"], inputs[w].T) for name, w in zip(projected, WEIGHTS, strict=True)
        }
    elif weights != WEIGHTS:
        projected = {
            name: numpy_gpt2.linear(inputs["xs"], inputs[w]) for name, w in zip(projected, weights, strict=True)
        }
    return {"outputs": _token_by_token(attend, **projected, n_head=subject.settings["n_head"], **mistake)}


def _token_by_token(
    attend: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    *,
    n_head: int,
    one_head: bool = False,
    sees: str = "up to itself",
    shared_cache: bool = False,
    interleaved: bool = False,
    overlapping: bool = False,
    joined: bool = False,
) -> np.ndarray:
    """Causal attention, token by token as in the step; the arrays are (seq_len, n_embd).

    Args:
        attend: blends the values for one query of one head.
        query, key, value: the projected tokens.
        n_head: number of heads.
        one_head: treats the whole vector as one head.
        sees: "up to itself", "everything", "itself alone".
        shared_cache: all heads append to the same two lists.
        interleaved: head h owns every n_head-th entry.
        overlapping: head h owns the head_dim entries from h on.
        joined: the answers of interleaved heads are joined end to end.
    """
    if one_head:
        n_head = 1
    way = "interleaved" if interleaved else "transposed"
    if overlapping:
        head_dim = query.shape[-1] // n_head
        query, key, value = (
            np.stack([array[:, head : head + head_dim] for head in range(n_head)]) for array in (query, key, value)
        )
    else:
        query, key, value = (numpy_gpt2.split_heads(array[None], n_head, way=way)[0] for array in (query, key, value))
    seq_len = query.shape[1]
    blended = np.empty_like(query)  # (n_head, seq_len, head_dim)
    for t in range(seq_len):
        for head in range(n_head):
            if shared_cache:
                # In the order of appending: token by token, and in each token head by head.
                count = t * n_head + head + 1
                keys, values = (array.swapaxes(0, 1).reshape(-1, array.shape[-1])[:count] for array in (key, value))
            else:
                seen = {"up to itself": slice(t + 1), "everything": slice(None), "itself alone": slice(t, t + 1)}[sees]
                keys, values = key[head, seen], value[head, seen]
            blended[head, t] = attend(query[head, t], keys, values)
    return numpy_gpt2.merge_heads(blended[None], way="transposed" if joined else way)[0]


SHARED = Case(CAUSAL[3].name, {"seq_len": 5}, seed=SHARED_SEED, note="the weights of step 09", given=as_lists)
MAX_OUTPUT = "max/step_09"


def beside_max(got: Mapping[str, Arrays]) -> str:
    """The first numbers of the last token, from these lists and from MAX's graph of step 09 with the same weights."""
    computed = reference_files.load_arrays(0)[MAX_OUTPUT]
    plain, compiled = (
        "  ".join(f"{number:8.5f}" for number in numbers[-1, :5]) for numbers in (got[SHARED.name]["outputs"], computed)
    )
    return (
        "The last token's first five numbers, with the weights of a case of step 09:\n"
        f"    lists of step 00      {plain}\n    MAX graph of step 09  {compiled}"
    )


def _softmax_of(*scores: float) -> Expectation:
    """Expects the weights of scores that are so far apart, or so low, that only a shift by the largest one will do."""
    return Expectation(
        f"softmax({list(scores)}), to six digits",
        lambda code, _: code[0].softmax(list(scores)),
        numpy_gpt2.softmax(np.array(scores)).round(6).tolist(),
        advice="Subtract the largest of the scores from all of them, and no other number: then the largest exponential "
        "is exp(0) = 1, and the sum is neither 0 nor too large.",
        part="softmax",
        read=lambda answer: [round(weight, 6) for weight in answer],
    )


CHECK = Check(
    names=("softmax", "attend", "causal_self_attention"),
    subjects=(SOFTMAX, ATTEND, *CAUSAL.values()),
    cases=(
        Case(SOFTMAX.name, {"num_keys": 5}, seed=1),
        Case(SOFTMAX.name, {"num_keys": 1}, seed=2),
        # exp(1000) is too large for a float; exp of a difference is not.
        Case(SOFTMAX.name, {"num_keys": 4}, seed=3, shift=1000.0, note="large scores"),
        Case(ATTEND.name, {"num_keys": 4}, seed=4),
        Case(ATTEND.name, {"num_keys": 1}, seed=5),
        Case(CAUSAL[1].name, {"seq_len": 3}, seed=6, given=as_lists),
        Case(CAUSAL[4].name, {"seq_len": 6}, seed=7, given=as_lists),
        Case(CAUSAL[4].name, {"seq_len": 1}, seed=8, given=as_lists),
        SHARED,
    ),
    explain={
        "math range error": "`math.exp` of a large number overflows. Subtract the largest score from all scores first.",
        "empty sequence": "There were no keys. Append the token's own key and value before it attends: a token may "
        "look at itself.",
    },
    expectations=(_softmax_of(-2000.0, 0.0, 800.0, 799.0), _softmax_of(-3000.0, -3001.0, -2999.5)),
    show=beside_max,
    numpy_model=numpy_model,
    mistakes=(
        Mistake(
            "a softmax without the division by the sum",
            "Divide each exponential by the sum of all of them, so that the weights sum to 1.",
            {"normalised": False},
        ),
        Mistake(
            "attention without the 1/sqrt(head_dim) scale",
            "In `attend`, divide each score by sqrt(head_dim), the square root of the query's length.",
            {"scale": "none"},
        ),
        Mistake(
            "attention scaled by 1/sqrt(n_embd)",
            "In `attend`, divide by the square root of the query's own length: it is the query of a single head.",
            {"scale": "1/sqrt(n_embd)"},
        ),
        Mistake(
            "attention scaled by 1/sqrt(the number of keys)",
            "In `attend`, divide by the square root of the query's length, `len(query)`.",
            {"scale": "1/sqrt(key_len)"},
        ),
        Mistake(
            "attention scaled by 1/head_dim, without the square root",
            "In `attend`, take the square root: 1 / sqrt(head_dim).",
            {"scale": "1/head_dim"},
        ),
        Mistake(
            "attention whose scores are multiplied by sqrt(head_dim)",
            "In `attend`, divide the scores by sqrt(head_dim): the scale is there to keep them small.",
            {"scale": "sqrt(head_dim)"},
        ),
        Mistake(
            "attention whose scale is 1 // sqrt(head_dim), which is 0",
            "In `attend`, divide with `/`: `//` rounds down, so that all scores are 0 and all weights equal.",
            {"scale": "1 // sqrt(head_dim)"},
        ),
        Mistake(
            "attention that reads the weights as [in][out]",
            "Each row of a matrix makes one output: `multiply(wq, x)` does that, and nothing is transposed.",
            {"layout": "[in][out]"},
        ),
        *(
            Mistake(
                f"attention that makes its query, key and value with {', '.join(weights)}",
                "Make the query with `wq`, the key with `wk` and the value with `wv`.",
                {"weights": weights},
            )
            for weights in (
                ("wq", "wk", "wk"),
                ("wq", "wv", "wv"),
                ("wq", "wq", "wv"),
                ("wk", "wk", "wv"),
                ("wk", "wq", "wv"),
                ("wq", "wv", "wk"),
            )
        ),
        Mistake(
            "attention whose heads overlap: head h takes the entries from h up to h + head_dim",
            "Head h begins at h * head_dim: `slice(h * head_dim, (h + 1) * head_dim)`.",
            {"overlapping": True},
        ),
        Mistake(
            "attention with keys and values swapped",
            "In `attend`, compare the query with the keys, and blend the values.",
            {"order": "query value key"},
        ),
        Mistake(
            "attention in which each token sees the whole text",
            "Process one token at a time: append its key and value, then attend, and only then take the next token.",
            {"sees": "everything"},
        ),
        Mistake(
            "attention in which each token sees only itself",
            "Make the lists of keys and values before the loop over the tokens, not inside it.",
            {"sees": "itself alone"},
        ),
        Mistake(
            "attention in which all heads share one list of keys and one of values",
            "Give each head its own lists. `[[]] * n_head` holds the same list n_head times; "
            "write `[[] for _ in range(n_head)]`.",
            {"shared_cache": True},
        ),
        Mistake(
            "attention with a single head",
            "Cut query, key and value into `n_head` pieces, attend in each, and join the answers.",
            {"one_head": True},
        ),
        Mistake(
            "attention with interleaved heads",
            "Head h owns the entries from h * head_dim up to (h + 1) * head_dim, not every n_head-th one.",
            {"interleaved": True},
        ),
        Mistake(
            "attention whose heads take every n_head-th entry, with their answers joined end to end",
            "Head h owns the entries from h * head_dim up to (h + 1) * head_dim, not every n_head-th one.",
            {"interleaved": True, "joined": True},
        ),
        Mistake(
            "attention that compares the query with the values",
            "In `attend`, a score is the product of the query and a key; the values are only blended.",
            {"order": "query value value"},
        ),
        Mistake(
            "attention that blends the keys",
            "In `attend`, the weights blend the values.",
            {"order": "query key key"},
        ),
    ),
)
