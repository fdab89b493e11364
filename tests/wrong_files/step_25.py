"""Step 25 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 25)

STARTS = "starts = rng.integers(len(tokens) - seq_len, size=batch_size)"
WINDOWS = "windows = np.stack([tokens[start : start + seq_len + 1] for start in starts]).astype(np.int64)"
PAIR = "return np.ascontiguousarray(windows[:, :-1]), np.ascontiguousarray(windows[:, 1:])"
SHORT = "if len(tokens) < seq_len + 1:"
ADD = "add_to(totals[group], share * gradient)"
CLIP = "gradients, norm = clip_by_global_norm({group: read(total) for group, total in totals.items()}, config.max_norm)"
DECAY = 'weight_decay=config.weight_decay if group == "matrices" else 0.0,'
CLEAR = "    for total in totals.values():\n        clear(total)\n"
LOOP = "for step in range(start, config.steps):"
RNG = "rng, loss = np.random.default_rng([config.seed, step]), 0.0"
SHARE = "loss += trainer.accumulate(input_ids, targets, 1 / config.accumulate) / config.accumulate"
YIELD = "yield step, loss, trainer.update(rate, bias_corrections(step, config.betas))"
WEIGH = "* places.size"
REST = "        total += loss(rest[:, :-1], rest[:, 1:]) * (rest.shape[1] - 1)\n"
TRANSPOSED = "array.T if name.endswith(CONV1D) else array"

WRONG_FILES = (
    wrong("The last window that fits begins at", (STARTS, STARTS.replace("- seq_len,", "- seq_len - 1,"))),
    wrong("The first window begins at place 0", (STARTS, STARTS.replace("integers(len", "integers(1, len"))),
    wrong("The targets are one token later", (PAIR, PAIR.replace("windows[:, 1:]", "windows[:, :-1]"))),
    wrong("Convert the windows to int64", (WINDOWS, WINDOWS.replace(".astype(np.int64)", ""))),
    wrong(
        "targets that are not the tokens after the ids",
        (PAIR, PAIR.replace("windows[:, 1:]", "windows[:, ::-1][:, :-1]")),
    ),
    wrong("others the second time", (STARTS, STARTS.replace("rng.integers", "np.random.default_rng(0).integers"))),
    wrong("names how many tokens there are", (SHORT, "if len(tokens) < seq_len - 1:")),
    wrong("sample_batch", (SHORT, "if len(tokens) <= seq_len + 1:")),
    wrong("gradients that are added whole", (ADD, "add_to(totals[group], gradient)")),
    wrong("a loss that is multiplied by the share", ("    return loss\n", "    return loss * share\n")),
    wrong(
        "gradients of the matrices alone",
        (ADD, 'if group == "matrices":\n            add_to(totals[group], share * gradient)'),
    ),
    wrong("totals that stay as they were", (ADD, "_ = share * gradient, totals")),
    wrong(
        "clipping that shortens each group by itself",
        (
            CLIP,
            "gradients = {}\n"
            "    for group, total in totals.items():\n"
            "        clipped, _ = clip_by_global_norm({group: read(total)}, config.max_norm)\n"
            "        gradients |= clipped\n"
            "    both = {group: read(total) for group, total in totals.items()}\n"
            "    _, norm = clip_by_global_norm(both, config.max_norm)",
        ),
    ),
    wrong(
        "gradients that are not clipped",
        (
            CLIP,
            CLIP.replace("gradients, norm", "_, norm")
            + "\n    gradients = {group: read(total) for group, total in totals.items()}",
        ),
    ),
    wrong("a decay of the vectors, too", (DECAY, "weight_decay=config.weight_decay,")),
    wrong("a decay of the vectors alone", (DECAY, DECAY.replace('"matrices"', '"vectors"'))),
    wrong("no decay", (DECAY, "weight_decay=0.0,")),
    wrong("totals that are not cleared", (CLEAR, "")),
    wrong("the betas of step 24's defaults", ("            betas=config.betas,\n", "")),
    wrong("a max_norm of 1", (CLIP, CLIP.replace("config.max_norm", "1.0"))),
    wrong("Begin with step `start`", (LOOP, "for step in range(config.steps):")),
    wrong("Make the generator in the loop", (RNG, "rng, loss = np.random.default_rng(config.seed), 0.0")),
    wrong(
        "Each batch has the share 1 / accumulate",
        (SHARE, SHARE.replace("targets, 1 / config.accumulate", "targets, 1.0")),
    ),
    wrong("a loss of", (SHARE, SHARE.replace(") / config.accumulate", ")"))),
    wrong("a learning rate of", ("            step,\n            peak", "            step + 1,\n            peak")),
    wrong("corrections of", (YIELD, YIELD.replace("(step, config", "(step - start, config"))),
    wrong("corrections of", (YIELD, YIELD.replace("config.betas", "(0.9, 0.95)"))),
    wrong("Weigh the mean of each batch", (WEIGH, "* length")),
    wrong("The last window predicts what is left", (REST, "        pass\n")),
    wrong(
        "windows at once, and the most are", ("min(start + batch_size, whole)", "min(start + batch_size + 1, whole)")
    ),
    wrong("not transposed as it should be", (TRANSPOSED, "array")),
    wrong("wte.weight is not transposed as it should be", (TRANSPOSED, "array.T")),
    wrong("a transposed view", (f"np.ascontiguousarray({TRANSPOSED})", TRANSPOSED)),
)
