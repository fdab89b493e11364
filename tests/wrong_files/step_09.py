"""Step 09 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 9)

WRONG_FILES = (
    wrong(
        "attention with the heads merged without the transpose",
        ("        x = x.transpose(1, 2)  # (batch, seq_len, n_head, head_dim)\n", ""),
    ),
    wrong(
        "attention with the weight of c_proj not transposed",
        (
            "self.c_proj(self._merge_heads(attended))",
            "self._merge_heads(attended) @ self.c_proj.weight + self.c_proj.bias",
        ),
    ),
    wrong(
        "attention with the heads split without the transpose",
        (
            ("[batch, seq_len, self.n_head, self.head_dim])\n        return x.transpose(1, 2)"),
            ("[batch, self.n_head, seq_len, self.head_dim])\n        return x"),
        ),
    ),
    wrong(
        "attention with the heads interleaved",
        (
            ("[batch, seq_len, self.n_head, self.head_dim])\n        return x.transpose(1, 2)"),
            ("[batch, seq_len, self.head_dim, self.n_head])\n        return x.transpose(-1, 1).transpose(-1, -2)"),
        ),
    ),
    wrong(
        "attention without its output projection",
        ("return self.c_proj(self._merge_heads(attended))", "return self._merge_heads(attended)"),
    ),
    wrong(
        "attention that uses its projections in the order query, value, key",
        ("scaled_dot_product_attention(query, key, value)  #", "scaled_dot_product_attention(query, value, key)  #"),
    ),
    wrong(
        "attention that uses its projections in the order key, query, value",
        ("scaled_dot_product_attention(query, key, value)  #", "scaled_dot_product_attention(key, query, value)  #"),
    ),
    wrong(
        "attention scaled twice",
        (
            "scaled_dot_product_attention(query, key, value)  #",
            "scaled_dot_product_attention(query / self.head_dim**0.5, key, value)  #",
        ),
    ),
    wrong(
        "A bias is missing: c_proj.bias",
        (
            "self.c_proj = Linear(config.n_embd, config.n_embd)",
            "self.c_proj = Linear(config.n_embd, config.n_embd, bias=False)",
        ),
    ),
    wrong(
        "in _split_heads",
        ("self.n_head = config.n_head", "self.n_head = 3"),
    ),
)
