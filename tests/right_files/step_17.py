"""Step 17 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 17)

RIGHT_FILES = (
    right(
        "padding lists",
        (
            (
                "    ids = np.zeros((len(prompts), seq_len), dtype=np.int64)\n"
                "    starts = np.array([seq_len - len(prompt) for prompt in prompts], dtype=np.int64)\n"
                "    for row, (start, prompt) in enumerate(zip(starts, prompts, strict=True)):\n"
                "        ids[row, start:] = prompt\n"
                "    return ids, starts"
            ),
            (
                "    starts = [seq_len - len(prompt) for prompt in prompts]\n"
                "    ids = [[0] * start + list(prompt) for start, prompt in zip(starts, prompts, "
                "strict=True)]\n"
                "    return np.array(ids, dtype=np.int64), np.array(starts, dtype=np.int64)"
            ),
        ),
    ),
    right(
        "another token for padding",
        ("np.zeros((len(prompts), seq_len), dtype=np.int64)", "np.full((len(prompts), seq_len), 3, dtype=np.int64)"),
    ),
    right(
        "flags of rows",
        ("    going = set(range(len(rows)))\n", "    going = dict.fromkeys(range(len(rows)))\n"),
        ("going.remove(row)", "del going[row]"),
    ),
)
