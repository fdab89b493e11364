"""Step 24 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 24)

RIGHT_FILES = (
    right(
        "decay first, as PyTorch does it",
        (
            "ops.buffer_store(parameter, old - rate * (direction + weight_decay * old))",
            "decayed = old * (1 - rate * weight_decay)\n    ops.buffer_store(parameter, decayed - rate * direction)",
        ),
    ),
    right(
        "the mean by interpolation",
        (
            "new_mean = beta_mean * ops.buffer_load(mean) + (1 - beta_mean) * gradient",
            "old_mean = ops.buffer_load(mean)\n    new_mean = old_mean + (gradient - old_mean) * (1 - beta_mean)",
        ),
    ),
    right(
        "a plan in one expression",
        (
            "    if step < warmup_steps:\n        return peak * (step + 1) / (warmup_steps + 1)\n",
            "    rising = (step + 1) / (warmup_steps + 1)\n    if rising < 1:\n        return rising * peak\n",
        ),
    ),
    right(
        "a norm that grows gradient by gradient",
        (
            "    squares = [F.sum(F.flatten(gradient * gradient)) for gradient in gradients.values()]  # each (1,)\n"
            "    norm = F.sqrt(F.squeeze(F.sum(F.concat(squares)), 0))  # ()\n",
            "    total = 0.0\n"
            "    for gradient in gradients.values():\n"
            "        flat = gradient.reshape([-1])\n"
            "        total = total + F.sum(flat * flat)\n"
            "    norm = F.sqrt(F.squeeze(total, 0))\n",
        ),
    ),
)
