"""Learners' files with habits from PyTorch and NumPy, and what the verdict must say or must not say.

Each file is a solution in which pieces are replaced.
"""

from functools import partial

from tests.wrong_files.wrong_file import WrongFile, wrong_file

mask, norm, mlp, table, position, qkv, heads = (partial(wrong_file, step) for step in (2, 3, 4, 5, 6, 7, 9))


def attention(told: str, statement: str) -> WrongFile:
    """Step 08 with one more statement, in which `scores` and `mask` are tensors and `head_dim` is an int."""
    return wrong_file(8, told, ("    weights = F.softmax", f"    {statement}\n    weights = F.softmax"))


MEAN = "F.mean(x, axis=-1)"
ONES = "Tensor.ones([dim])"
RSQRT = "F.rsqrt(variance + self.eps)"
BAND = "F.band_part(mask, num_lower=None, num_upper=num_tokens, exclude=True)"
INFINITY = 'Tensor(float("-inf"), dtype=dtype, device=device)'
GELU = 'F.gelu(x, approximate="tanh")'
WIDEN = "self.c_fc = Linear(config.n_embd, intermediate_size)"
GATHER = "F.gather(self.weight, input_ids, axis=0)"
DRAW = "random.normal([config.vocab_size, config.n_embd])"
ARANGE = "F.arange(0, seq_len, dtype=DType.int64, device=input_ids.device)"
CHUNK = "F.chunk(qkv, 3, axis=-1)"
SPLIT_HEADS = "x.reshape([batch, seq_len, self.n_head, self.head_dim])"
MERGE_HEADS = "return x.reshape([batch, seq_len, self.n_head * self.head_dim])"
FORWARD = ("return x.transpose(1, 2)  # (batch, n_head, seq_len, head_dim)", "return {}")
STORE = "ops.buffer_store_slice(cache, new, [every, every, (slice(num_tokens, end), seq_len), every])"
LOAD = '[every, every, (slice(0, end), "total_len"), every]'


def moved(told: str, call: str) -> WrongFile:
    """Step 09, whose heads are moved with another call."""
    return heads(told, (FORWARD[0], FORWARD[1].format(call)))


KEPT = "`F.mean(x, axis=-1)`: MAX always keeps the axis, with length 1"
NO_NUMBERS = "While the graph is built, a tensor has no numbers"
A_DTYPE = "A dtype is one of MAX's: `dtype="

