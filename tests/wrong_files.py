"""Learners' files with a known wrong_file: each is a solution in which one piece is replaced."""

from dataclasses import dataclass
from pathlib import Path

from tutor.learner.skeleton import as_learners_file
from tutor.learner.workspace import REPOSITORY, Workspace


@dataclass(frozen=True)
class WrongFile:
    """One mistaken file.

    Args:
        step: whose file.
        replace: pieces of the solution, each occurring once, and what stands there in the mistaken file.
        told: what the verdict must say.
        compiles: False if MAX's compiler finds the wrong_file.
    """

    step: int
    replace: tuple[tuple[str, str], ...]
    told: str
    compiles: bool = True

    @property
    def name(self) -> str:
        """For test ids."""
        return f"{self.step:02d}-{self.told.replace(' ', '-')}"

    def source(self) -> str:
        """The text of the mistaken learner's file."""
        text = Workspace(REPOSITORY).solution(self.step).read_text()
        for old, new in self.replace:
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in solution {self.step:02d}"
            text = text.replace(old, new)
        return as_learners_file(text)

    def write(self, workspace: Workspace) -> Path:
        """Writes the mistaken file into a workspace."""
        file = workspace.step(self.step)
        file.write_text(self.source())
        return file


def _wrong(step: int, told: str, *replace: tuple[str, str], compiles: bool = True) -> WrongFile:
    return WrongFile(step, replace, told, compiles)


BAND = "F.band_part(mask, num_lower=None, num_upper=num_tokens, exclude=True)"
SHAPE = "(sequence_length, Dim(sequence_length) + num_tokens)"
SCORES = "query @ key.transpose(-1, -2) / math.sqrt(head_dim)"
SPLIT = "query, key, value = F.chunk(qkv, 3, axis=-1)"
HIDE = 'F.where(visible_keys(mask, scores), scores, float("-inf"))'
ZEROS = 'F.where(scores == float("-inf"), 0.0, F.softmax(scores))'
RETURN = "return attention_weights @ value, attention_weights"

