"""Step 03 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 3)

RIGHT_FILES = (
    right(
        "a division by the root",
        (
            "centered * F.rsqrt(variance + self.eps) * self.weight + self.bias",
            "self.bias + self.weight * (centered / F.sqrt(self.eps + variance))",
        ),
    ),
    right("a power", ("F.mean(centered * centered, axis=-1)", "F.mean(F.pow(centered, 2.0), axis=-1)")),
    right(
        "the mean of squares minus the square of the mean",
        (
            ("        centered = x - F.mean(x, axis=-1)\n        variance = F.mean(centered * centered, axis=-1)"),
            (
                "        mean = F.mean(x, axis=-1)\n"
                "        centered = x - mean\n"
                "        variance = F.sum(centered * centered, axis=-1) / int(x.shape[-1])"
            ),
        ),
    ),
)
