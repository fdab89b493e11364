"""Step 05 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 5)

RIGHT_FILES = (
    right("an index", ("F.gather(self.weight, input_ids, axis=0)", "F.gather(self.weight, input_ids, 0)")),
    right(
        "rows in a flat order",
        (
            "return F.gather(self.weight, input_ids, axis=0)",
            (
                "batch, seq_len = input_ids.shape\n"
                "        rows = F.gather(self.weight, input_ids.reshape([batch * seq_len]), axis=0)\n"
                "        return rows.reshape([batch, seq_len, self.weight.shape[1]])"
            ),
        ),
    ),
)
