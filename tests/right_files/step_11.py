"""Step 11 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 11)

RIGHT_FILES = (
    right(
        "names for the sums",
        (
            ("        x = x + self.attn(self.ln_1(x))\n        x = x + self.mlp(self.ln_2(x))\n        return x"),
            (
                "        after_attention = self.attn(self.ln_1(x)) + x\n"
                "        return after_attention + self.mlp(self.ln_2(after_attention))"
            ),
        ),
    ),
    right(
        "a loop",
        (
            ("        x = x + self.attn(self.ln_1(x))\n        x = x + self.mlp(self.ln_2(x))\n"),
            (
                "        for norm, sublayer in ((self.ln_1, self.attn), (self.ln_2, self.mlp)):\n"
                "            x = x + sublayer(norm(x))\n"
            ),
        ),
    ),
    right(
        "operators in place", ("        x = x + self.attn(self.ln_1(x))\n", "        x += self.attn(self.ln_1(x))\n")
    ),
)
