"""Step 04 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 4)

RIGHT_FILES = (
    right(
        "one line",
        (
            (
                "        x = self.c_fc(x)  # (batch, seq_len, intermediate_size)\n"
                '        x = F.gelu(x, approximate="tanh")\n'
                "        return self.c_proj(x)  #"
            ),
            '        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))  #',
        ),
    ),
    right(
        "GELU written out",
        (
            'F.gelu(x, approximate="tanh")',
            "0.5 * x * (1.0 + F.tanh(0.7978845608028654 * x * (1.0 + 0.044715 * x * x)))",
        ),
    ),
    right(
        "a sigmoid in place of tanh",
        ('F.gelu(x, approximate="tanh")', "x * F.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))"),
    ),
)
