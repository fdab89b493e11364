"""The oracle: what Hugging Face's own GPT-2 computes (and PyTorch, for step 19), one function a step, in float64.

Each function takes a subject, its parameters and the inputs of a case, and gives the
outputs by name. Only the script that writes the reference files and the tests import this.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel, GPT2Model
from transformers.cache_utils import DynamicLayer
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.gpt2.modeling_gpt2 import GPT2MLP, GPT2Attention, GPT2Block, eager_attention_forward
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from tutor.checking.spec import Arrays, Subject
from tutor.errors import IncompleteStepError
from tutor.oracle.gradients import gradients_of, parameter_gradients
from tutor.oracle.pytorch import call_pytorch, pytorch_module

Oracle = Callable[[Subject, Arrays, Arrays], Mapping[str, torch.Tensor]]


def outputs(step: int, subject: Subject, parameters: Arrays, inputs: Arrays) -> Arrays:
    """What a subject of a step must give: float32, without gradients.

    Raises:
        IncompleteStepError: the step has no oracle.
    """
    oracle = ORACLES.get(step)
    if oracle is None:
        raise IncompleteStepError(
            f"step {step:02d} has no oracle: write `step_{step:02d}` in tutor/oracle/hugging_face.py, add it to ORACLES"
        )
    with torch.no_grad():
        return {name: result.numpy().astype(np.float32) for name, result in oracle(subject, parameters, inputs).items()}


def step_00(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """The softmax, the blend of one query, and attention without biases and output projection."""
    if subject.name == "softmax":
        return {"weights": torch.softmax(tensor(inputs["scores"]), dim=-1)}
    if subject.name == "attend":
        query, keys, values = (tensor(inputs[name]) for name in ("query", "keys", "values"))
        # One batch, one head, one query.
        heads = query[None, None, None], keys[None, None], values[None, None]
        return {"blended": eager_attention_forward(nn.Module().eval(), *heads, None)[0].flatten()}
    n_embd = inputs["xs"].shape[-1]
    module = {
        "c_attn.weight": np.vstack([inputs["wq"], inputs["wk"], inputs["wv"]]),
        "c_attn.bias": np.zeros(3 * n_embd),
        "c_proj.weight": np.eye(n_embd),
        "c_proj.bias": np.zeros(n_embd),
    }
    return {"outputs": step_09(subject, module, {"x": inputs["xs"][None]})["y"][0]}


def step_02(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """Hugging Face's mask of what each query may see, as numbers to add."""
    num_tokens = subject.settings["num_tokens"]
    length = subject.settings.get("sequence_length", len(inputs["x"]))
    may_look = sdpa_mask(1, length, length + num_tokens, q_offset=num_tokens, allow_is_causal_skip=False)
    assert may_look is not None, "it was not to be skipped"
    return {"mask": torch.zeros(length, length + num_tokens).masked_fill(~may_look[0, 0], -torch.inf)}


