"""Step 19 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 19)

RIGHT_FILES = (
    right(
        "a scale on the query",
        (
            "query @ key.transpose(-1, -2) / math.sqrt(int(query.shape[-1]))",
            "(query / math.sqrt(int(query.shape[-1]))) @ key.transpose(-1, -2)",
        ),
    ),
    right(
        "the message made before",
        (
            ("    if query.shape[-1] != key.shape[-1]:\n        raise"),
            ("    fits = query.shape[-1] == key.shape[-1]\n    if not fits:\n        raise"),
        ),
    ),
    right(
        "layers in a loop",
        (
            (
                "        self.q_proj = Linear(embed_dim, embed_dim)\n"
                "        self.k_proj = Linear(embed_dim, embed_dim)\n"
                "        self.v_proj = Linear(embed_dim, embed_dim)\n"
                "        self.out_proj = Linear(embed_dim, embed_dim)\n"
            ),
            (
                '        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):\n'
                "            setattr(self, name, Linear(embed_dim, embed_dim))\n"
            ),
        ),
    ),
)
