"""Step 12 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 12)

WRONG_FILES = (
    wrong("final layer norm", ("return self.ln_f(x)", "return x")),
    wrong(
        "a model without its position embeddings", ("self.wte(input_ids) + self.wpe(input_ids)", "self.wte(input_ids)")
    ),
    wrong(
        "No known mistake gives these numbers",
        ("self.wte(input_ids) + self.wpe(input_ids)", "self.wte(input_ids) * self.wpe(input_ids)"),
    ),
    wrong(
        "a model that applies its first block again and again",
        (("            x = block(x)\n        return"), ("            x = self.h[0](x)\n        return")),
    ),
    wrong(
        "a model that applies its blocks in reverse",
        (
            ("for block in self.h:\n            x = block(x)"),
            ("for block in reversed(list(self.h)):\n            x = block(x)"),
        ),
    ),
    wrong(
        "a model that leaves out its last block",
        (
            ("for block in self.h:\n            x = block(x)"),
            ("for block in list(self.h)[:-1]:\n            x = block(x)"),
        ),
    ),
    wrong(
        "a model that applies the final layer norm after each block",
        (
            ("            x = block(x)\n        return self.ln_f(x)"),
            ("            x = self.ln_f(block(x))\n        return x"),
        ),
    ),
    wrong(
        "a model whose final layer norm does not get the configuration's epsilon",
        ("LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)", "LayerNorm(config.n_embd)"),
    ),
    wrong(
        (
            "These parameters are missing: h.1.ln_1.weight, h.1.ln_1.bias, "
            "h.1.attn.c_attn.weight, h.1.attn.c_attn.bias and"
        ),
        ("[GPT2Block(config) for _ in range(config.n_layer)]", "[GPT2Block(config)] * config.n_layer"),
    ),
    wrong(
        ("These parameters should not be there: h.2.ln_1.weight, h.2.ln_1.bias, h.2.attn.c_attn.weight"),
        ("range(config.n_layer)", "range(config.n_head)"),
    ),
)
