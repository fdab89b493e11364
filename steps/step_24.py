"""Step 24: AdamW.

The gradient says in which direction the loss grows, so each parameter takes a small
step the other way. AdamW makes that step steady: it follows a running mean of the
gradients, and divides it by their typical size, so that every parameter moves at about
the same speed, however large its gradients are. Parameters and both running means
stay in buffers, which the graph updates where they are.

Tasks:
    1. `learning_rate`: grow in a line, then fall along a cosine.
    2. `clip_by_global_norm`: shorten all gradients alike if they are too long together.
    3. `bias_corrections`: what the running means are short of, after so many steps.
    4. `adamw_update`: update the running means, then the parameter.

Run: `pixi run s24` or `make s24`
"""

import math

from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import BufferValue, TensorValue, ops

from steps.step_22 import Gradients


def learning_rate(step: int, *, peak: float, warmup_steps: int, total_steps: int, final: float = 0.0) -> float:
    """Plans how large the steps are: a linear warm-up, then half a cosine.

    Args:
        step: how many steps have been taken before, from 0.
        peak: the largest rate, which is that of step `warmup_steps`.
        warmup_steps: how many steps the warm-up takes: 1, 2, ... parts of warmup_steps + 1; fewer than `total_steps`.
        total_steps: from this step on, the rate is `final`.
        final: the last rate.

    Returns:
        The learning rate of this step.

    Source: "SGDR: Stochastic Gradient Descent with Warm Restarts" (Loshchilov, Hutter 2017), section 3; "Language
    Models are Few-Shot Learners" (Brown et al. 2020), appendix B.
    """
    raise NotImplementedError(
        "step 24, task 1: learning_rate: decide where on the way the step is"
    )


def clip_by_global_norm(gradients: Gradients, max_norm: float) -> tuple[Gradients, Tensor]:
    """Shortens the gradients if they are too long, taken together as one vector.

    norm = sqrt(sum of the squares of all numbers in all gradients)
    clipped = gradient * min(1, max_norm / (norm + 1e-6))

    Args:
        gradients: of any shapes, under the parameters' names.
        max_norm: the largest norm that is left as it is.

    Returns:
        The clipped gradients under the same names, and the norm before clipping, of shape ().

    Source: "On the difficulty of training recurrent neural networks" (Pascanu et al. 2013), algorithm 1; PyTorch
    `clip_grad_norm_`.
    """
    raise NotImplementedError(
        "step 24, task 2: clip_by_global_norm: one norm for all, and one factor for all"
    )


def bias_corrections(step: int, betas: tuple[float, float]) -> tuple[float, float]:
    """Says what part of its final size each running mean has reached: it began at 0.

    (1 - beta1^n, 1 - beta2^n) in the n-th step

    Args:
        step: how many steps have been taken before, from 0; so n = step + 1.
        betas: how much of the old each running mean keeps.

    Returns:
        Two numbers above 0, at most 1.

    Source: "Adam: A Method for Stochastic Optimization" (Kingma, Ba 2015), section 3.
    """
    raise NotImplementedError(
        "step 24, task 3: bias_corrections: count from 1 here"
    )


@F.functional
def adamw_update(
    parameter: BufferValue,
    gradient: TensorValue,
    mean: BufferValue,
    square: BufferValue,
    rate: TensorValue,
    corrections: TensorValue,
    *,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """Takes one step of AdamW, in place: `parameter`, `mean` and `square` are buffers, and all three change.

    mean = beta1 mean + (1 - beta1) gradient
    square = beta2 square + (1 - beta2) gradient^2
    parameter = parameter - rate (mean / c1 / (sqrt(square / c2) + eps) + weight_decay parameter)

    Args:
        parameter: float32 of any shape.
        gradient: of the same shape.
        mean, square: the running means of the gradient and of its square, of the same shape.
        rate: the learning rate, float32 of shape ().
        corrections: c1 and c2, as `bias_corrections` gives them: float32 of shape (2,).
        betas: how much of the old each running mean keeps.
        eps: added to the typical size of the gradient, so that nothing is divided by 0.
        weight_decay: how strongly the parameter is drawn to 0, apart from its gradient.

    Source: "Decoupled Weight Decay Regularization" (Loshchilov, Hutter 2019), algorithm 2; PyTorch `AdamW`.
    """
    raise NotImplementedError(
        "step 24, task 4: adamw_update: load the buffers, compute what comes next, and store it"
    )
