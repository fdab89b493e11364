"""Step 06 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 6)

WRONG_FILES = (
    wrong("positions that start at 1", ("F.arange(0, seq_len, ", "1 + F.arange(0, seq_len, ")),
    wrong("a lookup of positions that start at 1", ("F.arange(0, seq_len,", "F.arange(1, seq_len + 1,")),
    wrong("The result has the wrong shape", ("input_ids.shape[-1]", "input_ids.shape[0]")),
    wrong(
        "The result has the wrong shape",
        ("F.gather(self.weight, positions, axis=0)", "F.gather(self.weight, input_ids, axis=0)"),
    ),
    wrong(
        "These parameters have the wrong shape: weight",
        ("[config.n_positions, config.n_embd]", "[config.vocab_size, config.n_embd]"),
    ),
    wrong(
        "a lookup of position 0 for every token",
        ("F.gather(self.weight, positions, axis=0)", "F.gather(self.weight, positions * 0, axis=0)"),
    ),
    wrong(
        "a lookup of positions that count down",
        ("F.gather(self.weight, positions, axis=0)", "F.gather(self.weight, seq_len - 1 - positions, axis=0)"),
    ),
    wrong("in forward", ("dtype=DType.int64, device", "dtype=DType.float32, device")),
)
