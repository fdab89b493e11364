"""Step 10 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 10)

RIGHT_FILES = (
    right(
        "in steps",
        (
            "return x + self.sublayer(self.ln(x))",
            ("correction = self.ln(x)\n        correction = self.sublayer(correction)\n        return correction + x"),
        ),
    ),
    right(
        "F.add",
        ("return x + self.sublayer(self.ln(x))", "return F.add(self.sublayer(self.ln(x)), x)"),
        ("from max.experimental.nn", ("from max.experimental import functional as F\nfrom max.experimental.nn")),
    ),
)
