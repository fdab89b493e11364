"""Step 13 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 13)

WRONG_FILES = (
    wrong("lm_head.weight", ("        self.lm_head.weight = self.transformer.wte.weight\n", "")),
    wrong(
        "No known mistake gives these numbers",
        ("return self.lm_head(self.transformer(input_ids))", "return self.lm_head(self.transformer(input_ids)) / 6.0"),
    ),
    wrong(
        "These parameters should not be there: lm_head.bias", ("config.vocab_size, bias=False)", "config.vocab_size)")
    ),
    wrong("The result has the wrong shape", ("self.transformer.wte.weight\n", "self.transformer.wpe.weight\n")),
    wrong(
        "The result has the wrong shape",
        ("return self.lm_head(self.transformer(input_ids))", "return self.transformer(input_ids)"),
    ),
    wrong(
        "a model that applies the final layer norm twice",
        (
            "return self.lm_head(self.transformer(input_ids))",
            "return self.lm_head(self.transformer.ln_f(self.transformer(input_ids)))",
        ),
    ),
)
