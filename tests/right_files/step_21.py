"""Step 21 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 21)

RIGHT_FILES = (
    right(
        "the weight's gradient as a sum over texts",
        (
            "grad_weight = by_token(grad_y).transpose(0, 1) @ by_token(x)",
            "grad_weight = F.squeeze(F.sum(grad_y.transpose(1, 2) @ x, axis=0), 0)",
        ),
    ),
    right(
        "the product rule term by term",
        (
            "return grad_y * 0.5 * (1 + t + x * (1 - t * t) * slope)",
            "gate = 0.5 * (1 + t)\n    return grad_y * gate + grad_y * x * (0.5 * (1 - t * t) * slope)",
        ),
    ),
    right(
        "a norm with its standard deviation",
        (
            "scale = F.rsqrt(F.mean(centered * centered, axis=-1) + eps)",
            "scale = 1.0 / F.sqrt(F.mean(centered * centered, axis=-1) + eps)",
        ),
        (
            "grad_x = (grad_normalized - F.mean(grad_normalized, axis=-1) - normalized * along) * scale",
            "common = F.mean(grad_normalized, axis=-1) + normalized * along\n"
            "    grad_x = scale * (grad_normalized - common)",
        ),
    ),
    right(
        "a table by a product with one-hot rows",
        (
            "    rows = input_ids.reshape([batch * seq_len, 1])\n"
            "    return F.scatter_nd_add(zeros, by_token(grad_y), rows)",
            "    ids = F.arange(0, num_rows, dtype=DType.int64, device=grad_y.device)\n"
            "    rows = input_ids.reshape([1, batch * seq_len])\n"
            "    chosen = F.equal(F.unsqueeze(ids, 1), rows).cast(DType.float32)  # (num_rows, tokens)\n"
            "    return zeros + chosen @ by_token(grad_y)",
        ),
    ),
)
