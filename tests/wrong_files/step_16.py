"""Step 16 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 16)

WRONG_FILES = (
    wrong(
        "a model whose mask is not shifted by the cache",
        ("<= F.unsqueeze(positions, 1)", "<= F.unsqueeze(positions - num_tokens, 1)"),
    ),
    wrong(
        "a model that takes the first new token for the first of the text",
        (" + num_tokens.to(input_ids.device)", ""),
    ),
    wrong(
        "a model that numbers the new tokens from 0",
        ("input_ids, num_tokens, positions, mask_of", "input_ids, num_tokens, positions - num_tokens, mask_of"),
    ),
    wrong(
        "a model whose tokens see one too far",
        ("F.unsqueeze(keys, 0) <= F.unsqueeze(positions, 1)", "F.unsqueeze(keys, 0) <= F.unsqueeze(positions + 1, 1)"),
    ),
    wrong(
        "a model whose layers share one pair of caches",
        ("caches[::2], caches[1::2], strict=True", "[caches[0]] * 99, [caches[1]] * 99"),
    ),
    wrong("a model that swaps keys and values", ("caches[::2], caches[1::2]", "caches[1::2], caches[::2]")),
    wrong(
        "a cache that is never written",
        ("    ops.buffer_store_slice(cache, new, [every, every, (slice(num_tokens, end), seq_len), every])\n", ""),
    ),
    wrong(
        "The slice that is written must be as long as what is new",
        ("(slice(num_tokens, end), seq_len)", "(slice(num_tokens, end), cache.shape[2])"),
    ),
    wrong("Give its length with it", ("(slice(num_tokens, end), seq_len), every])", "slice(num_tokens, end), every])")),
    wrong("Give its length with it", ('(slice(0, end), "total_len")', "slice(0, end)")),
    wrong("a model that predicts from the first new token", ("x[:, -1]", "x[:, 0]")),
    wrong("the last n_positions // 2 of the text", ("n_positions // 2", "n_positions - 1")),
    wrong("not in the caches yet", ("        new = [token]\n", "        new, num_tokens = list(ids), 0\n")),
    wrong(
        "A `BufferType`, not a",
        (
            ('("batch", config.n_head, config.n_positions, config.head_dim)\n    return Buf'),
            ('("batch", config.n_positions, config.n_head, config.head_dim)\n    return Buf'),
        ),
    ),
    wrong("None, with", ("if token == eos_token_id:", "if eos_token_id and token == eos_token_id:")),
    wrong(
        "This is one token too many: go through",
        ("for _ in range(max_new_tokens):", "for _ in range(max_new_tokens + 1):"),
    ),
    wrong("Not right yet", ("ids[-max(1, n_positions // 2) :], 0", "ids[-(n_positions // 2) :], 0")),
    wrong(
        "Not right yet: when the caches are full", ("num_tokens + len(new) > n_positions", "num_tokens > n_positions")
    ),
    wrong("Each pair is what the model gets: the", ("num_tokens += len(new)", "num_tokens += 1")),
    wrong("Each pair is what the model gets: the", ("        new = [token]\n", "        new = list(ids)\n")),
    wrong("`eos_token_id` is", ("token = choose(logits.to_numpy()[0])", "token = choose_token(logits.to_numpy()[0])")),
    wrong(
        "attention divided by head_dim instead of its square root",
        (
            "/ math.sqrt(head_dim)  # (batch, n_head, seq_len, total_len)",
            "/ head_dim  # (batch, n_head, seq_len, total_len)",
        ),
    ),
)
