"""Step 19 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 19)

HIDE = 'F.where(visible_keys(mask, scores), scores, float("-inf"))'
ZEROS = 'F.where(scores == float("-inf"), 0.0, F.softmax(scores))'
RETURN = "return attention_weights @ value, attention_weights"

WRONG_FILES = (
    wrong("attention without the 1/sqrt(head_dim) scale", (" / math.sqrt(int(query.shape[-1]))", "")),
    wrong("attention that gives NaN where a query sees nothing", (ZEROS, "F.softmax(scores)")),
    wrong(
        "attention that spreads the weight evenly where a query sees nothing",
        (HIDE, HIDE.replace('float("-inf")', "-1e9")),
    ),
    wrong(
        "attention that hides keys after the softmax",
        (f"    if mask is not None:\n        scores = {HIDE}\n", ""),
        (
            f"attention_weights = {ZEROS}\n",
            "attention_weights = F.softmax(scores)\n    if mask is not None:\n"
            "        attention_weights = F.where(visible_keys(mask, scores), attention_weights, 0.0)\n",
        ),
    ),
    wrong(
        "attention with the mask inverted",
        (HIDE, 'F.where(visible_keys(mask, scores), float("-inf"), scores)'),
    ),
    wrong(
        "attention that gives its scores, with -inf in them, in place of its weights",
        (RETURN, "return attention_weights @ value, scores"),
    ),
    wrong(
        "attention with the softmax over the queries",
        ("F.softmax(scores)", "F.softmax(scores, axis=scores.rank - 2)"),
    ),
    wrong("Compare the mask with 1", ("else mask == 1", "else mask != 0")),
    wrong("Return the output and the weights, in this order", (RETURN, "return attention_weights @ value")),
    wrong("MAX notices it late", ("    check_shapes(query, key, value)\n", "")),
    wrong(
        "compare each size of the mask with the scores' last sizes",
        ("not all(size in (1, wanted) for size, wanted in sizes)", "False"),
    ),
    wrong(
        "Raise a ValueError with the first number that is neither 0 nor 1",
        ("np.setdiff1d(mask.to_numpy(), (0, 1)) if mask.real else ()", "()"),
    ),
    wrong("`dims(mask.unsqueeze(1))`", ("if mask.rank == 3 and scores.rank == 4:", "if False:")),
    wrong(
        "Pass the mask on to `scaled_dot_product_attention`",
        ("scaled_dot_product_attention(query, key, value, mask)", "scaled_dot_product_attention(query, key, value)"),
    ),
    wrong(
        "a module with the heads merged without the transpose",
        ("attended.transpose(1, 2).reshape", "attended.reshape"),
    ),
    wrong(
        "a module that uses its projections in the order query, value, key",
        ("(self.q_proj, self.k_proj, self.v_proj)", "(self.q_proj, self.v_proj, self.k_proj)"),
    ),
    wrong(
        "Raise a ValueError with this message, word for word",
        ("({embed_dim}) must be divisible", "({embed_dim}) cannot be divided"),
    ),
)
