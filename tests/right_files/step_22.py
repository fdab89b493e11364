"""Step 22 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 22)

RIGHT_FILES = (
    right(
        "the softmax's derivative multiplied out",
        (
            "return weights * (grad_weights - F.sum(grad_weights * weights, axis=-1))",
            "product = grad_weights * weights\n    return product - weights * F.sum(product, axis=-1)",
        ),
    ),
    right(
        "the scale at the end",
        (
            "grad_scores = softmax_backward(grad_weights, weights) * scale",
            "grad_scores = softmax_backward(grad_weights, weights)",
        ),
        (
            "return grad_scores @ key, grad_scores.transpose(-1, -2) @ query, grad_value",
            "return scale * (grad_scores @ key), grad_scores.transpose(2, 3) @ (query * scale), grad_value",
        ),
    ),
    right(
        "the names by hand",
        (
            'return grad_x, named("c_attn", c_attn) | named("c_proj", c_proj)',
            "gradients = {}\n"
            '    for name, part in (("c_proj", c_proj), ("c_attn", c_attn)):\n'
            "        for key, gradient in part.items():\n"
            '            gradients[name + "." + key] = gradient\n'
            "    return grad_x, gradients",
        ),
    ),
)