HABITS = (
    # Keyword arguments.
    norm("Write `F.mean(x, axis=-1)`: MAX calls it `axis`.", (MEAN, "F.mean(x, dim=-1)")),
    norm("Write `x.mean(axis=-1)`: MAX calls it `axis`.", (MEAN, "x.mean(dim=-1)")),
    norm(KEPT, (MEAN, "F.mean(x, axis=-1, keepdim=True)")),
    norm(KEPT, (MEAN, "F.mean(x, axis=-1, keepdims=True)")),
    norm("Write `x.mean(axis=-1)`: MAX calls it `axis`, and MAX always keeps", (MEAN, "x.mean(dim=-1, keepdim=True)")),
    norm("`Tensor.ones([dim])`: MAX computes no gradients", (ONES, "Tensor.ones([dim], requires_grad=True)")),
    norm("Write `Tensor.full([dim], value=1.0)`", (ONES, "Tensor.full([dim], fill_value=1.0)")),
    norm(
        "`F.layer_norm(x, self.weight, self.bias, epsilon=self.eps)`: MAX calls it `epsilon`",
        (MEAN, "F.layer_norm(x, self.weight, self.bias, eps=self.eps)"),
    ),
    mask(
        "`F.band_part(mask, num_lower=None, num_upper=0)`: MAX calls them",
        (BAND, "F.band_part(mask, lower=None, upper=0)"),
    ),
    mlp(
        "`Linear(in_dim=config.n_embd, out_dim=intermediate_size)`: MAX calls them `in_dim` and `out_dim`",
        (WIDEN, "self.c_fc = Linear(in_features=config.n_embd, out_features=intermediate_size)"),
    ),
    mlp("`F.relu(x)`: a graph has no operations in place", (GELU, "F.relu(x, inplace=True)")),
    table(
        "`F.gather(self.weight, input_ids, axis=0)`: MAX calls it `axis`",
        (GATHER, "F.gather(self.weight, input_ids, dim=0)"),
    ),
    table(
        "indices=input_ids)`: MAX calls them `axis` and `indices`",
        (GATHER, "F.gather(self.weight, dim=0, index=input_ids)"),
    ),
    table("say along which axis; rows are axis 0", (GATHER, "F.gather(self.weight, input_ids)")),
    table("`random.normal(shape=[4])`: MAX calls it `shape`", (DRAW, "random.normal(size=[4])")),
    table(
        "Embedding(vocab_size=4, dim=4)`: MAX calls them `vocab_size` and `dim`",
        ("import Module", "import Embedding, Module"),
        (DRAW, "Embedding(num_embeddings=4, embedding_dim=4)"),
    ),
    qkv("`F.chunk(qkv, 3, axis=-1)`: MAX calls it `axis`", (CHUNK, "F.chunk(qkv, 3, dim=-1)")),
    attention("`F.softmax(scores, axis=-1)`: MAX calls it `axis`", "F.softmax(scores, dim=-1)"),
    attention(
        "`F.softmax` has no argument `temperature`; it takes `value` or `axis`", "F.softmax(scores, temperature=1.0)"
    ),
    # Positional arguments.
    norm("`Tensor.ones([dim])`: MAX takes them as one list", (ONES, "Tensor.ones(dim)")),
    mask("`F.broadcast_to(mask, [4, 4])`: MAX takes them as one list", (BAND, "F.broadcast_to(mask, 4, 4)")),
    table("`random.normal([4, 4])`: MAX takes them as one list", (DRAW, "random.normal(4, 4)")),
    position("`F.arange(0, seq_len, dtype=DType.int64)`: start and stop are both given", (ARANGE, "F.arange(seq_len)")),
    position("The third argument is the step", (ARANGE, "F.arange(0, seq_len, DType.int64)")),
    heads(
        "`x.reshape([batch, seq_len, self.n_head, self.head_dim])`: MAX takes them as one list",
        (SPLIT_HEADS, "x.reshape(batch, seq_len, self.n_head, self.head_dim)"),
    ),
    moved("`x.permute([0, 2, 1, 3])`: MAX takes them as one list", "x.permute(0, 2, 1, 3)"),
    moved("`x.permute([0, 2, 1, 3])`: `transpose` exchanges two axes", "x.transpose(0, 2, 1, 3)"),
    moved("`x.permute([0, 2, 1, 3])`: `transpose` exchanges two axes", "x.transpose([0, 2, 1, 3])"),
    attention("`F.concat([scores, scores])`: the tensors are one list", "F.concat(scores, scores)"),
    attention("`key.transpose(-1, -2)`: say which two axes", "key.transpose()"),
    attention("`F.elementwise_max(scores, 0)`: `clip` takes both limits", "F.clip(scores, 0)"),
    heads("Its arguments are `GPT2QKVProjection(config)`.", ("GPT2QKVProjection(config)", "GPT2QKVProjection()")),
    wrong_file(
        11,
        "Its arguments are `GPT2MLP(intermediate_size, config)`.",
        ("GPT2MLP(config.intermediate_size, config)", "GPT2MLP(config)"),
    ),
    wrong_file(
        18, "MAX calls this function with the whole state", ("lambda tiles, *_: tiles > 0", "lambda tiles: tiles > 0")
    ),
    # Names.
    mask("`F.band_part(square, num_lower=None, num_upper=0, exclude=True)`", (BAND, "F.triu(mask, 1)")),
    mask("`F.band_part(square, num_lower=None, num_upper=0, exclude=True)`", (BAND, "torch.triu(mask, 1)")),
    mask(
        "NumPy cannot read a tensor of MAX. In place of `torch.triu",
        (INFINITY, f"{INFINITY}\n    import numpy as np"),
        (BAND, "np.triu(mask, 1)"),
    ),
    mlp('write `F.gelu(x, approximate="tanh")`', (GELU, "F.gelu_tanh(x)")),
    mlp('write `F.gelu(x, approximate="tanh")`', (GELU, "nn.GELU(x)")),
    mlp("MAX writes this `F.gelu`.", (GELU, "x.gelu()")),
    table("write `F.gather(square, ids, axis=0)`", (GATHER, "F.embedding(input_ids, self.weight)")),
    heads("write `x.reshape([2, 3, 2, 3])`", (SPLIT_HEADS, "x.view(batch, seq_len, self.n_head, self.head_dim)")),
    wrong_file(17, "write `F.elementwise_max(x, y)`", ("F.elementwise_max(query", "F.maximum(query")),
    attention("MAX writes this `F.softmax`", "F.sofmax(scores)"),
    attention("MAX has nothing called `frobnicate`", "scores.frobnicate()"),
    attention("Write `from max.dtype import DType` at the top", "DType.float32"),
    attention("Did you mean `scores`?", "print(score)"),
    attention("NumPy cannot read a tensor of MAX. Write `F.matmul`.", "import numpy as np; np.matmul(query, key)"),
    norm("Write `self.weight`.", ("* self.weight +", "* weight +")),
    norm("`self.eps` was never made", ("        self.eps = eps\n", "")),
    norm("Did you mean `eps`?", ("variance + self.eps", "variance + self.epss")),
    mlp("Did you mean `n_embd`?", (WIDEN, WIDEN.replace("n_embd", "n_emb"))),
    mlp("It has `vocab_size`", (WIDEN, WIDEN.replace("n_embd", "hidden_size"))),
    heads("The whole configuration belongs here", ("GPT2QKVProjection(config)", "GPT2QKVProjection(config.n_embd)")),
    heads("`n_embd` is a field of the configuration", (MERGE_HEADS, "return x.reshape([batch, seq_len, n_embd])")),
    heads("Write `self._split_heads`.", ("(self._split_heads(projected)", "(_split_heads(projected)")),
    heads("This is a tuple of 3, not a tensor", ("in self.c_attn(x))", "in self.c_attn(x).chunk(3))")),
    wrong_file(
        13,
        "`self.lm_head` is a layer, not a tensor",
        ("self.lm_head(self.transformer(input_ids))", "self.transformer(input_ids) @ self.lm_head.T"),
    ),
    wrong_file(
        13,
        "A `GPT2Embeddings` stands where a tensor belongs",
        ("self.lm_head.weight = self.transformer.wte.weight", "self.lm_head.weight = self.transformer.wte"),
    ),
    # Dimensions and shapes.
    wrong_file(
        16,
        "This number is known only when the graph runs",
        ("visible = F.unsqueeze(keys, 0) <=", "F.broadcast_to(keys, [seq_len, num_tokens]) <="),
    ),
    wrong_file(8, "This dimension is static, 12: `int(x.shape[-1])`", ("int(query.shape[-1])", "query.shape[-1]")),
    wrong_file(8, "The dimension seq_len is symbolic", ("int(query.shape[-1])", "int(query.shape[-2])")),
    wrong_file(8, "`math.sqrt(int(head_dim))`", ("int(query.shape[-1])", "query.shape[-1]"), ("math.sqrt(", "F.sqrt(")),
    wrong_file(8, "`head_dim` is a plain number: write `math.sqrt(head_dim)`", ("math.sqrt(", "F.sqrt(")),
    attention("A number has no `sqrt`: write `math.sqrt(head_dim)`", "head_dim.sqrt()"),
    position(
        "`F.arange(0, n, dtype=DType.int64, device=x.device)` takes it as n", (ARANGE, "Tensor(list(range(seq_len)))")
    ),
    position("A tensor has no `len`", ("input_ids.shape[-1]", "len(input_ids)")),
    position("`shape` is no function", ("input_ids.shape[-1]", "input_ids.shape()[-1]")),
    position(
        "`input_ids.shape` is (batch, seq_len), and places count from 0", ("input_ids.shape[-1]", "input_ids.shape[2]")
    ),
    position("Its length is known only when the graph runs", ("input_ids.shape[-1]", "input_ids.shape")),
    heads(
        "`x.shape` is (batch, seq_len, 15): 3 dimensions, for 2 names",
        ("batch, seq_len, _ = x.shape", "batch, seq_len = x.shape"),
    ),
    heads(
        "A size is an int, and `/` gives a float",
        (SPLIT_HEADS, SPLIT_HEADS.replace("self.head_dim", "self.head_dim / 1")),
    ),
    heads("Only one size can be left to MAX as -1", (SPLIT_HEADS, "x.reshape([-1, -1, self.n_head, self.head_dim])")),
    heads(
        "A reshape must keep the number of entries, and (batch, seq_len, 15) has others than (batch, seq_len, 3, 3)",
        (SPLIT_HEADS, "x.reshape([batch, seq_len, self.n_head, self.n_head])"),
    ),
    heads("A shape is a list here", (MERGE_HEADS, "return x.reshape(x.shape[:2] + (self.n_head * self.head_dim,))")),
    wrong_file(
        18,
        "A whole shape stands where one dimension belongs",
        (
            "x.reshape([*x.shape[:-1], num_heads, head_dim])\n    return",
            "x.reshape([x.shape[:-1], num_heads, head_dim])\n    return",
        ),
    ),
    wrong_file(8, "A tensor stands where a dimension belongs", ("causal_mask(query.shape[-2]", "causal_mask(query")),
    wrong_file(
        8,
        "A symbolic dimension has no value to compare",
        ("causal_mask(query.shape[-2], 0", "causal_mask(query.shape[2], query.shape[2]"),
    ),
    wrong_file(
        8,
        "do not fit: 12 meets seq_len. `*` multiplies entry by entry",
        ("query @ key.transpose(-1, -2) /", "query * key.transpose(-1, -2) /"),
    ),
    wrong_file(
        8,
        "(batch, 3, seq_len, seq_len) and (12, 12) do not fit: seq_len meets 12. Seen from the right",
        ("causal_mask(query.shape[-2]", "causal_mask(query.shape[-1]"),
    ),
    norm("(batch, seq_len) and (36) do not fit: seq_len meets 36", ("* self.weight +", "@ self.weight +")),
    wrong_file(
        8, "the last axis of a must be as long as the second-to-last axis of b", ("key.transpose(-1, -2) /", "key /")
    ),
    mlp("A `Linear` layer keeps its weight as [out, in]", ("self.c_fc(x)  #", "x @ self.c_fc.weight  #")),
    attention("Two axes fit together if they are equally long", "F.broadcast_to(scores, [7, 3, 2, 2])"),
    qkv("`split` takes the size of each part", (CHUNK, "F.split(qkv, 3, axis=-1)")),
    qkv("`qkv` is one tensor. Cut it: `F.chunk(qkv, 3, axis=-1)`", (CHUNK, "qkv")),
    qkv("`F.chunk` and `F.split` can only cut an axis whose length is known", (CHUNK, "F.chunk(qkv, 3)")),
    qkv("The axis cannot be cut into so many equal parts", (CHUNK, "F.chunk(qkv, 5, axis=-1)")),
    # A tensor has no numbers in a graph.
    attention(NO_NUMBERS, "print(scores.to_numpy())"),
    attention(NO_NUMBERS, "print(float(scores[0, 0, 0, 0]))"),
    attention(NO_NUMBERS, "scores = scores if scores.sum() > 0 else mask"),
    attention(NO_NUMBERS, "print(scores.item())"),
    attention("A tensor is not written to. Make a new one: `F.where", "scores[0] = 1.0"),
    norm(
        "`math` knows only numbers",
        (RSQRT, "1 / math.sqrt(variance)"),
        ("from max.experimental import f", "import math\nfrom max.experimental import f"),
    ),
    norm("MAX takes one axis, as an int", (MEAN, "F.mean(x, (-1,))")),
    table("Rows of a table are looked up with `F.gather(table, ids, axis=0)`", (GATHER, "self.weight[input_ids]")),
    table("A tensor is not called", (GATHER, "self.weight(input_ids)")),
    # Layers.
    qkv("For the layer that this class extends, write `super().forward(x)`", ("super().forward(x)", "self(x)")),
    qkv("Name the method: `super().forward(x)`", ("super().forward(x)", "super()(x)")),
    wrong_file(
        12,
        "Loop over it: `for block in self.h:`",
        ("        for block in self.h:\n            x = block(x)", "        x = self.h(x)"),
    ),
    mlp("`self.c_fc` is a layer. Call it, `self.c_fc(x)`", ("self.c_fc(x)", "self.c_fc @ x")),
    mlp("`self.c_fc` is a layer. Call it, `self.c_fc(x)`", (GELU, 'F.gelu(self.c_fc, approximate="tanh")')),
    heads("`self.c_attn` is a layer. Call it", ("in self.c_attn(x))", "in self.c_attn)")),
    wrong_file(11, "`self.ln_1` is a layer. Call it", ("self.attn(self.ln_1(x))", "self.attn(self.ln_1)(x)")),
    # Dtypes.
    mlp('MAX names the form of GELU: `F.gelu(x, approximate="tanh")`', (GELU, "F.gelu(x, approximate=True)")),
    position(A_DTYPE + "DType.int64", (ARANGE, "F.arange(0, seq_len, dtype=int)")),
    position(A_DTYPE + "DType.int64", (ARANGE, 'F.arange(0, seq_len, dtype="int64")')),
    mask(A_DTYPE + "DType.float32", (INFINITY, 'Tensor(float("-inf"), dtype=float, device=device)')),
    attention(A_DTYPE + "DType.float32", "scores.cast(float)"),
    position("needs ids that are integers. `F.arange` makes floats", (ARANGE, "F.arange(0, seq_len)")),
    table("Tensors of integers, of True and False, and of floats do not mix", (GATHER, "input_ids @ self.weight")),
    attention("`to` takes a device. A dtype is changed", "scores.to(query.dtype)"),
    attention("A device is an object: `x.to(CPU())`", 'scores.to("cpu")'),
    # What is given is no tensor.
    mask("A plain number stands where a tensor belongs", (INFINITY, 'float("-inf")')),
    attention("A function or a class stands where a tensor belongs", "scores + causal_mask"),
    attention("stands where a tensor belongs. Take one of its parts", "F.softmax((scores, mask))"),
    attention("A NumPy array stands where a tensor belongs", "import numpy as np; F.softmax(np.zeros(3))"),
    attention("None stands where a tensor belongs", "F.softmax(None)"),
    attention("stands where a tensor belongs. Look at what was assigned to it", "F.softmax(query.device)"),
    attention(
        "Make parameters in `__init__`, not in `forward`", "from max.experimental.nn import Linear; Linear(2, 2)"
    ),
    wrong_file(16, "A cache is a buffer, and must be loaded first", ("ops.buffer_load(cache)", "cache")),
    wrong_file(16, "Give its length with it, as a pair", (STORE, "cache[:, :, num_tokens:end] = new")),
    wrong_file(16, "Give its length with it, as a pair", (LOAD, "[every, every, slice(0, end), every]")),
    # Other errors.
    wrong_file(12, "write `for _ in range(n)`", ("range(config.n_layer)", "config.n_layer")),
    attention("Remove `breakpoint()`", "breakpoint()"),
    attention("Remove `input()`", "input()"),
    attention("what this line gives it. Write `print(x)` above it", "F.top_k(scores, -3)"),
    wrong_file(15, "A `Buffer` is raw data", ("as_float32(key, data)\n", "data\n")),
    wrong_file(15, "`settings.get(name, default)` gives a default", ("settings.get(name, value)", "settings[name]")),
)

