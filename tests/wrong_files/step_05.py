"""Step 05 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 5)

WRONG_FILES = (
    wrong(
        "The result has the wrong shape",
        ("F.gather(self.weight, input_ids, axis=0)", "F.gather(self.weight, input_ids, axis=1)"),
    ),
    wrong(
        "an index out of range",
        ("F.gather(self.weight, input_ids, axis=0)", "F.gather(self.weight, input_ids + 1, axis=0)"),
    ),
    wrong(
        "an embedding multiplied by sqrt(n_embd)",
        ("F.gather(self.weight, input_ids, axis=0)", "F.gather(self.weight, input_ids, axis=0) * 6.0"),
    ),
    wrong(
        "These parameters have the wrong shape: weight",
        ("[config.vocab_size, config.n_embd]", "[config.n_embd, config.vocab_size]"),
    ),
    wrong(
        "These parameters have the wrong shape: weight",
        ("[config.vocab_size, config.n_embd]", "[config.n_positions, config.n_embd]"),
    ),
    wrong("These parameters are missing: weight", ("self.weight = random", "self.table = random")),
    wrong(
        "in forward",
        ("F.gather(self.weight, input_ids, axis=0)", "F.gather(input_ids, self.weight, axis=0)"),
    ),
)
