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
)
