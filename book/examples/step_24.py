"""Chapter 24: AdamW by hand on one parameter, and why the decay is decoupled."""

# ANCHOR: example
import numpy as np

rate, (beta1, beta2) = 0.1, (0.9, 0.95)


def adam(gradients):
    parameter = mean = square = 0.0
    for n, gradient in enumerate(gradients, start=1):
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        direction = (mean / (1 - beta1**n)) / np.sqrt(square / (1 - beta2**n))
        parameter -= rate * direction
        print(
            f"step {n}  mean {mean:7.3f}  square {square:9.3f}  direction {direction:6.3f}  parameter {parameter:6.3f}"
        )


adam([1.0, 1.0, -1.0])
adam([100.0, 100.0, -100.0])
# ANCHOR_END: example

from book.captures import Capture

parameters = 124_439_808
noisy = np.random.default_rng(1).normal(size=400) * 100.0


def shrinks(decoupled: bool, gradients: np.ndarray, decay: float = 0.1, rate: float = 0.01) -> float:
    """What is left of a parameter of 1 after these gradients, with the decay apart from them or in them."""
    parameter, mean, square = 1.0, 0.0, 0.0
    for n, noise in enumerate(gradients, start=1):
        gradient = noise if decoupled else noise + decay * parameter
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        step = (mean / (1 - beta1**n)) / (np.sqrt(square / (1 - beta2**n)) + 1e-8)
        parameter -= rate * (step + (decay * parameter if decoupled else 0.0))
    return parameter


# The same gradients without any decay, so that what the decay does can be told from what they do.
alone = shrinks(True, noisy, decay=0.0)

NUMBERS = {
    "apart": f"{alone - shrinks(True, noisy):.2f}",
    "inside": f"{alone - shrinks(False, noisy):.3f}",
    "bytes": f"{16 * parameters / 1e9:.2f}",
    "parameters": f"{parameters:,}",
    "parameters_only": f"{4 * parameters / 1e9:.2f}",
    "first_mean": f"{1 - beta1:.1f}",
    "rest_after_50": f"{100 * beta1**50:.1f}",
}

DIRECTION = "direction = new_mean / corrections[0] / (ops.sqrt(new_square / corrections[1]) + eps)"
CAPTURES = {
    "no_correction": Capture(replace=((DIRECTION, "direction = new_mean / (ops.sqrt(new_square) + eps)"),)),
    "l2": Capture(
        replace=(
            (
                "    beta_mean, beta_square = betas\n",
                "    beta_mean, beta_square = betas\n    gradient = gradient + weight_decay * "
                "ops.buffer_load(parameter)\n",
            ),
            ("old - rate * (direction + weight_decay * old)", "old - rate * direction"),
        )
    ),
    "warm_up": Capture(
        replace=(("return peak * (step + 1) / (warmup_steps + 1)", "return peak * step / (warmup_steps + 1)"),)
    ),
    "each": Capture(
        replace=(
            (
                "return {name: gradient * factor for name, gradient in gradients.items()}, norm",
                "clipped = {}\n"
                "    for name, gradient in gradients.items():\n"
                "        own = F.sqrt(F.squeeze(F.sum(F.flatten(gradient * gradient)), 0))\n"
                "        clipped[name] = gradient * F.elementwise_min(max_norm / (own + 1e-6), 1.0)\n"
                "    return clipped, norm",
            ),
        )
    ),
}