# What stands in place of a parameter.
IN_PLACE = (
    norm("`self.weight` is a NumPy array, and only a tensor is a parameter", (ONES, "__import__('numpy').ones(dim)")),
    norm("`self.weight` is a `list`, and only a tensor is a parameter", (ONES, "[1.0] * dim")),
    norm("`weight` is a local variable of `__init__`", ("self.weight = T", "weight = T")),
    norm(
        "exactly the names given in the tasks", ("self.weight = T", "self.gamma = T"), ("self.weight +", "self.gamma +")
    ),
    table(
        "`self.weight` is a layer, an `Embedding`",
        ("import Module", "import Embedding, Module"),
        (DRAW, "Embedding(config.vocab_size, dim=config.n_embd)"),
    ),
    mlp("`self.c_fc` is the class itself. Call it", (WIDEN, "self.c_fc = Linear")),
    mlp("A bias is missing", (WIDEN, WIDEN.replace("size)", "size, bias=False)"))),
    wrong_file(11, "`self.attn` is the class itself", ("GPT2MultiHeadAttention(config)", "GPT2MultiHeadAttention")),
)

# Files whose errors look alike and have another cause: what must not be said of them.
NEAR_MISSES = (
    norm(
        "MAX calls it",
        (
            "        centered = ",
            "        def mean(x, axis): return F.mean(x, axis)\n        mean(x, dim=-1)\n        centered = ",
        ),
    ),
    norm(
        "MAX always keeps",
        (
            "        centered = ",
            "        def mean(x, axis): return x\n        mean(x, -1, keepdim=True)\n        centered = ",
        ),
    ),
    attention("F.band_part", "[1, 2].triu(1)"),
    attention("F.reshape", '"text".view(1)'),
    attention("x.reshape", "math.view(scores)"),
    attention("write `x.shape`", "math.size(1)"),
    attention("MAX takes them as one list", "(lambda shape: shape)(1, 2)"),
    attention("A tensor has no `len`", "len(3)"),
    attention("A dtype is one of MAX's", "{}[int]"),
    attention("A dtype is one of MAX's", '{}["key"]'),
    attention("settings.get", '{}["key"]'),
    attention("for _ in range", "list(3)"),
    attention("a tensor has no numbers", "float(None)"),
    attention("`*` multiplies entry by entry", "scores * F.concat([scores, scores], axis=-1)"),
    attention("super().forward", "(lambda f: f(f))(lambda f: f(f))"),
    attention("as a pair", "assert head_dim == 1"),
    attention("is static", "int(query.shape[-2])"),
    attention("is symbolic", "math.sqrt(query.shape[-1])"),
    attention("`F.chunk` and `F.split`", "int(query.shape[-2])"),
    attention("`split` takes the size", 'a, b = "a b c".split()'),
    attention("F.chunk", "a, b = query.shape"),
    attention("NumPy cannot read", "import numpy as np; np.zeros((2, 3)) @ np.zeros((2, 3))"),
    attention("Write `self.", "print(weights_of)"),
    attention("keeps its weight as [out, in]", "query @ value"),
    heads("write a name for each", ("GPT2QKVProjection(config)", "Linear(config.n_embd, 3 * config.n_embd)")),
    wrong_file(18, "Its arguments are", ("lambda tiles, *_: tiles > 0", "lambda tiles: tiles > 0")),
)
