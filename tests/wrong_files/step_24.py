"""Step 24 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 24)

WARM = "return peak * (step + 1) / (warmup_steps + 1)"
PROGRESS = "progress = min(1.0, (step - warmup_steps) / (total_steps - warmup_steps))"
FALL = "return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))"
SQUARES = "squares = [F.sum(F.flatten(gradient * gradient)) for gradient in gradients.values()]"
NORM = "norm = F.sqrt(F.squeeze(F.sum(F.concat(squares)), 0))"
FACTOR = "factor = F.elementwise_min(max_norm / (norm + 1e-6), 1.0)"
CLIPPED = "return {name: gradient * factor for name, gradient in gradients.items()}, norm"
CORRECTIONS = "return 1 - betas[0] ** (step + 1), 1 - betas[1] ** (step + 1)"
MEAN = "new_mean = beta_mean * ops.buffer_load(mean) + (1 - beta_mean) * gradient"
SQUARE = "(1 - beta_square) * gradient * gradient"
STORE_MEAN = "    ops.buffer_store(mean, new_mean)\n"
STORE_SQUARE = "    ops.buffer_store(square, new_square)\n"
DIRECTION = "direction = new_mean / corrections[0] / (ops.sqrt(new_square / corrections[1]) + eps)"
MOVE = "old - rate * (direction + weight_decay * old)"

WRONG_FILES = (
    wrong("or it would change nothing", (WARM, "return peak * step / (warmup_steps + 1)")),
    wrong("so the warm-up has warmup_steps + 1 parts", (WARM, "return peak * (step + 1) / warmup_steps")),
    wrong(
        "The cosine begins where the warm-up ends",
        (PROGRESS, "progress = min(1.0, step / total_steps)"),
    ),
    wrong(
        "after `total_steps`, the rate stays `final`",
        (PROGRESS, PROGRESS.replace("min(1.0, ", "(").replace("))", "))")),
    ),
    wrong("It falls along a cosine", (FALL, "return final + (peak - final) * (1 - progress)")),
    wrong("Half a cosine, from 0 to pi", (FALL, "return final + (peak - final) * math.cos(math.pi / 2 * progress)")),
    wrong("multiply it by peak - final", (FALL, FALL.replace("(peak - final)", "peak"))),
    wrong("final + (peak - final)", (FALL, "return peak * 0.5 * (1 + math.cos(math.pi * progress))")),
    wrong("ZeroDivisionError", ("if step < warmup_steps:", "if step / warmup_steps < 1:")),
    wrong(
        "clipping that shortens each gradient by itself",
        (
            CLIPPED,
            "norms = {name: F.sqrt(F.sum(F.flatten(g * g))) for name, g in gradients.items()}\n"
            "    factors = {name: F.elementwise_min(max_norm / (norms[name] + 1e-6), 1.0) for name in gradients}\n"
            "    clipped = {name: g * factors[name] for name, g in gradients.items()}\n"
            "    return clipped, norm",
        ),
    ),
    wrong(
        "clipping by value: each number is cut off",
        (
            CLIPPED,
            CLIPPED.replace("gradient * factor", "F.elementwise_max(F.elementwise_min(gradient, max_norm), -max_norm)"),
        ),
    ),
    wrong("clipping that makes short gradients longer", (FACTOR, "factor = max_norm / (norm + 1e-6)")),
    wrong(
        "clipping by the sum of the squares, without the root", (NORM, "norm = F.squeeze(F.sum(F.concat(squares)), 0)")
    ),
    wrong(
        "clipping by the sum of the gradients' norms",
        (
            SQUARES,
            SQUARES.replace("F.sum(F.flatten(gradient * gradient))", "F.sqrt(F.sum(F.flatten(gradient * gradient)))"),
        ),
        (NORM, "norm = F.squeeze(F.sum(F.concat(squares)), 0)"),
    ),
    wrong("clipping to a norm of 1 in place of max_norm", (FACTOR, FACTOR.replace("max_norm", "1.0"))),
    wrong("the norm after clipping", (CLIPPED, CLIPPED.replace(", norm", ", norm * factor"))),
    wrong("gradients that are not clipped", (CLIPPED, "return dict(gradients), norm")),
    wrong("Steps are counted from 0", (CORRECTIONS, CORRECTIONS.replace("(step + 1)", "max(step, 0)"))),
    wrong("Subtract it from 1", (CORRECTIONS, "return betas[0] ** (step + 1), betas[1] ** (step + 1)")),
    wrong(
        "The first is made with the first beta",
        (CORRECTIONS, "return 1 - betas[1] ** (step + 1), 1 - betas[0] ** (step + 1)"),
    ),
    wrong(
        "Adam with the decay in the gradient (L2)",
        (
            "    beta_mean, beta_square = betas\n",
            "    beta_mean, beta_square = betas\n    gradient = gradient + weight_decay * ops.buffer_load(parameter)\n",
        ),
        (MOVE, "old - rate * direction"),
    ),
    wrong("AdamW without its decay", (MOVE, "old - rate * direction")),
    wrong("a decay that is not multiplied by the rate", (MOVE, "old - rate * direction - weight_decay * old")),
    wrong("a decay of the parameter after its step", (MOVE, "(old - rate * direction) * (1 - rate * weight_decay)")),
    wrong("AdamW without its bias corrections", (DIRECTION, "direction = new_mean / (ops.sqrt(new_square) + eps)")),
    wrong("AdamW without the correction of the mean", (DIRECTION, DIRECTION.replace(" / corrections[0]", ""))),
    wrong("AdamW without the correction of the square", (DIRECTION, DIRECTION.replace(" / corrections[1]", ""))),
    wrong(
        "AdamW with its corrections exchanged",
        (DIRECTION, "direction = new_mean / corrections[1] / (ops.sqrt(new_square / corrections[0]) + eps)"),
    ),
    wrong(
        "AdamW with epsilon inside the root",
        (DIRECTION, "direction = new_mean / corrections[0] / ops.sqrt(new_square / corrections[1] + eps)"),
    ),
    wrong("AdamW without its epsilon", (DIRECTION, DIRECTION.replace(" + eps", ""))),
    wrong("AdamW with the square of the mean", (SQUARE, "(1 - beta_square) * new_mean * new_mean")),
    wrong("gradient ascent", (MOVE, "old + rate * (direction - weight_decay * old)")),
    wrong("AdamW with its betas exchanged", ("beta_mean, beta_square = betas", "beta_square, beta_mean = betas")),
    wrong("a mean that takes the whole gradient", (MEAN, MEAN.replace("(1 - beta_mean) * gradient", "gradient"))),
    wrong("running means that are not stored", (STORE_MEAN, ""), (STORE_SQUARE, "")),
    wrong("a running mean of the gradients that is not stored", (STORE_MEAN, "")),
    wrong("a running mean of the squares that is not stored", (STORE_SQUARE, "")),
    wrong(
        "AdamW without the root",
        (DIRECTION, DIRECTION.replace("ops.sqrt(new_square / corrections[1])", "new_square / corrections[1]")),
    ),
    wrong(
        "a step along the gradient in place of its running mean",
        (DIRECTION, DIRECTION.replace("new_mean /", "gradient /")),
    ),
)
