"""Step 20 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 20)

SHIFT = "return F.concat([input_ids[:, 1:], nothing], axis=1)"
LOSS = "return F.squeeze(-total / count, 0)"
PICK = "F.flatten(log_probabilities * one_hot(targets, vocab_size))"
SHARE = "share = counted / F.sum(F.flatten(counted))"
ERROR = "error = F.softmax(logits) - one_hot(targets, int(logits.shape[-1]))"

WRONG_FILES = (
    wrong("a target that is the position's own token", (SHIFT, "return input_ids + 0")),
    wrong(
        "a target that is the position's own token, with the last one ignored", (SHIFT, SHIFT.replace("1:]", ":-1]"))
    ),
    wrong(
        "a shift to the right: each position has to predict the token before it",
        (SHIFT, "return F.concat([nothing, input_ids[:, :-1]], axis=1)"),
    ),
    wrong(
        "a shift in a circle: the last position has to predict the first token",
        (SHIFT, "return F.concat([input_ids[:, 1:], input_ids[:, :1]], axis=1)"),
    ),
    wrong(
        "a shift that repeats the last token",
        (SHIFT, "return F.concat([input_ids[:, 1:], input_ids[:, -1:]], axis=1)"),
    ),
    wrong("a shift that ends with token 0", ("F.full([batch, 1], IGNORE_INDEX,", "F.full([batch, 1], 0,")),
    wrong("The result has the wrong shape", (SHIFT, "return input_ids[:, 1:]")),
    wrong("a loss that is a sum, and not a mean", (LOSS, "return F.squeeze(-total, 0)")),
    wrong(
        "a loss that is divided by the number of all positions, the ignored ones too",
        ("count = F.sum(F.flatten(counts(targets)))", "count = F.sum(F.flatten(counts(targets) * 0 + 1))"),
    ),
    wrong("a loss with the sign turned round", (LOSS, "return F.squeeze(total / count, 0)")),
    wrong("a loss in bits", (LOSS, "return F.squeeze(-total / count / 0.6931471805599453, 0)")),
    wrong(
        "the logarithm of a softmax, which is not stable",
        ("F.logsoftmax(logits)", "F.log(F.exp(logits) / F.sum(F.exp(logits), axis=-1))"),
    ),
    wrong("the probability of the target, without the logarithm", ("F.logsoftmax(logits)", "F.softmax(logits)")),
    wrong("the logit of the target, without the softmax", ("F.logsoftmax(logits)", "logits")),
    wrong(
        "a loss that is a mean over the texts of each text's mean",
        (
            LOSS,
            "each = F.sum(F.squeeze(F.sum(log_probabilities * one_hot(targets, vocab_size), axis=-1), -1), axis=-1)\n"
            "    sizes = F.sum(counts(targets), axis=-1)\n"
            "    sizes = F.where(sizes > 0, sizes, sizes + 1)\n"
            "    return F.squeeze(-F.mean(F.flatten(each / sizes)), 0)",
        ),
    ),
    wrong("The loss is a single number", (LOSS, "return -total / count")),
    wrong("a gradient that is a sum, and not a mean", (SHARE, "share = counted")),
    wrong(
        "a gradient that is divided by the number of all positions, the ignored ones too",
        (SHARE, "share = counted / F.sum(F.flatten(counted * 0 + 1))"),
    ),
    wrong(
        "a gradient of the ignored positions, too",
        (SHARE, "share = (counted * 0 + 1) / F.sum(F.flatten(counted))"),
    ),
    wrong(
        "a gradient with the sign turned round",
        (ERROR, "error = one_hot(targets, int(logits.shape[-1])) - F.softmax(logits)"),
    ),
    wrong("the probabilities alone, without the targets", (ERROR, "error = F.softmax(logits)")),
    wrong(
        "the logarithms of the probabilities minus the one-hot targets", (ERROR, ERROR.replace("softmax", "logsoftmax"))
    ),
    wrong("the logits minus the one-hot targets", (ERROR, ERROR.replace("F.softmax(logits)", "logits"))),
    wrong(
        "a gradient at the targets alone",
        (ERROR, "error = (F.softmax(logits) - 1.0) * one_hot(targets, int(logits.shape[-1]))"),
    ),
)
