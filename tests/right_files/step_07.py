"""Step 07 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 7)

RIGHT_FILES = (
    right(
        "slices of the last axis",
        (
            "        query, key, value = F.chunk(qkv, 3, axis=-1)  # each (batch, seq_len, n_embd)\n",
            (
                "        n = int(x.shape[-1])\n"
                "        query, key, value = qkv[..., :n], qkv[..., n : 2 * n], qkv[..., 2 * n :]\n"
            ),
        ),
    ),
    right(
        "a tuple",
        (
            (
                "        query, key, value = F.chunk(qkv, 3, axis=-1)  # each (batch, seq_len, n_embd)\n"
                "        return query, key, value"
            ),
            "        return tuple(F.chunk(qkv, 3, axis=2))",
        ),
    ),
    right("a product of its own", ("qkv = super().forward(x)", "qkv = self.bias + x @ self.weight.transpose(0, 1)")),
)
