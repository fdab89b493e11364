"""Step 02 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 2)

RIGHT_FILES = (
    right(
        "F.full in place of a constant",
        (
            (
                '    mask = Tensor(float("-inf"), dtype=dtype, device=device)\n'
                "    mask = F.broadcast_to(mask, (sequence_length, Dim(sequence_length) + num_tokens))\n"
            ),
            (
                "    shape = [Dim(sequence_length), Dim(sequence_length) + num_tokens]\n"
                "    mask = F.broadcast_to(Tensor(-math.inf, dtype=dtype, device=device), shape)\n"
            ),
        ),
        ("from max.driver import Device\n", ("import math\n\nfrom max.driver import Device\n")),
    ),
    right(
        "the part above the band",
        (
            "return F.band_part(mask, num_lower=None, num_upper=num_tokens, exclude=True)",
            "return F.band_part(mask, num_tokens * 0 - 1, num_tokens, exclude=True)",
        ),
    ),
    right(
        "a column and a row compared",
        (
            (
                '    mask = Tensor(float("-inf"), dtype=dtype, device=device)\n'
                "    mask = F.broadcast_to(mask, (sequence_length, Dim(sequence_length) + num_tokens))\n"
                "    return F.band_part(mask, num_lower=None, num_upper=num_tokens, exclude=True)"
            ),
            (
                "    rows = F.arange(0, Dim(sequence_length), dtype=DType.int64, device=device)\n"
                "    keys = F.arange(0, Dim(sequence_length) + num_tokens, dtype=DType.int64, "
                "device=device)\n"
                "    visible = keys.unsqueeze(0) <= rows.unsqueeze(1) + num_tokens\n"
                "    zero = Tensor(0.0, dtype=dtype, device=device)\n"
                '    return F.where(visible, zero, Tensor(float("-inf"), dtype=dtype, device=device))'
            ),
        ),
    ),
)
