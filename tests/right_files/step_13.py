"""Step 13 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 13)

RIGHT_FILES = (
    right(
        "in steps",
        (
            "return self.lm_head(self.transformer(input_ids))",
            ("hidden = self.transformer(input_ids)\n        logits = self.lm_head(hidden)\n        return logits"),
        ),
    ),
    right(
        "a product with the table",
        (
            "return self.lm_head(self.transformer(input_ids))",
            "return self.transformer(input_ids) @ self.transformer.wte.weight.T",
        ),
    ),
)
