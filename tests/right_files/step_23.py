"""Step 23 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 23)

RIGHT_FILES = (
    right(
        "blocks and inputs as pairs",
        (
            "    for layer in reversed(range(len(given))):\n"
            "        grad_x, block_gradients = block_backward(transformer.h[layer], grad_x, given[layer])\n",
            "    for layer, (block, x) in reversed(list(enumerate(zip(transformer.h, given)))):\n"
            "        grad_x, block_gradients = block_backward(block, grad_x, x)\n",
        ),
    ),
    right(
        "positions by padding",
        (
            '    gradients["wpe.weight"] = embedding_backward(grad_x, positions, n_positions)',
            "    summed = F.sum(grad_x, axis=0)  # (1, seq_len, n_embd)\n"
            '    gradients["wpe.weight"] = embedding_backward(summed, positions[:1], n_positions)',
        ),
    ),
    right(
        "the head as one more linear layer",
        (
            "grad_normalized, grad_table, _ = linear_backward"
            "(cross_entropy_backward(logits, targets), normalized, table)",
            "grad_logits = cross_entropy_backward(logits, targets)\n"
            "    grad_normalized = grad_logits @ table\n"
            "    grad_table = linear_backward(grad_logits, normalized, model.lm_head.weight)[1]",
        ),
    ),
)
