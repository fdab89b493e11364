"""Step 21 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 21)

GRAD_X = "grad_x = grad_y @ weight  #"
GRAD_WEIGHT = "grad_weight = by_token(grad_y).transpose(0, 1) @ by_token(x)"
RETURN_LINEAR = "return grad_x, grad_weight, sum_of_tokens(grad_y)"
GELU = "return grad_y * 0.5 * (1 + t + x * (1 - t * t) * slope)"
NORM_X = "grad_x = (grad_normalized - F.mean(grad_normalized, axis=-1) - normalized * along) * scale"
RETURN_NORM = "return grad_x, sum_of_tokens(grad_y * normalized), sum_of_tokens(grad_y)"
SCATTER = "return F.scatter_nd_add(zeros, by_token(grad_y), rows)"

WRONG_FILES = (
    wrong(
        "A gradient has the shape of what it belongs to",
        (GRAD_WEIGHT, "grad_weight = by_token(x).transpose(0, 1) @ by_token(grad_y)"),
    ),
    wrong("in linear_backward", (GRAD_X, "grad_x = grad_y @ weight.transpose(0, 1)  #")),
    wrong(
        "a grad_weight that is averaged over the tokens",
        (
            RETURN_LINEAR,
            "tokens = F.flatten(sum_of_tokens(grad_y[:, :, :1] * 0 + 1))\n"
            "    return grad_x, grad_weight / tokens, sum_of_tokens(grad_y)",
        ),
    ),
    wrong(
        "a grad_bias that is averaged over the tokens",
        (RETURN_LINEAR, "return grad_x, grad_weight, F.squeeze(F.mean(by_token(grad_y), axis=0), 0)"),
    ),
    wrong(
        "a grad_bias that is averaged over the texts",
        (
            RETURN_LINEAR,
            "return grad_x, grad_weight, F.squeeze(F.squeeze(F.mean(F.sum(grad_y, axis=1), axis=0), 0), 0)",
        ),
    ),
    wrong("a grad_bias of the first text alone", (RETURN_LINEAR, RETURN_LINEAR.replace("(grad_y)", "(grad_y[:1])"))),
    wrong(
        "A gradient has the shape of what it belongs to",
        (RETURN_LINEAR, "return grad_x, grad_weight, F.squeeze(F.sum(grad_y, axis=1), 1)"),
    ),
    wrong("No known mistake gives these numbers", (GRAD_X, "grad_x = grad_y @ weight * 2  #")),
    wrong("the first half of GELU's derivative", (GELU, "return grad_y * 0.5 * (1 + t)")),
    wrong("the second half of GELU's derivative alone", (GELU, "return grad_y * 0.5 * x * (1 - t * t) * slope")),
    wrong("GELU's derivative without the 3", ("(1 + 3 * 0.044715 * x * x)", "(1 + 0.044715 * x * x)")),
    wrong("GELU's derivative without the derivative of what tanh is taken of", (GELU, GELU.replace(" * slope", ""))),
    wrong("GELU's derivative without one sqrt(2 / pi)", ("slope = factor * ", "slope = ")),
    wrong("GELU's derivative with 1 - t in place of", (GELU, GELU.replace("1 - t * t", "1 - t"))),
    wrong("twice GELU's derivative", (GELU, GELU.replace("0.5 * ", ""))),
    wrong(
        "the derivative of the exact GELU",
        (
            GELU,
            "return grad_y * (0.5 * (1 + F.erf(x / math.sqrt(2))) + x * F.exp(-0.5 * x * x) / math.sqrt(2 * math.pi))",
        ),
    ),
    wrong("GELU itself in the place of its derivative", (GELU, "return grad_y * 0.5 * x * (1 + t)")),
    wrong(
        "a layer norm that goes back as if mean and variance were constants",
        (NORM_X, "grad_x = grad_normalized * scale"),
    ),
    wrong(
        "a layer norm that goes back without the term of the variance",
        (NORM_X, NORM_X.replace(" - normalized * along", "")),
    ),
    wrong(
        "a layer norm that goes back without the term of the mean",
        (NORM_X, NORM_X.replace(" - F.mean(grad_normalized, axis=-1)", "")),
    ),
    wrong("a layer norm whose second term lacks its factor n", (NORM_X, NORM_X.replace("normalized * along", "along"))),
    wrong(
        "a layer norm that forgets its weight on the way back",
        ("grad_normalized = grad_y * weight", "grad_normalized = grad_y * 1.0"),
    ),
    wrong("a layer norm that forgets to divide by the standard deviation", (NORM_X, NORM_X.removesuffix(" * scale"))),
    wrong("a layer norm that goes back with another epsilon", ("axis=-1) + eps)", "axis=-1) + 1e-5)")),
    wrong("a gradient of the norm's weight that is made with x", (RETURN_NORM, RETURN_NORM.replace("normalized", "x"))),
    wrong(
        "a gradient of the norm's weight that is made with x minus its mean",
        (RETURN_NORM, RETURN_NORM.replace("normalized", "centered")),
    ),
    wrong(
        "a gradient of the norm's bias that is multiplied by the weight",
        (RETURN_NORM, RETURN_NORM.replace("sum_of_tokens(grad_y)", "sum_of_tokens(grad_normalized)")),
    ),
    wrong(
        "a table in which the last gradient of a repeated token replaces those before it",
        (SCATTER, SCATTER.replace("_add", "")),
    ),
    wrong("gradients that are added to ones", ("F.zeros([num_rows", "F.ones([num_rows")),
    wrong(
        "A gradient has the shape of what it belongs to",
        ("F.zeros([num_rows, n_embd]", "F.zeros([num_rows + 1, n_embd]"),
    ),
)
