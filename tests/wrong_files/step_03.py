"""Step 03 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 3)

WRONG_FILES = (
    wrong(
        "layer norm with the sample variance",
        ("F.mean(centered * centered, axis=-1)", "F.sum(centered * centered, axis=-1) / (int(x.shape[-1]) - 1)"),
    ),
    wrong(
        "layer norm with epsilon outside the square root",
        ("* F.rsqrt(variance + self.eps)", "/ (F.sqrt(variance) + self.eps)"),
    ),
    wrong("No known mistake gives these numbers", ("F.mean(x, axis=-1)", "F.mean(x, axis=0)")),
    wrong("layer norm with weight and bias exchanged", ("* self.weight + self.bias", "* self.bias + self.weight")),
    wrong("No known mistake gives these numbers", ("* self.weight + self.bias", "* (self.weight + self.bias)")),
    wrong("layer norm without its bias", ("* self.weight + self.bias", "* self.weight")),
    wrong("layer norm without epsilon", ("F.rsqrt(variance + self.eps)", "F.rsqrt(variance)")),
    wrong("No known mistake gives these numbers", ("F.rsqrt(variance + self.eps)", "(F.rsqrt(variance) + self.eps)")),
    wrong(
        "layer norm that multiplies by the standard deviation",
        ("F.rsqrt(variance + self.eps)", "F.sqrt(variance + self.eps)"),
    ),
    wrong("layer norm that ignores its argument `eps`", ("F.rsqrt(variance + self.eps)", "F.rsqrt(variance + 1e-5)")),
    wrong(
        "layer norm that divides by the variance",
        ("centered * F.rsqrt(variance + self.eps)", "centered / (variance + self.eps)"),
    ),
    wrong(
        "layer norm that subtracts the mean in the variance, but not in the result",
        ("return centered * F.rsqrt", "return x * F.rsqrt"),
    ),
    wrong(
        "layer norm with the mean of the squares of x instead of the variance",
        ("F.mean(centered * centered, axis=-1)", "F.mean(x * x, axis=-1)"),
    ),
    wrong("These parameters have the wrong shape: bias", ("Tensor.zeros([dim])", "Tensor.ones([dim + 1])")),
)