def step_03(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """PyTorch's layer norm, which Hugging Face's GPT-2 uses."""
    x = tensor(inputs["x"])
    return {"y": filled(nn.LayerNorm(x.shape[-1], **subject.settings), parameters)(x)}


def step_04(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2MLP`."""
    return {"y": filled(GPT2MLP(subject.settings["n_inner"], config(subject)), parameters)(tensor(inputs["x"]))}


def step_05(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2Model.wte`."""
    table = GPT2Model(config(subject)).wte
    return {"y": filled(table, parameters)(tensor(inputs["input_ids"]))}


def step_06(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2Model.wpe` at the positions that `GPT2Model` looks up."""
    table = GPT2Model(config(subject)).wpe
    return {"y": filled(table, parameters)(torch.arange(inputs["input_ids"].shape[-1]))}


def step_07(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2Attention.c_attn`, split as `GPT2Attention` splits it."""
    attention = GPT2Attention(config(subject))
    parts = filled(attention.c_attn, parameters)(tensor(inputs["x"])).split(attention.split_size, dim=2)
    return dict(zip(("query", "key", "value"), parts, strict=True))


def step_08(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """The attention function of Hugging Face's GPT-2."""
    query, key, value = (tensor(inputs[name]) for name in ("query", "key", "value"))
    y, _ = eager_attention_forward(nn.Module().eval(), query, key, value, mask(query.shape[-2]))
    return {"y": y.transpose(1, 2)}  # it comes with the tokens in front of the heads


def step_09(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2Attention`, or how it splits and merges its heads."""
    x = tensor(inputs["x"])
    if subject.name in ("_split_heads", "_merge_heads"):
        return {"y": _heads_of_attention(subject, x)}
    attention = filled(GPT2Attention(config(subject), layer_idx=0), parameters)
    return {"y": attention(x, attention_mask=mask(x.shape[1]))[0]}


def _heads_of_attention(subject: Subject, x: torch.Tensor) -> torch.Tensor:
    """What `GPT2Attention` hands to its attention function as queries, or to `c_proj`: caught on the way."""
    n_embd, caught = subject.settings["n_embd"], {}
    attention = GPT2Attention(config(subject), layer_idx=0).double().eval()
    attention.config._attn_implementation = "caught"

    def attend(module: nn.Module, query: torch.Tensor, *rest: object, **more: object) -> tuple[torch.Tensor, None]:
        caught["split"] = query
        # An attention function gives its result with the tokens in front of the heads.
        return (x if subject.name == "_merge_heads" else query).transpose(1, 2), None

    ALL_ATTENTION_FUNCTIONS.register("caught", attend)
    attention.c_proj.register_forward_pre_hook(lambda module, given: caught.update(merged=given[0]))
    if subject.name == "_merge_heads":
        attention(torch.zeros(len(x), x.shape[2], n_embd, dtype=torch.float64))
        return caught["merged"]
    attention.c_attn.weight.data = torch.eye(n_embd, dtype=torch.float64).repeat(1, 3)
    attention.c_attn.bias.data.zero_()
    attention(x)
    return caught["split"]


class _AttentionThatAddsNothing(nn.Module):
    """Takes the place of a block's attention."""

    def forward(self, hidden_states: torch.Tensor, **_: object) -> tuple[torch.Tensor, None]:
        return torch.zeros_like(hidden_states), None


def step_10(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """The second half of `GPT2Block`: its residual step around the MLP, or around a linear layer in its place."""
    block = GPT2Block(config(subject), layer_idx=0)
    n_embd = subject.settings["n_embd"]
    block.add_module("attn", _AttentionThatAddsNothing())  # so that the first half leaves x as it is
    filled(block.ln_2, sub(parameters, "ln"))
    if "sublayer.weight" in parameters:
        block.add_module("mlp", nn.Linear(n_embd, n_embd))
    filled(block.mlp, sub(parameters, "sublayer"))
    return {"y": block.double().eval()(tensor(inputs["x"]))}


def step_11(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2Block`."""
    x = tensor(inputs["x"])
    return {"y": filled(GPT2Block(config(subject), layer_idx=0), parameters)(x, attention_mask=mask(x.shape[1]))}


def step_12(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2Model`."""
    return {"y": filled(GPT2Model(config(subject)), parameters)(tensor(inputs["input_ids"])).last_hidden_state}


def step_13(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2LMHeadModel`."""
    return {"logits": language_model(subject, parameters)(tensor(inputs["input_ids"])).logits}


def step_16(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2LMHeadModel` with a cache: the logits after the last token, and the caches afterwards; or its parts."""
    if subject.name == "attend":
        query, keys, values = (tensor(inputs[name]) for name in ("query", "keys", "values"))
        y, _ = eager_attention_forward(nn.Module().eval(), query, keys, values, tensor(inputs["mask"]))
        return {"y": y.transpose(1, 2)}  # it comes with the tokens in front of the heads
    if subject.name == "extend":
        return extended(int(inputs["num_tokens"]), tensor(inputs["cache"]), tensor(inputs["new"]))
    num_tokens, seq_len = int(inputs["num_tokens"]), inputs["input_ids"].shape[1]
    cache, given = filled_cache(subject, inputs), {}
    if subject.name == "predict":
        batch = len(inputs["input_ids"])
        given["position_ids"] = tensor(inputs["positions"]).expand(batch, -1)
        given["attention_mask"] = tensor(inputs["mask"])[None, None].expand(batch, 1, -1, -1)
    model = language_model(subject, parameters)
    logits = model(tensor(inputs["input_ids"]), past_key_values=cache, **given).logits
    after = {"logits": logits[:, -1]}
    for layer, kept in enumerate(cache.layers):
        assert isinstance(kept, DynamicLayer) and kept.keys is not None and kept.values is not None
        for name, states in ((f"keys_{layer}", kept.keys), (f"values_{layer}", kept.values)):
            after[name] = tensor(inputs[name]).clone()
            after[name][:, :, num_tokens : num_tokens + seq_len] = states[:, :, num_tokens:]
    return after


def extended(num_tokens: int, cache: torch.Tensor, new: torch.Tensor) -> dict[str, torch.Tensor]:
    """What Hugging Face's growing cache gives when new keys come to those that it has; and a cache with room for all.

    It tells keys from values, and grows them alike.
    """
    growing = DynamicCache()
    if num_tokens:
        growing.update(cache[:, :, :num_tokens], cache[:, :, :num_tokens], 0)
    keys, _ = growing.update(new, new, 0)
    return {"keys": keys, "cache": torch.cat([keys, cache[:, :, keys.shape[2] :]], dim=2)}


def step_17(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """`GPT2LMHeadModel` with a cache and padding on the left; what is cached for padding does not matter."""
    num_tokens, seq_len = int(inputs["num_tokens"]), inputs["input_ids"].shape[1]
    columns, starts = torch.arange(num_tokens + seq_len)[None], tensor(inputs["starts"])[:, None]
    logits = language_model(subject, parameters)(
        tensor(inputs["input_ids"]),
        past_key_values=filled_cache(subject, inputs),
        attention_mask=(columns >= starts).long(),
        position_ids=(columns - starts).clamp(min=0)[:, num_tokens:],
    ).logits
    return {"logits": logits[:, -1]}


def step_18(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """PyTorch's `scaled_dot_product_attention`, which gives zeros to a query that sees nothing, too."""
    if subject.settings["way"] == "heads":
        return heads(subject, inputs)
    if subject.name == "visible_range":
        return visible_range(inputs)
    if subject.name == "online_softmax_step":
        return online_softmax_step({name: tensor(array) for name, array in inputs.items()})
    num_heads, head_dim = subject.settings["num_heads"], subject.settings["head_dim"]
    rounded = {name: tensor(inputs[name]) for name in ("query", "key", "value")}
    if subject.settings["dtype"] == "bfloat16":
        rounded = {name: x.bfloat16().double() for name, x in rounded.items()}

    def attend(causal: bool, mask: torch.Tensor | None, tokens: slice = slice(None)) -> torch.Tensor:
        heads = [x[..., tokens, :].unflatten(-1, (num_heads, head_dim)).transpose(-3, -2) for x in rounded.values()]
        seq_len = heads[0].shape[-2]
        visible = torch.ones(seq_len, seq_len, dtype=torch.bool)
        visible = visible.tril() if causal else visible
        if mask is not None:
            visible = visible & mask[:, None, None, :]
        return nn.functional.scaled_dot_product_attention(*heads, attn_mask=visible).transpose(-3, -2).flatten(-2)

    if subject.settings["way"] != "flash":
        mask = tensor(inputs["mask"])
        return {name: attend("causal" in name, None if "without" in name else mask) for name in subject.outputs}
    edges = inputs["cu_seqlens"].tolist()
    pieces = [slice(*edge) for edge in itertools.pairwise(edges)]
    return {name: torch.cat([attend("causal" in name, None, piece) for piece in pieces]) for name in subject.outputs}


def heads(subject: Subject, inputs: Arrays) -> dict[str, torch.Tensor]:
    """The heads of step 18, split or merged as PyTorch's `unflatten` and `flatten` do it."""
    outputs = {}
    for name, array in zip(subject.outputs, inputs.values(), strict=True):
        x = tensor(array)
        if subject.name == "split_heads":
            outputs[name] = x.unflatten(-1, (3, 5)).transpose(-3, -2)
        else:
            outputs[name] = x.transpose(-3, -2).flatten(-2)
    return outputs


def visible_range(inputs: Arrays) -> dict[str, torch.Tensor]:
    """The first and the last key that each token sees, found by going through the keys one by one."""
    edges = inputs["cu_seqlens"].tolist()
    sequence = torch.repeat_interleave(torch.arange(len(edges) - 1), torch.tensor(edges).diff())  # of each token
    tokens, rows = torch.arange(edges[-1]), tensor(inputs["rows"])
    outputs = {}
    for kind in ("bidirectional", "causal"):
        visible = sequence[rows, None] == sequence  # (rows, tokens)
        if kind == "causal":
            visible = visible & (tokens <= rows[:, None])
        outputs[f"first key, {kind}"] = torch.where(visible, tokens, edges[-1]).amin(-1)
        outputs[f"last key, {kind}"] = torch.where(visible, tokens, -1).amax(-1)
    return outputs


def online_softmax_step(given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a softmax over all keys at once gives: those so far count as one, with the logarithm of their sum."""
    so_far = given["running_max"] + given["running_sum"].log()
    logits = torch.cat([so_far, given["scores"]], dim=-1)  # (num_heads, queries, 1 + keys)
    largest = torch.maximum(given["running_max"], given["scores"].amax(-1, keepdim=True))
    total = (logits.logsumexp(-1, keepdim=True) - largest).exp()
    # The mean of the values so far is what was accumulated, divided by the sum; where there is none, it has no weight.
    mean = (given["accumulator"] / given["running_sum"]).nan_to_num()
    weights = (logits - largest).exp()
    blended = weights[..., :1] * mean + weights[..., 1:] @ given["values"]
    return {"running_max": largest, "running_sum": total, "accumulator": blended}


def step_19(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """PyTorch's `scaled_dot_product_attention`, or `nn.MultiheadAttention` with the weights of each head."""
    if subject.name == "visible_keys":
        # What PyTorch gives a hidden key: a score of -inf.
        scores, *masks = (tensor(array) for array in inputs.values())
        return {
            name: scores.masked_fill(~mask.double().eq(1.0), -torch.inf).isfinite()
            for name, mask in zip(subject.outputs, masks, strict=True)
        }
    visible = tensor(inputs["mask"]) == 1 if "mask" in inputs else None
    if parameters:
        module = pytorch_module(parameters, subject.settings["num_heads"])
        results = call_pytorch(module, tensor(inputs["x"]), visible)
        return dict(zip(("output", "attention_weights"), results, strict=True))
    query, key, value = (tensor(inputs[name]) for name in ("query", "key", "value"))
    # The weights themselves are what comes out if each key's value is a one at its own place.
    ones = torch.eye(key.shape[-2], dtype=torch.float64).expand(*key.shape[:-1], -1)
    return {
        "output": scaled_dot_product_attention(query, key, value, visible),
        "attention_weights": scaled_dot_product_attention(query, key, ones, visible),
    }


def step_20(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """PyTorch's `cross_entropy`, its gradient, and the shift of Hugging Face's `ForCausalLMLoss`."""
    if subject.part == "next_token_targets":
        return {"targets": nn.functional.pad(tensor(inputs["input_ids"]), (0, 1), value=-100)[:, 1:]}
    given = {name: tensor(array) for name, array in inputs.items()}

    def loss(given: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return nn.functional.cross_entropy(given["logits"].flatten(0, 1), given["targets"].flatten())

    if subject.part == "cross_entropy":
        return {"loss": loss(given)}
    return {"gradient": gradients_of(loss, given)["logits"]}


def step_21(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """What autograd gives for PyTorch's linear layer, GELU, layer norm and embedding; and these themselves."""
    given = {name: tensor(array) for name, array in inputs.items()}
    width = subject.inputs["grad_y" if "grad_y" in given else "x"].dims[-1]
    assert isinstance(width, int)
    match subject.part:
        case "linear_backward":
            given["bias"] = torch.zeros(width, dtype=torch.float64)

            def forward(given: Mapping[str, torch.Tensor]) -> torch.Tensor:
                return nn.functional.linear(given["x"], given["weight"], given["bias"])

        case "gelu_backward":

            def forward(given: Mapping[str, torch.Tensor]) -> torch.Tensor:
                return nn.functional.gelu(given["x"], approximate="tanh")

        case "layer_norm_backward":
            given["bias"] = torch.zeros(width, dtype=torch.float64)

            def forward(given: Mapping[str, torch.Tensor]) -> torch.Tensor:
                eps = subject.settings["eps"]
                return nn.functional.layer_norm(given["x"], (width,), given["weight"], given["bias"], eps)

        case _:
            given["table"] = torch.zeros(subject.settings["vocab_size"], width, dtype=torch.float64)

            def forward(given: Mapping[str, torch.Tensor]) -> torch.Tensor:
                return nn.functional.embedding(given["input_ids"], given["table"])

    upstream = given.pop("grad_y", None)
    if upstream is None:
        return {"y": forward(given)}
    gradients = gradients_of(forward, given, upstream)
    return {f"grad_{name}": gradient for name, gradient in gradients.items()}


def step_22(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """What autograd gives for a softmax, for the attention function of Hugging Face's GPT-2, and for its module."""
    if subject.part == "softmax_backward":
        # Their logarithms are scores that give these weights.
        scores = tensor(inputs["weights"]).log()
        grad = tensor(inputs["grad_weights"])
        gradients = gradients_of(lambda given: torch.softmax(given["scores"], dim=-1), {"scores": scores}, grad)
        return {"grad_scores": gradients["scores"]}
    grad_y = tensor(inputs["grad_y"])
    given = {name: tensor(array) for name, array in inputs.items() if name != "grad_y"}
    if subject.part == "attention_backward":

        def forward(given: Mapping[str, torch.Tensor]) -> torch.Tensor:
            heads = given["query"], given["key"], given["value"]
            y, _ = eager_attention_forward(nn.Module().eval(), *heads, mask(grad_y.shape[-2]))
            return y.transpose(1, 2)

        return {f"grad_{name}": gradient for name, gradient in gradients_of(forward, given, grad_y).items()}
    attention = filled(GPT2Attention(config(subject), layer_idx=0), sub(parameters, "attention"))
    x = given["x"].requires_grad_(True)
    with torch.enable_grad():
        loss = (grad_y * attention(x, attention_mask=mask(x.shape[1]))[0]).sum()
    return {"grad_x": torch.autograd.grad(loss, x, retain_graph=True)[0], **parameter_gradients(loss, attention)}


def step_23(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """What autograd gives for `GPT2MLP`, `GPT2Block`, and the loss of `GPT2LMHeadModel`."""
    if subject.part == "loss_and_gradients":
        model = language_model(subject, sub(parameters, "model"))
        with torch.enable_grad():
            logits = model(tensor(inputs["input_ids"])).logits
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), tensor(inputs["targets"]).flatten())
        return {"loss": loss.detach(), **parameter_gradients(loss, model)}
    x, grad_y = tensor(inputs["x"]).requires_grad_(True), tensor(inputs["grad_y"])
    with torch.enable_grad():
        if subject.part == "mlp_backward":
            n_inner = subject.settings.get("n_inner") or 4 * subject.settings["n_embd"]
            module = filled(GPT2MLP(n_inner, config(subject)), sub(parameters, "mlp"))
            y = module(x)
        else:
            module = filled(GPT2Block(config(subject), layer_idx=0), sub(parameters, "block"))
            y = module(x, attention_mask=mask(x.shape[1]))
        loss = (grad_y * y).sum()
    return {"grad_x": torch.autograd.grad(loss, x, retain_graph=True)[0], **parameter_gradients(loss, module)}


def step_24(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """PyTorch's `clip_grad_norm_`, and one step of its `AdamW`."""
    if subject.part == "clip_by_global_norm":
        owners = [nn.Parameter(torch.zeros(array.shape, dtype=torch.float64)) for array in inputs.values()]
        for owner, array in zip(owners, inputs.values(), strict=True):
            owner.grad = tensor(array).clone()
        norm = nn.utils.clip_grad_norm_(owners, subject.settings["max_norm"])
        grads = [owner.grad for owner in owners if owner.grad is not None]
        return dict(zip(subject.outputs, (*grads, norm), strict=True))
    betas = subject.settings["betas"]
    # How many steps were taken before, from the correction; PyTorch computes its own from that.
    reached = inputs["corrections"].astype(np.float64)[0]
    steps = 1000 if reached == 1 else round(float(np.log1p(-reached) / np.log(betas[0]))) - 1
    parameter = nn.Parameter(tensor(inputs["parameter"]).clone())
    parameter.grad = tensor(inputs["gradient"])
    optimizer = torch.optim.AdamW([parameter], lr=float(inputs["rate"]), **subject.settings)
    state = {"exp_avg": tensor(inputs["mean"]).clone(), "exp_avg_sq": tensor(inputs["square"]).clone()}
    optimizer.state[parameter] = {"step": torch.tensor(float(steps)), **state}
    optimizer.step()
    return {"parameter": parameter.detach(), "mean": state["exp_avg"], "square": state["exp_avg_sq"]}


def step_25(subject: Subject, parameters: Arrays, inputs: Arrays) -> dict[str, torch.Tensor]:
    """The gradients of `GPT2LMHeadModel`, end to end; or PyTorch's `clip_grad_norm_` and one step of its `AdamW`."""
    if subject.part == "accumulate_gradients":
        found = step_23(replace(subject, part="loss_and_gradients"), parameters, inputs)
        after = {"loss": found.pop("loss")}
        for group, rank in (("matrices", 2), ("vectors", 1)):
            flat = torch.cat([found[name].flatten() for name in sorted(found) if found[name].ndim == rank])
            after[f"total {group}"] = tensor(inputs[f"total {group}"]) + float(inputs["share"]) * flat
        return after
    settings = subject.settings
    totals = {name.split()[1]: array for name, array in inputs.items() if name.startswith("total")}
    outputs = dict.fromkeys([*totals, "norm"], next(iter(subject.outputs.values())))
    clip = replace(subject, outputs=outputs, part="clip_by_global_norm")
    clipped = step_24(clip, {}, totals)
    after = {"norm": clipped["norm"]}
    for group in totals:
        how = {"betas": settings["betas"], "eps": 1e-8}
        decay = settings["weight_decay"] if group == "matrices" else 0.0
        named = {kind: inputs[f"{kind} {group}"] for kind in ("parameter", "mean", "square")}
        given = {**named, "gradient": clipped[group].numpy(), "rate": inputs["rate"]}
        step = step_24(
            replace(subject, settings={**how, "weight_decay": decay}, part="adamw_update"),
            {},
            {**given, "corrections": inputs["corrections"]},
        )
        after |= {f"{kind} {group}": result for kind, result in step.items()}
        after[f"total {group}"] = torch.zeros_like(clipped[group])
    return after


# Steps whose checks compare no stored numbers have no oracle.
ORACLES: Mapping[int, Oracle] = {
    0: step_00,
    2: step_02,
    3: step_03,
    4: step_04,
    5: step_05,
    6: step_06,
    7: step_07,
    8: step_08,
    9: step_09,
    10: step_10,
    11: step_11,
    12: step_12,
    13: step_13,
    16: step_16,
    17: step_17,
    18: step_18,
    19: step_19,
    20: step_20,
    21: step_21,
    22: step_22,
    23: step_23,
    24: step_24,
    25: step_25,
}


def language_model(subject: Subject, parameters: Arrays) -> GPT2LMHeadModel:
    """`GPT2LMHeadModel` with the parameters of a case."""
    model = GPT2LMHeadModel(config(subject))
    filled(model.transformer, sub(parameters, "transformer"))
    assert model.lm_head.weight is model.transformer.wte.weight, "Hugging Face no longer ties the head"
    return model.double().eval()


def filled_cache(subject: Subject, inputs: Arrays) -> DynamicCache:
    """A cache that holds the first `num_tokens` keys and values of a case."""
    cache, num_tokens = DynamicCache(), int(inputs["num_tokens"])
    for layer in range(subject.settings["n_layer"] if num_tokens else 0):
        keys, values = (tensor(inputs[f"{name}_{layer}"])[:, :, :num_tokens] for name in ("keys", "values"))
        cache.update(keys, values, layer)
    return cache


def greedy(model: GPT2LMHeadModel, input_ids: list[int], max_new_tokens: int) -> list[int]:
    """The tokens that `generate` appends when it always takes the best one."""
    prompt = torch.tensor([input_ids])
    # transformers declares for whom `generate` is in a way that none of its own models meets.
    tokens = model.generate(  # pyright: ignore[reportAttributeAccessIssue]
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=False,
        max_new_tokens=max_new_tokens,
        pad_token_id=0,
    )
    return tokens[0, len(input_ids) :].tolist()


def trained(checkpoint: Path) -> GPT2LMHeadModel:
    """`GPT2LMHeadModel` with the weights of a checkpoint."""
    logging.disable_progress_bar()
    return GPT2LMHeadModel.from_pretrained(checkpoint, local_files_only=True).eval()


# --- helpers ----------------------------------------------------------------------------------


def config(subject: Subject) -> GPT2Config:
    """The configuration of a subject. Hugging Face warns of special tokens beyond the vocabulary: there are none."""
    settings = {**subject.settings, "attn_implementation": "eager", "bos_token_id": None, "eos_token_id": None}
    return GPT2Config(**settings)


def tensor(array: np.ndarray) -> torch.Tensor:
    """A tensor in float64; whole numbers stay what they are."""
    result = torch.from_numpy(np.ascontiguousarray(array))
    return result.double() if result.is_floating_point() else result


def mask(seq_len: int) -> torch.Tensor:
    """The causal mask as Hugging Face's modules want it, to be added to the scores."""
    return torch.full((seq_len, seq_len), -torch.inf, dtype=torch.float64).triu(1)


def sub(parameters: Arrays, name: str) -> Arrays:
    """The parameters of the part `name`, without that prefix."""
    return {key.removeprefix(f"{name}."): value for key, value in parameters.items() if key.startswith(f"{name}.")}


def filled(module: nn.Module, parameters: Arrays) -> nn.Module:
    """Puts parameters into a module, in float64, and makes it ready to run.

    Hugging Face's Conv1D keeps its weight as [in, out]; ours are [out, in], so these are transposed.
    """
    conv1d = {f"{name}.weight".lstrip(".") for name, child in module.named_modules() if isinstance(child, Conv1D)}
    state = {name: tensor(array.T if name in conv1d else array) for name, array in parameters.items()}
    module.double().load_state_dict(state, strict=True)
    return module.eval()
