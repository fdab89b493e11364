"""Step 20 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 20)

RIGHT_FILES = (
    right(
        "the targets by a slice of a longer row",
        (
            "return F.concat([input_ids[:, 1:], nothing], axis=1)",
            "return F.concat([input_ids, nothing], axis=1)[:, 1:]",
        ),
    ),
    right(
        "log-sum-exp by hand",
        (
            "log_probabilities = F.logsoftmax(logits)",
            "shifted = logits - F.max(logits, axis=-1)\n"
            "    log_probabilities = shifted - F.log(F.sum(F.exp(shifted), axis=-1))",
        ),
    ),
    right(
        "the target's logarithm by gather_nd",
        (
            "total = F.sum(F.flatten(log_probabilities * one_hot(targets, vocab_size)))",
            "known = F.where(F.not_equal(targets, IGNORE_INDEX), targets, targets * 0)\n"
            "    picked = F.gather_nd(log_probabilities, F.unsqueeze(known, -1), batch_dims=2)\n"
            "    total = F.sum(F.flatten(picked * counts(targets)))",
        ),
    ),
    right(
        "the gradient in one line",
        (
            "error = F.softmax(logits) - one_hot(targets, int(logits.shape[-1]))\n"
            "    return error * F.unsqueeze(share, -1)",
            "return F.unsqueeze(share, 2) * (F.softmax(logits, axis=-1) - one_hot(targets, logits.shape[2]))",
        ),
    ),
)
