"""Step 12 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 12)

RIGHT_FILES = (
    right(
        "reduce",
        (
            ("        for block in self.h:\n            x = block(x)\n        return self.ln_f(x)"),
            "        return self.ln_f(functools.reduce(lambda y, block: block(y), self.h, x))",
        ),
        ("from max.experimental.nn", ("import functools\n\nfrom max.experimental.nn")),
    ),
    right(
        "by the index",
        (
            ("        for block in self.h:\n            x = block(x)"),
            ("        for layer in range(len(self.h)):\n            x = self.h[layer](x)"),
        ),
    ),
    right(
        "the sum the other way",
        ("self.wte(input_ids) + self.wpe(input_ids)", "self.wpe(input_ids) + self.wte(input_ids)"),
    ),
)
