"""PyTorch's `nn.MultiheadAttention` beside the `MultiHeadAttention` of step 19: one computation, in other hands.

Only the script that writes the reference files, the tests and the book use this.
"""

import math

import numpy as np
import torch
from torch import nn

from tutor.checking.spec import Arrays


# ANCHOR: weights
def pytorch_module(parameters: Arrays, num_heads: int) -> nn.MultiheadAttention:
    """Makes PyTorch's module of the eight parameters of step 19, in float64."""
    tensors = {name: torch.from_numpy(array.astype(np.float64)) for name, array in parameters.items()}
    module = nn.MultiheadAttention(len(tensors["out_proj.bias"]), num_heads, batch_first=True, dtype=torch.float64)
    module.load_state_dict(
        {
            # PyTorch keeps the three projections as one, the query's rows on top.
            "in_proj_weight": torch.cat([tensors[f"{name}_proj.weight"] for name in "qkv"]),
            "in_proj_bias": torch.cat([tensors[f"{name}_proj.bias"] for name in "qkv"]),
            "out_proj.weight": tensors["out_proj.weight"],
            "out_proj.bias": tensors["out_proj.bias"],
        }
    )
    return module.eval()


# ANCHOR_END: weights


# ANCHOR: call
def call_pytorch(
    module: nn.MultiheadAttention, x: torch.Tensor, mask: torch.Tensor | None = None, *, average: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Calls PyTorch's module as step 19's is called: `mask` is True where a query may look."""
    hidden = None
    if mask is not None:
        batch, seq_len, _ = x.shape
        # PyTorch's mask is True where a query may NOT look, and has batch and heads in one axis.
        hidden = ~mask.expand(batch, module.num_heads, seq_len, seq_len).flatten(0, 1)
    # Three inputs, because they may be three: here all are x. Averaged over the heads is PyTorch's default.
    return module(x, x, x, attn_mask=hidden, average_attn_weights=average)


# ANCHOR_END: call


# ANCHOR: lines
def line_by_line(
    module: nn.MultiheadAttention, x: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """What PyTorch's module computes, in the lines of step 19."""
    batch, seq_len, embed_dim = x.shape
    projected = nn.functional.linear(x, module.in_proj_weight, module.in_proj_bias)
    query, key, value = (
        part.reshape(batch, seq_len, module.num_heads, module.head_dim).transpose(1, 2)
        for part in projected.chunk(3, dim=-1)
    )  # (batch, num_heads, seq_len, head_dim)
    scores = query @ key.transpose(-1, -2) / math.sqrt(module.head_dim)  # (batch, num_heads, seq_len, seq_len)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    attention_weights = torch.softmax(scores, dim=-1)  # a row of nothing but -inf stays NaN here
    merged = (attention_weights @ value).transpose(1, 2).reshape(batch, seq_len, embed_dim)
    return module.out_proj(merged), attention_weights


# ANCHOR_END: lines
