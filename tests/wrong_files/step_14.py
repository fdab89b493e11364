"""Step 14 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 14)

WRONG_FILES = (
    wrong("the logits of the first position", ("logits[0, -1]", "logits[0, 0]")),
    wrong("The temperature is multiplied", ("logits.max()) / temperature", "logits.max()) * temperature")),
    wrong(
        "A new random generator for each token",
        (
            "ids[-n_positions:], temperature=temperature, top_k=top_k, top_p=top_p, rng=rng",
            "ids[-n_positions:], temperature=temperature, top_k=top_k, top_p=top_p, rng=np.random.default_rng(seed)",
        ),
    ),
    wrong("These are the smallest logits: use", ("return int(np.argmax(logits))", "return int(np.argmin(logits))")),
    wrong(
        "Subtract the largest logit from all of them",
        ("(logits.astype(np.float64) - logits.max()) / temperature", "logits.astype(np.float64) / temperature"),
    ),
    wrong(
        "The temperature has no effect. Divide the logits",
        ("(logits.astype(np.float64) - logits.max()) / temperature", "logits.astype(np.float64) - logits.max()"),
    ),
    wrong("Raise a", ("if top_k is not None and top_k < 1:", "if top_k and top_k < 1:")),
    wrong("Raise a", ('if not 0 <= temperature < float("inf"):', "if temperature < 0:")),
    wrong(
        "All tokens can still be drawn. Set the",
        ("np.partition(logits, -top_k)[-top_k]", "np.partition(logits, top_k)[top_k]"),
    ),
    wrong(
        "The token that brings the sum to top_p",
        ("logits[order[before >= top_p]] = -np.inf", "logits[order[before + probabilities >= top_p]] = -np.inf"),
    ),
    wrong(
        "`rng`, choose_token draws other tokens each time",
        (
            "rng = np.random.default_rng() if rng is None else rng",
            "rng = np.random.default_rng(0) if rng is None else rng",
        ),
    ),
    wrong(
        "Not right yet",
        ("return int(rng.choice(logits.size, p=probabilities))", "return int(np.argmax(probabilities))"),
    ),
    wrong(
        "Pass",
        (
            ("top_k=top_k, top_p=top_p, rng=rng)\n\n\ndef generate_tokens"),
            ("top_k=top_k, top_p=top_p)\n\n\ndef generate_tokens"),
        ),
    ),
    wrong("Raise a", ("if not input_ids:", "if input_ids is None:")),
    wrong(
        "`np.random.default_rng(None)` gives another generator each time: pass the",
        ("rng = np.random.default_rng(seed)", "rng = np.random.default_rng(seed or 0)"),
    ),
    wrong(
        "`np.random.default_rng(seed)` before the loop, and pass it to",
        ("rng = np.random.default_rng(seed)", "rng = np.random.default_rng(seed or None)"),
    ),
    wrong(
        "This is one token too many: go through",
        ("for _ in range(max_new_tokens):", "for _ in range(max_new_tokens + 1):"),
    ),
    wrong("None, with", ("if token == eos_token_id:", "if eos_token_id and token == eos_token_id:")),
    wrong(
        "Yield the end-of-text token before you stop.",
        (
            ("        yield token\n        if token == eos_token_id:\n            return\n"),
            ("        if token == eos_token_id:\n            return\n        yield token\n"),
        ),
    ),
    wrong("For each n_positions, these are the tokens that", ("ids[-n_positions:]", "ids[:n_positions]")),
    wrong("Copy the prompt with", ("ids = list(input_ids)", "ids = input_ids")),
    wrong("The same token comes again and again: append", ("        ids.append(token)\n", "")),
)