WRONG_FILES = (
    _wrong(2, "the mask transposed", (BAND, "F.band_part(mask, num_lower=0, num_upper=None, exclude=True)")),
    _wrong(
        2,
        "a mask that is off by one: each token sees the next one",
        ("num_upper=num_tokens", "num_upper=num_tokens + 1"),
    ),
    _wrong(2, "F.band_part takes -1 as no limit", ("num_upper=num_tokens", "num_upper=num_tokens - 1")),
    # The band of a square, with room for the cache beside it: a right idea, but for the diagonal.
    _wrong(
        2,
        "a mask whose diagonal is masked too",
        (SHAPE, "(sequence_length, sequence_length)"),
        (
            BAND,
            "F.concat([F.broadcast_to(Tensor(0.0, dtype=dtype, device=device), (sequence_length, num_tokens)), "
            "F.band_part(mask, num_lower=0, num_upper=None)], axis=1)",
        ),
    ),
    _wrong(2, "a mask with a large finite number, -1e+09, instead of -inf", ('float("-inf")', "-1e9")),
    _wrong(
        2,
        "a mask with a large finite number, -3.4028235e+38, instead of -inf",
        ('float("-inf")', "-3.4028234663852886e38"),
    ),
    _wrong(2, "a mask that is not shifted when there is a cache", ("num_upper=num_tokens", "num_upper=0")),
    _wrong(
        2,
        "the mask inverted: it hides what a token should see",
        ("num_upper=num_tokens, exclude=True", "num_upper=num_tokens"),
    ),
    _wrong(
        3,
        "layer norm with the sample variance",
        ("F.mean(centered * centered, axis=-1)", "F.sum(centered * centered, axis=-1) / (int(x.shape[-1]) - 1)"),
    ),
    _wrong(
        3,
        "layer norm with epsilon outside the square root",
        ("* F.rsqrt(variance + self.eps)", "/ (F.sqrt(variance) + self.eps)"),
    ),
    _wrong(4, "exact GELU", (', approximate="tanh"', "")),
    _wrong(
        4,
        "A bias is missing: c_fc.bias",
        ("Linear(config.n_embd, intermediate_size)", "Linear(config.n_embd, intermediate_size, bias=False)"),
    ),
    _wrong(4, "keeps its weight as [out, in]", ("x = self.c_fc(x)", "x = x @ self.c_fc.weight + self.c_fc.bias")),
    _wrong(6, "positions starting at 1", ("F.arange(0, seq_len, ", "1 + F.arange(0, seq_len, ")),
    _wrong(7, "order", (SPLIT, "key, query, value = F.chunk(qkv, 3, axis=-1)")),
    _wrong(7, "A bias is missing: bias", ("3 * config.n_embd)\n\n", "3 * config.n_embd, bias=False)\n\n")),
    _wrong(8, "attention without the 1/sqrt(head_dim) scale", (" / math.sqrt(head_dim)", "")),
    _wrong(8, "attention scaled by sqrt(n_embd)", ("math.sqrt(head_dim)", "math.sqrt(head_dim * int(query.shape[1]))")),
    _wrong(
        8,
        "attention with the softmax over the queries",
        ("F.softmax(scores + mask)", "F.softmax(scores + mask, axis=2)"),
    ),
    _wrong(
        8,
        "F.softmax knows no negative axis but -1",
        ("F.softmax(scores + mask)", "F.softmax(scores + mask, axis=-2)"),
        compiles=False,
    ),
    _wrong(8, "attention without the causal mask", ("F.softmax(scores + mask)", "F.softmax(scores)")),
    _wrong(
        9,
        "attention with the heads merged without the transpose",
        ("        x = x.transpose(1, 2)  # (batch, seq_len, n_head, head_dim)\n", ""),
    ),
    _wrong(
        9,
        "attention with the weight of c_proj not transposed",
        (
            "self.c_proj(self._merge_heads(attended))",
            "self._merge_heads(attended) @ self.c_proj.weight + self.c_proj.bias",
        ),
    ),
    _wrong(10, "residual", ("return x + self.sublayer", "return self.sublayer")),
    _wrong(10, "post-norm", ("x + self.sublayer(self.ln(x))", "self.ln(x + self.sublayer(x))")),
    _wrong(11, "residual", ("x = x + self.attn(self.ln_1(x))", "x = self.attn(self.ln_1(x))")),
    _wrong(
        11,
        "post-norm",
        ("x = x + self.attn(self.ln_1(x))", "x = self.ln_1(x + self.attn(x))"),
        ("x = x + self.mlp(self.ln_2(x))", "x = self.ln_2(x + self.mlp(x))"),
    ),
    _wrong(12, "final layer norm", ("return self.ln_f(x)", "return x")),
    _wrong(13, "lm_head.weight", ("        self.lm_head.weight = self.transformer.wte.weight\n", "")),
    _wrong(14, "the logits of the first position", ("logits[0, -1]", "logits[0, 0]")),
    _wrong(14, "The temperature is multiplied", ("logits.max()) / temperature", "logits.max()) * temperature")),
    _wrong(
        14,
        "A new random generator for each token",
        (
            "ids[-n_positions:], temperature=temperature, top_k=top_k, top_p=top_p, rng=rng",
            "ids[-n_positions:], temperature=temperature, top_k=top_k, top_p=top_p, rng=np.random.default_rng(seed)",
        ),
    ),
    _wrong(
        15,
        "transpose all four kinds in CONV1D",
        ("        if name.endswith(CONV1D):\n", "        if array.shape != shapes[name]:\n"),
    ),
    _wrong(
        15, "`attn.c_attn.bias` is a real bias", ('(".attn.bias", ".attn.masked_bias")', '("attn.bias", "c_attn.bias")')
    ),
    _wrong(15, "a parameter that two keys set raises an error", ("        if name in weights:\n", "        if name in shapes and False:\n")),
    _wrong(
        15,
        "Do not copy: give both names the same array",
        ('= weights["transformer.wte.weight"]', '= weights["transformer.wte.weight"].copy()'),
    ),
    _wrong(
        16,
        "a model whose mask is not shifted by the cache",
        ("<= F.unsqueeze(positions, 1)", "<= F.unsqueeze(positions - num_tokens, 1)"),
    ),
    _wrong(
        16,
        "a model that takes the first new token for the first of the text",
        (" + num_tokens.to(input_ids.device)", ""),
    ),
    _wrong(
        16,
        "a model that numbers the new tokens from 0",
        ("input_ids, num_tokens, positions, mask_of", "input_ids, num_tokens, positions - num_tokens, mask_of"),
    ),
    _wrong(
        16,
        "a model whose tokens see one too far",
        ("F.unsqueeze(keys, 0) <= F.unsqueeze(positions, 1)", "F.unsqueeze(keys, 0) <= F.unsqueeze(positions + 1, 1)"),
    ),
    _wrong(
        16,
        "a model whose layers share one pair of caches",
        ("caches[::2], caches[1::2], strict=True", "[caches[0]] * 99, [caches[1]] * 99"),
    ),
    _wrong(16, "a model that swaps keys and values", ("caches[::2], caches[1::2]", "caches[1::2], caches[::2]")),
    _wrong(
        16,
        "a cache that is never written",
        ("    ops.buffer_store_slice(cache, new, [every, every, (slice(num_tokens, end), seq_len), every])\n", ""),
    ),
    _wrong(
        16,
        "The slice that is written must be as long as what is new",
        ("(slice(num_tokens, end), seq_len)", "(slice(num_tokens, end), cache.shape[2])"),
    ),
    _wrong(
        16, "Give its length with it", ("(slice(num_tokens, end), seq_len), every])", "slice(num_tokens, end), every])")
    ),
    _wrong(16, "Give its length with it", ('(slice(0, end), "total_len")', "slice(0, end)")),
    _wrong(16, "a model that predicts from the first new token", ("x[:, -1]", "x[:, 0]")),
    _wrong(16, "the last n_positions // 2 of the text", ("n_positions // 2", "n_positions - 1")),
    _wrong(16, "not in the caches yet", ("        new = [token]\n", "        new, num_tokens = list(ids), 0\n")),
    _wrong(
        17,
        "a model that takes the first new column for the first of all",
        (" + num_tokens.to(device)  # (seq_len,)", ""),
    ),
    _wrong(
        17, "a model that sees the padding", ("F.where(start <= key, key, NEVER)", "F.where(start <= key, key, key)")
    ),
    _wrong(
        17,
        "a model that counts padding as positions",
        ("F.elementwise_max(query - start, 0)", "F.elementwise_max(query - 0 * start, 0)"),
    ),
    _wrong(17, "A softmax over nothing but -inf is 0 / 0", ("hidden=-1e30", 'hidden=float("-inf")')),
    _wrong(17, "pad_left fills up on the left", ("ids[row, start:] = prompt", "ids[row, : len(prompt)] = prompt")),
    _wrong(
        17, "The new tokens of a row follow from its own logits", ("choose(row, logits[row])", "choose(row, logits[0])")
    ),
    _wrong(
        17,
        "Keep the set of rows that are still going",
        ("                going.remove(row)\n", "                return\n"),
    ),
    _wrong(
        18, "eager attention without the 1/sqrt(head_dim) scale", (" / math.sqrt(head_dim)  # (batch,", "  # (batch,")
    ),
    _wrong(
        18,
        "eager attention with the mask inverted",
        ('unsqueeze(1), scores, float("-inf"))', 'unsqueeze(1), float("-inf"), scores)'),
    ),
    _wrong(
        18, "eager attention that sees padding", ("scores = F.where(mask.unsqueeze(1)", "F.where(mask.unsqueeze(1)")
    ),
    _wrong(
        18,
        "eager attention that gives NaN to a token that sees nothing",
        ("F.elementwise_max(F.sum(weights, axis=-1), 1.0)", "F.sum(weights, axis=-1)"),
    ),
    _wrong(
        18,
        "eager attention that does not subtract the largest score",
        ("weights = F.exp(scores - row_max)", "weights = F.exp(scores)"),
    ),
    _wrong(
        18,
        "every attention with interleaved heads",
        (
            "num_heads, head_dim])\n    return x.transpose(-3, -2)",
            "head_dim, num_heads]).transpose(-1, -2)\n    return x.transpose(-3, -2)",
        ),
        ("return x.reshape([*x.shape[:-2]", "return x.transpose(-1, -2).reshape([*x.shape[:-2]"),
    ),
    _wrong(
        18,
        "fused attention that gives the average of all values to a token that sees nothing",
        ("output * F.max(visible, axis=-1)", "output"),
    ),
    _wrong(
        18,
        "fused attention that hides with -inf",
        ("(1.0 - visible) * LOWEST", 'F.where(visible > 0, 0.0 * visible, float("-inf"))'),
    ),
    _wrong(
        18, "fused attention in which 0 meets -inf", ("(1.0 - visible) * LOWEST", '(1.0 - visible) * float("-inf")')
    ),
    # Right, if MAX computed it as it stands.
    _wrong(
        18,
        "fused causal attention that sees the future if there is a mask",
        (
            "visible = F.band_part(F.broadcast_to(visible, [batch, 1, seq_len, seq_len]), num_lower=None, num_upper=0)",
            "places = F.arange(0, seq_len, dtype=DType.int64, device=mask.device, out_dim=seq_len)\n"
            "        visible = visible * (places <= places.unsqueeze(-1)).cast(scores.dtype)",
        ),
    ),
    _wrong(
        18,
        "flash attention that is causal from the first token of all",
        (
            "first = F.gather(cu_seqlens, sequence, axis=0)",
            "first = F.gather(cu_seqlens, 0 * sequence if causal else sequence, axis=0)",
        ),
    ),
    _wrong(
        18,
        "flash attention in which a sequence sees the first token of the next",
        ("sequence + 1, axis=0) - 1", "sequence + 1, axis=0)"),
    ),
    _wrong(
        18,
        "flash causal attention with the diagonal hidden too",
        ("first, rows if causal", "first, rows - 1 if causal"),
    ),
    _wrong(18, "does not correct its running sum", ("correction * running_sum", "running_sum")),
    _wrong(18, "does not correct what is blended so far", ("correction * accumulator", "accumulator")),
    _wrong(18, "whose running maximum starts at 0", ("zeros[..., :1] + LOWEST", "zeros[..., :1]")),
    _wrong(18, "without its last tile of keys", ("// TILE + 1)", "// TILE)")),
    _wrong(
        18,
        "Hand it through the state of the outer loop",
        ("output: Tensor, key: Tensor, value: Tensor) -> tuple", "output: Tensor, _: Tensor, __: Tensor) -> tuple"),
    ),
    _wrong(19, "attention without the 1/sqrt(head_dim) scale", (" / math.sqrt(int(query.shape[-1]))", "")),
    _wrong(19, "attention that gives NaN where a query sees nothing", (ZEROS, "F.softmax(scores)")),
    _wrong(
        19,
        "attention that spreads the weight evenly where a query sees nothing",
        (HIDE, HIDE.replace('float("-inf")', "-1e9")),
    ),
    _wrong(
        19,
        "attention that hides keys after the softmax",
        (f"    if mask is not None:\n        scores = {HIDE}\n", ""),
        (
            f"attention_weights = {ZEROS}\n",
            "attention_weights = F.softmax(scores)\n    if mask is not None:\n"
            "        attention_weights = F.where(visible_keys(mask, scores), attention_weights, 0.0)\n",
        ),
    ),
    _wrong(
        19,
        "attention with the mask inverted",
        (HIDE, 'F.where(visible_keys(mask, scores), float("-inf"), scores)'),
    ),
    _wrong(
        19,
        "attention that gives its scores, with -inf in them, in place of its weights",
        (RETURN, "return attention_weights @ value, scores"),
    ),
    _wrong(
        19,
        "attention with the softmax over the queries",
        ("F.softmax(scores)", "F.softmax(scores, axis=scores.rank - 2)"),
    ),
    _wrong(19, "Compare the mask with 1", ("else mask == 1", "else mask != 0")),
    _wrong(19, "Return the output and the weights, in this order", (RETURN, "return attention_weights @ value")),
    _wrong(19, "MAX notices it late", ("    check_shapes(query, key, value)\n", "")),
    _wrong(
        19,
        "hold each size of the mask against the scores' last sizes",
        ("not all(size in (1, wanted) for size, wanted in sizes)", "False"),
    ),
    _wrong(
        19,
        "Raise a ValueError with the first number that is neither 0 nor 1",
        ("np.setdiff1d(mask.to_numpy(), (0, 1)) if mask.real else ()", "()"),
    ),
    _wrong(19, "`dims(mask.unsqueeze(1))`", ("if mask.rank == 3 and scores.rank == 4:", "if False:")),
    _wrong(
        19,
        "Hand the mask on to `scaled_dot_product_attention`",
        ("scaled_dot_product_attention(query, key, value, mask)", "scaled_dot_product_attention(query, key, value)"),
    ),
    _wrong(
        19,
        "a module with the heads merged without the transpose",
        ("attended.transpose(1, 2).reshape", "attended.reshape"),
    ),
    _wrong(
        19,
        "a module that uses its projections in the order query, value, key",
        ("(self.q_proj, self.k_proj, self.v_proj)", "(self.q_proj, self.v_proj, self.k_proj)"),
    ),
    _wrong(
        19,
        "Raise a ValueError with this message, word for word",
        ("({embed_dim}) must be divisible", "({embed_dim}) cannot be divided"),
    ),
)
