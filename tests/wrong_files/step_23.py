"""Step 23 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 23)

GATED = 'through_linear(mlp.c_proj, grad_y, F.gelu(widened, approximate="tanh"))'
FC = "through_linear(mlp.c_fc, gelu_backward(grad_gated, widened), x)"
MIDDLE = "grad_middle = grad_y + grad_through"
LAST = "return grad_middle + grad_through, gradients"
LN_2 = "through_layer_norm(block.ln_2, grad_normalized, middle)"
LN_1 = "through_layer_norm(block.ln_1, grad_normalized, x)"
TABLE = 'gradients["wte.weight"] = grad_table + embedding_backward(grad_x, input_ids, vocab_size)'
FINAL = "grad_x, ln_f = through_layer_norm(transformer.ln_f, grad_normalized, x)"
BLOCKS = "for layer in reversed(range(len(given))):"
KEEP = "        given.append(x)\n        x = block(x)"
POSITIONS = 'gradients["wpe.weight"] = embedding_backward(grad_x, positions, n_positions)'

WRONG_FILES = (
    wrong(
        "an MLP that goes back through GELU at what GELU gave",
        (FC, FC.replace("widened)", 'F.gelu(widened, approximate="tanh"))')),
    ),
    wrong("an MLP that goes back without GELU", (FC, "through_linear(mlp.c_fc, grad_gated, x)")),
    wrong(
        "an MLP whose c_proj is said to have read the result of c_fc",
        (GATED, "through_linear(mlp.c_proj, grad_y, widened)"),
    ),
    wrong("no gradient named 'c_fc.weight'", ('named("c_fc", c_fc)', "c_fc")),
    wrong("a block whose MLP half forgets the stream", (MIDDLE, "grad_middle = grad_through")),
    wrong("a block whose MLP half forgets the MLP", (MIDDLE, "grad_middle = grad_y")),
    wrong("a block whose attention half forgets the stream", (LAST, "return grad_through, gradients")),
    wrong("a block whose attention half forgets attention", (LAST, "return grad_middle, gradients")),
    wrong(
        "a block that forgets both streams",
        (MIDDLE, "grad_middle = grad_through"),
        (LAST, "return grad_through, gradients"),
    ),
    wrong(
        "a block that does not go back through its layer norms",
        (MIDDLE, "grad_middle = grad_y + grad_normalized"),
        (LAST, "return grad_middle + grad_normalized, gradients"),
    ),
    wrong("a block whose ln_2 is said to have read x", (LN_2, LN_2.replace("middle)", "x)"))),
    wrong(
        "a block whose norms are said to have read what they gave",
        (LN_2, LN_2.replace("middle)", "normalized_2)")),
        (LN_1, LN_1.replace("x)", "normalized_1)")),
    ),
    wrong(
        "a block whose attention gets the gradient of the block's result",
        ("(block.attn, grad_middle, normalized_1)", "(block.attn, grad_y, normalized_1)"),
    ),
    wrong("no gradient named 'ln_1.weight'", ('named("ln_1", ln_1)', "{}")),
    wrong("a table that gets the gradient of the head alone", (TABLE, 'gradients["wte.weight"] = grad_table')),
    wrong("a table that gets the gradient of the embeddings alone", (TABLE, TABLE.replace("grad_table + ", ""))),
    wrong(
        "positions that get the gradient of the first text alone",
        (POSITIONS, POSITIONS.replace("(grad_x, positions", "(grad_x[:1], positions[:1]")),
    ),
    wrong(
        "a model that does not go back through its final norm",
        (FINAL, "_, ln_f = through_layer_norm(transformer.ln_f, grad_normalized, x)\n    grad_x = grad_normalized"),
    ),
    wrong(
        "a model that goes back through its blocks from the first to the last",
        (BLOCKS, "for layer in range(len(given)):"),
    ),
    wrong("blocks that are said to have read what they gave", (KEEP, "        x = block(x)\n        given.append(x)")),
    wrong(
        "blocks that are all said to have read the embeddings",
        (KEEP, "        given.append(transformer.wte(input_ids) + transformer.wpe(input_ids))\n        x = block(x)"),
    ),
    wrong("named 'transformer.wte.weight'", ('named("transformer", gradients)', "gradients")),
    wrong("named 'transformer.wpe.weight'", (POSITIONS, "_ = positions, n_positions")),
)
