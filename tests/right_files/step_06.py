"""Step 06 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 6)

RIGHT_FILES = (
    right("a slice of a range", ("F.arange(0, seq_len, dtype", "F.arange(0, seq_len, 1, dtype")),
    right("names of sizes", ("seq_len = input_ids.shape[-1]", "_, seq_len = input_ids.shape")),
    right("a range that starts at 1", ("axis=0)  # (seq_len, n_embd)", "axis=-2)")),
)
