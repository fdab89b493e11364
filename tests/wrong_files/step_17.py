"""Step 17 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 17)

WRONG_FILES = (
    wrong(
        "a model that takes the first new column for the first of all",
        (" + num_tokens.to(device)  # (seq_len,)", ""),
    ),
    wrong("a model that sees the padding", ("F.where(start <= key, key, NEVER)", "F.where(start <= key, key, key)")),
    wrong(
        "a model that counts padding as positions",
        ("F.elementwise_max(query - start, 0)", "F.elementwise_max(query - 0 * start, 0)"),
    ),
    wrong("A softmax over nothing but -inf is 0 / 0", ("hidden=-1e30", 'hidden=float("-inf")')),
    wrong("pad_left fills up on the left", ("ids[row, start:] = prompt", "ids[row, : len(prompt)] = prompt")),
    wrong("The new tokens of a row follow from its own logits", ("choose(row, logits[row])", "choose(row, logits[0])")),
    wrong(
        "Keep the set of rows that are still going",
        ("                going.remove(row)\n", "                return\n"),
    ),
    wrong(
        "Rows go on after their end-of-text token. Keep",
        ("if token == eos_token_id:", "if eos_token_id and token == eos_token_id:"),
    ),
    wrong(
        "Rows go on after their end-of-text token. Keep",
        ("                going.remove(row)\n", "                pass\n"),
    ),
    wrong(
        "This is one token too many: go through",
        ("for _ in range(max_new_tokens):", "for _ in range(max_new_tokens + 1):"),
    ),
    wrong("`eos_token_id` is", ("token = choose(row, logits[row])", "token = choose_token(logits[row])")),
    wrong("`eos_token_id` is", ("token = choose(row, logits[row])", "token = choose(0, logits[row])")),
    wrong("Copy each prompt with", ("rows = [list(prompt) for prompt in prompts]", "rows = list(prompts)")),
    wrong("Return when no row is going any more", (("        if not going:\n            return\n"), "")),
    wrong("Not right yet", ("ids[-max(1, n_positions // 2) :] for ids", "ids[-(n_positions // 2) :] for ids")),
)
