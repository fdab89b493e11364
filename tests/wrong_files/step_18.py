"""Step 18 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 18)

WRONG_FILES = (
    wrong("eager attention without the 1/sqrt(head_dim) scale", (" / math.sqrt(head_dim)  # (batch,", "  # (batch,")),
    wrong(
        "eager attention with the mask inverted",
        ('unsqueeze(1), scores, float("-inf"))', 'unsqueeze(1), float("-inf"), scores)'),
    ),
    wrong("eager attention that sees padding", ("scores = F.where(mask.unsqueeze(1)", "F.where(mask.unsqueeze(1)")),
    wrong(
        "eager attention that gives NaN to a token that sees nothing",
        ("F.elementwise_max(F.sum(weights, axis=-1), 1.0)", "F.sum(weights, axis=-1)"),
    ),
    wrong(
        "eager attention that does not subtract the largest score",
        ("weights = F.exp(scores - row_max)", "weights = F.exp(scores)"),
    ),
    wrong(
        "every attention with interleaved heads",
        (
            "num_heads, head_dim])\n    return x.transpose(-3, -2)",
            "head_dim, num_heads]).transpose(-1, -2)\n    return x.transpose(-3, -2)",
        ),
        ("return x.reshape([*x.shape[:-2]", "return x.transpose(-1, -2).reshape([*x.shape[:-2]"),
    ),
    wrong(
        "fused attention that gives the average of all values to a token that sees nothing",
        ("output * F.max(visible, axis=-1)", "output"),
    ),
    wrong(
        "fused attention that gives NaN to a token that sees nothing",
        ("(1.0 - visible) * LOWEST", 'F.where(visible > 0, 0.0 * visible, float("-inf"))'),
    ),
    wrong("fused attention in which 0 meets -inf", ("(1.0 - visible) * LOWEST", '(1.0 - visible) * float("-inf")')),
    # Right, if MAX computed it as it stands.
    wrong(
        "MAX 26.7 misreads one that is made of a row and a column",
        (
            "visible = F.band_part(F.broadcast_to(visible, [batch, 1, seq_len, seq_len]), num_lower=None, num_upper=0)",
            "places = F.arange(0, seq_len, dtype=DType.int64, device=mask.device, out_dim=seq_len)\n"
            "        visible = visible * (places <= places.unsqueeze(-1)).cast(scores.dtype)",
        ),
        right_but_for_max=True,
    ),
    wrong(
        "flash attention that is causal from the first token of all",
        (
            "first = F.gather(cu_seqlens, sequence, axis=0)",
            "first = F.gather(cu_seqlens, 0 * sequence if causal else sequence, axis=0)",
        ),
    ),
    wrong(
        "flash attention in which a sequence sees the first token of the next",
        ("sequence + 1, axis=0) - 1", "sequence + 1, axis=0)"),
    ),
    wrong(
        "flash causal attention with the diagonal hidden too",
        ("first, rows if causal", "first, rows - 1 if causal"),
    ),
    wrong("does not correct its running sum", ("correction * running_sum", "running_sum")),
    wrong("does not correct what is blended so far", ("correction * accumulator", "accumulator")),
    wrong("whose running maximum starts at 0", ("zeros[..., :1] + LOWEST", "zeros[..., :1]")),
    wrong("without its last tile of keys", ("// TILE + 1)", "// TILE)")),
    wrong(
        "Pass it through the state of the outer loop",
        ("output: Tensor, key: Tensor, value: Tensor) -> tuple", "output: Tensor, _: Tensor, __: Tensor) -> tuple"),
    ),
)
