"""Step 22 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 22)

SOFTMAX = "return weights * (grad_weights - F.sum(grad_weights * weights, axis=-1))"
WEIGHTS = "weights = F.softmax(query @ key.transpose(-1, -2) * scale + mask)"
SCORES = "grad_scores = softmax_backward(grad_weights, weights) * scale"
VALUE = "grad_value = weights.transpose(-1, -2) @ grad_y"
RETURN = "return grad_scores @ key, grad_scores.transpose(-1, -2) @ query, grad_value"
QKV = "grad_qkv = F.concat([attention._merge_heads(grad) for grad in grads], axis=-1)"
NAMED = 'return grad_x, named("c_attn", c_attn) | named("c_proj", c_proj)'

WRONG_FILES = (
    wrong(
        "a softmax that goes back as if each weight depended on its own score alone",
        (SOFTMAX, "return weights * (1 - weights) * grad_weights"),
    ),
    wrong("a softmax that goes back without the sum over its row", (SOFTMAX, "return weights * grad_weights")),
    wrong(
        "a softmax that subtracts the sum of the gradients, not weighted",
        (SOFTMAX, SOFTMAX.replace("grad_weights * weights, axis", "grad_weights, axis")),
    ),
    wrong(
        "a softmax that divides the sum over its row by the number of keys",
        (SOFTMAX, SOFTMAX.replace("F.sum", "F.mean")),
    ),
    wrong("a softmax that goes back with the sum over the queries", (SOFTMAX, SOFTMAX.replace("axis=-1", "axis=2"))),
    wrong("a softmax that adds the sum over its row", (SOFTMAX, SOFTMAX.replace(" - F.sum", " + F.sum"))),
    wrong(
        "a softmax that goes back without its weights in front",
        (SOFTMAX, SOFTMAX.replace("weights * (grad", "1.0 * (grad")),
    ),
    wrong("a way back that forgets the scale", (SCORES, SCORES.removesuffix(" * scale"))),
    wrong("weights that are computed again without the scale", (WEIGHTS, WEIGHTS.replace(" * scale", ""))),
    wrong(
        "attention without its scale, both ways",
        (WEIGHTS, WEIGHTS.replace(" * scale", "")),
        (SCORES, SCORES.removesuffix(" * scale")),
    ),
    wrong("a way back that divides by sqrt(head_dim) twice", (SCORES, SCORES + " * scale")),
    wrong("a way back that multiplies by sqrt(head_dim)", (SCORES, SCORES.replace("* scale", "/ scale"))),
    wrong("weights that are computed again without the mask", (WEIGHTS, WEIGHTS.replace(" + mask", ""))),
    wrong(
        "a gradient of the keys that is not transposed",
        (RETURN, RETURN.replace("grad_scores.transpose(-1, -2) @ query", "grad_scores @ query")),
    ),
    wrong("a gradient of the queries that is made with the queries", (RETURN, RETURN.replace("@ key", "@ query"))),
    wrong("a gradient of the values that is not transposed", (VALUE, "grad_value = weights @ grad_y")),
    wrong(
        "a gradient of the values that is made with the scores' gradient",
        (RETURN, RETURN.replace("grad_value", "grad_scores.transpose(-1, -2) @ grad_y")),
    ),
    wrong("a gradient of the values that is divided by sqrt(head_dim)", (VALUE, VALUE + " * scale")),
    wrong(
        "gradients of query and key that are exchanged",
        (RETURN, "return grad_scores.transpose(-1, -2) @ query, grad_scores @ key, grad_value"),
    ),
    wrong(
        "gradients of queries, keys and values in another order than c_attn's",
        (QKV, QKV.replace("for grad in grads", "for grad in (grads[2], grads[1], grads[0])")),
    ),
    wrong("in multi_head_attention_backward", (QKV, QKV.replace("attention._merge_heads(grad)", "grad"))),
    wrong(
        "a gradient whose heads are cut without the transpose",
        (
            "attention_backward(attention._split_heads(grad_attended), query",
            "attention_backward(grad_attended.reshape(query.shape), query",
        ),
    ),
    wrong(
        "a gradient of c_proj that is made with x",
        (
            "linear_backward(grad_y, attended, attention.c_proj.weight)",
            "linear_backward(grad_y, x, attention.c_proj.weight)",
        ),
    ),
    wrong("no gradient named 'c_attn.weight'", (NAMED, "return grad_x, c_attn | c_proj")),
    wrong("no gradient named 'c_proj.weight'", (NAMED, 'return grad_x, named("c_attn", c_attn)')),
    wrong("returned a Tensor", (NAMED, "return grad_x")),
    wrong(
        "a gradient named 'x'",
        (NAMED, 'return grad_x, named("c_attn", c_attn) | named("c_proj", c_proj) | {"x": grad_x}'),
    ),
)
