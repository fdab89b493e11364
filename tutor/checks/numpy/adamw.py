"""Step 24 in NumPy, in float64, with the mistakes that learners make."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


def learning_rate(
    step: int, *, peak: float, warmup_steps: int, total_steps: int, final: float = 0.0, way: str = "right"
) -> float:
    """The learning rate of a step. `way` says how it is planned."""
    first = {"warm-up from 0": 0, "warm-up is late": 2}.get(way, 1)
    parts = warmup_steps if way == "peak is early" and warmup_steps else warmup_steps + 1
    if step < warmup_steps and way != "no warm-up":
        return peak * (step + first) / parts
    start, length = warmup_steps, total_steps - warmup_steps
    if way in ("cosine from the start", "no warm-up"):
        start, length = 0, total_steps
    progress = (step - start) / length
    if way != "comes back":
        progress = min(1.0, progress)
    fall = {
        "line": 1 - progress,
        "quarter": math.cos(math.pi / 2 * progress),
        "upside down": 0.5 * (1 - math.cos(math.pi * progress)),
        "without the half": 1 + math.cos(math.pi * progress),
        "no fall": 1.0,
    }.get(way, 0.5 * (1 + math.cos(math.pi * progress)))
    if way == "final is added":
        return final + peak * fall
    if way == "final is forgotten":
        return peak * fall
    if way == "final is a floor":
        return max(final, peak * fall)
    return final + (peak - final) * fall


def bias_corrections(step: int, betas: tuple[float, float], *, way: str = "right") -> tuple[float, float]:
    """What part of its final size each running mean has. `way` says how it is computed."""
    one, two = betas
    return {
        "right": (1 - one ** (step + 1), 1 - two ** (step + 1)),
        "counted from 0": (1 - one**step, 1 - two**step),
        "not raised": (1 - one, 1 - two),
        "powers alone": (one ** (step + 1), two ** (step + 1)),
        "times": (1 - one * (step + 1), 1 - two * (step + 1)),
        "exchanged": (1 - two ** (step + 1), 1 - one ** (step + 1)),
        "one twice": (1 - one ** (step + 1), 1 - one ** (step + 1)),
    }[way]


def clip_by_global_norm(
    gradients: Mapping[str, Array], max_norm: float, *, way: str = "together", returned: str = "before"
) -> tuple[dict[str, Array], float]:
    """The clipped gradients, and the norm. `way` says how they are clipped."""
    wide = {name: gradient.astype(np.float64) for name, gradient in gradients.items()}
    squares = sum(float((gradient**2).sum()) for gradient in wide.values())
    norm = {
        "without the root": squares,
        "largest number": max((float(np.abs(gradient).max(initial=0)) for gradient in wide.values()), default=0.0),
        "sum of sizes": sum(float(np.abs(gradient).sum()) for gradient in wide.values()),
        "sum of norms": sum(math.sqrt(float((gradient**2).sum())) for gradient in wide.values()),
        "mean of squares": math.sqrt(squares / max(1, sum(gradient.size for gradient in wide.values()))),
    }.get(way, math.sqrt(squares))
    factor = min(1.0, max_norm / (norm + 1e-6))
    if way == "lengthened":
        factor = max_norm / (norm + 1e-6)
    elif way == "to length 1":
        factor = min(1.0, 1 / (norm + 1e-6))
    elif way == "turned round":
        factor = min(1.0, (norm + 1e-6) / max_norm)
    clipped = {name: gradient * factor for name, gradient in wide.items()}
    if way == "each by itself":
        own = {name: math.sqrt(float((gradient**2).sum())) for name, gradient in wide.items()}
        clipped = {name: gradient * min(1.0, max_norm / (own[name] + 1e-6)) for name, gradient in wide.items()}
    elif way == "by value":
        clipped = {name: gradient.clip(-max_norm, max_norm) for name, gradient in wide.items()}
    elif way == "not at all":
        clipped = wide
    after = math.sqrt(sum(float((gradient**2).sum()) for gradient in clipped.values()))
    return clipped, {"before": norm, "after": after, "the factor": factor, "squares": squares}[returned]


def adamw_update(
    parameter: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    rate: ArrayLike,
    corrections: ArrayLike,
    *,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decay: str = "decoupled",
    correction: str = "both",
    epsilon: str = "after the root",
    squares: str = "of gradients",
    direction: str = "down",
    beta: str = "keeps the old",
    stored: str = "all",
    root: bool = True,
    uses: str = "new means",
) -> tuple[Array, Array, Array]:
    """The parameter and both running means after a step."""
    parameter, gradient, mean, square = (x.astype(np.float64) for x in (parameter, gradient, mean, square))
    step_size, (c_mean, c_square) = np.asarray(rate, np.float64).item(), np.asarray(corrections, np.float64).tolist()
    one, two = betas if beta != "exchanged" else betas[::-1]
    if beta == "keeps the new":
        one, two = 1 - one, 1 - two
    if decay == "in the gradient":
        gradient = gradient + weight_decay * parameter
    new_mean = one * mean + (1 - one) * gradient
    if beta == "adds the whole gradient":
        new_mean = one * mean + gradient
    raised = {"of gradients": gradient**2, "of the mean": new_mean**2, "sizes": np.abs(gradient), "gradients": gradient}
    new_square = two * square + (1 - two) * raised[squares]
    used_mean, used_square = (new_mean, new_square) if uses == "new means" else (mean, square)
    if uses == "the gradient":
        used_mean, used_square = gradient, new_square
    if correction in ("neither", "square alone"):
        c_mean = 1.0
    if correction in ("neither", "mean alone"):
        c_square = 1.0
    if correction == "exchanged":
        c_mean, c_square = c_square, c_mean
    elif correction == "multiplied":
        c_mean, c_square = 1 / c_mean, 1 / c_square
    corrected = used_square / c_square
    with np.errstate(divide="ignore", invalid="ignore"):
        if epsilon == "inside the root":
            size = np.sqrt(corrected + eps)
        else:
            size = (np.sqrt(corrected) if root else corrected) + (0.0 if epsilon == "forgotten" else eps)
        step = used_mean / c_mean / size
    factor = -1.0 if direction == "up" else 1.0
    moved = parameter - step_size * factor * step
    after = {
        "decoupled": moved - step_size * weight_decay * parameter,
        "in the gradient": moved,
        "forgotten": moved,
        "not times the rate": moved - weight_decay * parameter,
        "of the moved": moved - step_size * weight_decay * moved,
        "grows": moved + step_size * weight_decay * parameter,
    }[decay]
    kept = {"all": (new_mean, new_square), "parameter alone": (mean, square), "without the square": (new_mean, square)}
    return after, *kept.get(stored, (mean, new_square))
