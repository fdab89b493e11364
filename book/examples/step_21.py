"""Chapter 21: a linear layer backwards by hand, and gradients by finite differences."""

# ANCHOR: example
import numpy as np

x = np.array([[1.0, 2.0], [3.0, 0.0]])  # two tokens with two numbers each
weight = np.array([[1.0, -1.0], [2.0, 0.0], [0.0, 1.0]])  # (out, in): three outputs
bias = np.array([0.0, 1.0, 0.0])
grad_y = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])  # what came back, token by token

print("y", x @ weight.T + bias, sep="\n")
print("grad_x", grad_y @ weight, sep="\n")
print("grad_weight", grad_y.T @ x, sep="\n")
print("grad_bias", grad_y.sum(axis=0), sep="\n")
# ANCHOR_END: example


# ANCHOR: differences
def loss(weight):  # whatever came back is the derivative of this loss
    return (grad_y * (x @ weight.T + bias)).sum()


direction = np.zeros_like(weight)
direction[0, 1] = 1e-5
slope = (loss(weight + direction) - loss(weight - direction)) / 2e-5
# ANCHOR_END: differences

from book.captures import Capture
from tutor.checks.numpy import layer_gradients

# How much a layer norm sends back, if its input is ten times as large.
rng = np.random.default_rng(0)
vector, gain = rng.standard_normal((1, 1, 192)), np.ones(192)
upstream = rng.standard_normal((1, 1, 192))
back = layer_gradients.layer_norm_backward(upstream, vector, gain, 1e-5)[0].ravel()
larger = layer_gradients.layer_norm_backward(upstream, 10 * vector, gain, 1e-5)[0].ravel()

NUMBERS = {
    "slope": f"{slope:.4f}",
    "grad_weight_01": f"{(grad_y.T @ x)[0, 1]:.0f}",
    "ten_times": f"{np.linalg.norm(back) / np.linalg.norm(larger):.1f}",
}

NORM_X = "grad_x = (grad_normalized - F.mean(grad_normalized, axis=-1) - normalized * along) * scale"
CAPTURES = {
    "turned": Capture(replace=(("grad_x = grad_y @ weight  #", "grad_x = grad_y @ weight.transpose(0, 1)  #"),)),
    "bias_averaged": Capture(
        replace=(
            (
                "return grad_x, grad_weight, sum_of_tokens(grad_y)",
                "return grad_x, grad_weight, F.squeeze(F.mean(by_token(grad_y), axis=0), 0)",
            ),
        )
    ),
    "constants": Capture(replace=((NORM_X, "grad_x = grad_normalized * scale"),)),
    "replaced": Capture(
        replace=(("F.scatter_nd_add(zeros, by_token(grad_y), rows)", "F.scatter_nd(zeros, by_token(grad_y), rows)"),)
    ),
}
