"""The course: its steps in order, with their hints. Nothing else lists the steps.

Every command imports this module, so it imports nothing heavy; a step's check is
imported when it is asked for.
"""

import importlib
from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutor.check import Check


class UnknownStepError(LookupError):
    """A step was asked for that the course does not have."""


@dataclass(frozen=True)
class Step:
    """One step of the course.

    Args:
        number: its place, and the NN in the names of its files.
        slug: its name in file names and links.
        title: its name for people.
        part: the part of the book that it belongs to.
        hints: a nudge, the API to use, and almost the code. They are ready to print:
            lines of at most 80 characters, code indented by four spaces.
    """

    number: int
    slug: str
    title: str
    part: str
    hints: tuple[str, str, str]

    @property
    def label(self) -> str:
        """The number as it is written everywhere: "00", "01", ..."""
        return f"{self.number:02d}"

    @property
    def check(self) -> "Check":
        """What decides whether the step is right."""
        return importlib.import_module(f"tutor.checks.step_{self.label}").CHECK


def find_step(number: int) -> Step:
    """Finds a step by its number.

    Raises:
        UnknownStepError: the course has no such step; the message says which it has.
    """
    for step in COURSE:
        if step.number == number:
            return step
    first, last = COURSE[0].label, COURSE[-1].label
    raise UnknownStepError(f"there is no step {number:02d}: the course has steps {first} to {last}")


def _hints(nudge: str, api: str, almost: str) -> tuple[str, str, str]:
    """Takes this file's indentation out of the three hints of a step."""
    return cleandoc(nudge), cleandoc(api), cleandoc(almost)


COURSE: tuple[Step, ...] = (
    Step(
        number=0,
        slug="plain_attention",
        title="Attention, one token at a time",
        part="Warm-up",
        hints=_hints(
            """
            Read a sentence with your finger under the words. At each word you may look at
            that word and at those before it. When word 3 asks its question, what must be in
            the lists `keys` and `values`, and what must not be in them yet? Is a word
            allowed to find itself there?
            """,
            """
            `sum(a * b for a, b in zip(x, y))` is a dot product, and `math.exp` and
            `math.sqrt` are all that you need from `math`. head_dim is the length of the
            query that `attend` gets. `x[start:stop]` cuts the piece of one head out of a
            vector, and `a += b` puts the numbers of list b at the end of list a.

            Keep one list of keys and one list of values for each head:

                keys = [[] for _ in range(n_head)]

            Do not write `[[]] * n_head`: that is one list under n_head names.
            """,
            """
            `softmax` takes `math.exp(score - max(scores))` of each score, and divides each
            result by the sum of them all. In `attend`, with these weights, entry i of the
            result is

                sum(weight * value[i] for weight, value in zip(weights, values))

            and `causal_self_attention` has this shape:

                for x in xs:
                    query, key, value = multiply(wq, x), multiply(wk, x), multiply(wv, x)
                    output = []
                    for head in range(n_head):
                        piece = slice(head * head_dim, (head + 1) * head_dim)
                        keys[head].append(key[piece])
                        values[head].append(...)
                        output += attend(query[piece], ..., ...)
                    outputs.append(output)
            """,
        ),
    ),
    Step(
        number=1,
        slug="model_configuration",
        title="Model configuration",
        part="Foundations",
        hints=_hints(
            """
            A wrong size is found here, by name, or an hour later as a quarrel about shapes
            deep inside the model. What would you like the message to tell you? And which of
            the two checks has to come first, if n_head may be 0?
            """,
            """
            A dataclass calls `__post_init__` when its fields have their values.
            `getattr(self, name)` reads the field with that name, so one loop over names can
            check all sizes. `n_inner` may be None, which Python cannot compare with 0:
            ask `size is not None and ...` first.
            `a % b` is 0 where b divides a, `a // b` divides whole numbers, and an f-string
            puts numbers into a message.
            """,
            """
            `__post_init__` has this shape:

                for name in ("vocab_size", "n_positions", ..., "n_inner"):
                    size = getattr(self, name)
                    if size is not None and size <= 0:
                        raise ValueError(f"{name} ({size}) must be greater than 0")
                if self.n_embd % ...:
                    raise ValueError(f"n_embd ({self.n_embd}) must be divisible by ...")

            and `intermediate_size` asks one question:

                return ... if self.n_inner is None else self.n_inner
            """,
        ),
    ),
    Step(
        number=2,
        slug="causal_mask",
        title="Causal mask",
        part="Foundations",
        hints=_hints(
            """
            Draw it. Three new tokens and nothing in the cache: a row for each query, a
            column for each key, 0 where it may look and x for -inf.

                0 x x
                0 0 x
                0 0 0

            Now two tokens are in the cache already. There are five keys, and the first
            query is the third token of the text. Draw its row. How far has the diagonal
            moved, and in which direction?
            """,
            """
            `Tensor(number, dtype=dtype, device=device)` makes a constant without any
            dimensions; `F.constant(number, dtype, device)` does the same. Python's minus
            infinity is `float("-inf")`. `F.broadcast_to(x, shape)` repeats a tensor until
            the shape is full. `Dim(sequence_length) + num_tokens` works for numbers and for
            symbolic dimensions.

            `F.band_part(x, num_lower=..., num_upper=..., exclude=...)` looks at row i and
            column j. The entry is in the band where `i - j <= num_lower` and
            `j - i <= num_upper`; None means no limit. Everything outside the band becomes
            0, or with `exclude=True` everything inside it.
            """,
            """
            The imports are

                from max.experimental import functional as F
                from max.experimental.tensor import Tensor
                from max.graph import Dim, DimLike

            and the function, under `@F.functional`, is

                mask = Tensor(float("-inf"), dtype=dtype, device=device)
                shape = (sequence_length, Dim(sequence_length) + num_tokens)
                mask = F.broadcast_to(mask, shape)
                return F.band_part(mask, num_lower=None, num_upper=..., exclude=True)

            Query i may look at key j where j <= num_tokens + i. Bring i to the left side,
            and you can read off `num_upper`. It is 0 only while the cache is empty.
            """,
        ),
    ),
    Step(
        number=3,
        slug="layer_normalisation",
        title="Layer normalisation",
        part="Foundations",
        hints=_hints(
            """
            Do it by hand for the vector 1, 2, 3, 4. Its mean is 2.5. The distances from the
            mean are -1.5, -0.5, 0.5 and 1.5, and their squares sum to 5. Is the variance
            5 / 4 or 5 / 3? Then take 2, 2, 2, 2: its variance is 0. Where must eps stand,
            so that nothing is divided by 0?
            """,
            """
            A tensor that you keep on `self` is a parameter, and the attribute's name is its
            name: `Tensor.ones([dim])` and `Tensor.zeros([dim])` make the two. Keep `eps` as
            well.

            `F.mean(x, axis=-1)` keeps the axis, with length 1, so `x - F.mean(x, axis=-1)`
            works without a reshape. `F` has no variance, but the variance is a mean too.
            `F.rsqrt(x)` is 1 / sqrt(x).
            """,
            """
            `forward` is three lines:

                centered = x - F.mean(x, axis=-1)
                variance = F.mean(..., axis=-1)
                return centered * F.rsqrt(variance + ...) * self.weight + self.bias

            The variance is the mean of the squares of `centered`. eps goes in before the
            root is taken.
            """,
        ),
    ),
    Step(
        number=4,
        slug="feed_forward_network",
        title="Feed-forward network",
        part="Foundations",
        hints=_hints(
            """
            In GPT-2 small the vector of each token goes from 768 numbers to 3072 and back.
            Why is there a gate in the middle? Leave it out, and two linear layers in a row
            are no more than one. GELU comes in an exact form and in a tanh form, which
            never differ by more than 0.0005; the checkpoint was trained with one of them.
            """,
            """
            `Linear(in_dim, out_dim)` is a layer with a weight and a bias; call it like a
            function. `F.gelu(x, approximate=...)` takes "none" for the exact form, which is
            the default, "tanh" or "quick".
            """,
            """
            In `__init__`:

                self.c_fc = Linear(config.n_embd, intermediate_size)
                self.c_proj = Linear(..., ...)

            In `forward`:

                x = self.c_fc(x)
                x = F.gelu(x, approximate=...)
                return self.c_proj(x)
            """,
        ),
    ),
    Step(
        number=5,
        slug="token_embeddings",
        title="Token embeddings",
        part="Embeddings",
        hints=_hints(
            """
            Token 17 is row 17 of the table. Nothing is multiplied, only looked up. The ids
            have the shape (batch, seq_len), and each single id turns into n_embd numbers:
            what is the shape of the result?
            """,
            """
            `random.normal([rows, columns])` makes the table; keep it on `self` under the
            name `weight`. `F.gather(input, indices, axis=...)` picks entries of `input`
            along one axis. In the result's shape that axis is replaced by the shape of
            `indices`.
            """,
            """
            In `__init__`:

                self.weight = random.normal([config.vocab_size, ...])

            In `forward`:

                return F.gather(self.weight, ..., axis=...)

            Rows are axis 0.
            """,
        ),
    ),
    Step(
        number=6,
        slug="position_embeddings",
        title="Position embeddings",
        part="Embeddings",
        hints=_hints(
            """
            Two texts have the same length and not a word in common. How do their position
            vectors differ? So what do you need from `input_ids`: the ids, or only how many
            there are? And which number has the first place, in Python and in GPT-2?
            """,
            """
            `input_ids.shape[-1]` is seq_len. While the graph is built it is a symbolic
            dimension, a name without a value, so Python's `range` cannot count up to it.
            `F.arange(start, stop, dtype=..., device=...)` can: it takes the dimension as
            `stop`. Ask for `DType.int64`, because without a dtype you get floats, and floats
            cannot number the rows of a table. Ask for `input_ids.device`, so that both are
            in the same place.
            """,
            """
            In `forward`:

                seq_len = input_ids.shape[-1]
                positions = F.arange(0, seq_len, dtype=..., device=...)
                return F.gather(..., positions, axis=0)

            The result has no batch axis, and needs none: all texts of the batch share it.
            """,
        ),
    ),
    Step(
        number=7,
        slug="query_key_value",
        title="Query, key and value projections",
        part="Attention",
        hints=_hints(
            """
            For one token, the wide layer gives one long row of numbers:

                [ n_embd of query | n_embd of key | n_embd of value ]

            Where do you cut, and along which axis of (batch, seq_len, 3 * n_embd)?
            """,
            """
            The class is a `Linear` layer, so the work is done by what it inherits:
            `super().__init__(in_dim, out_dim)` makes `weight` and `bias`, and
            `super().forward(x)` applies them. `F.chunk(x, chunks, axis=...)` cuts an axis
            into equal parts and returns a list. Name the axis: without it, `F.chunk` cuts
            axis 0, which is the batch.
            """,
            """
            In `__init__`:

                super().__init__(config.n_embd, ...)

            In `forward`:

                qkv = super().forward(x)
                query, key, value = F.chunk(qkv, ..., axis=...)
                return query, key, value
            """,
        ),
    ),
    Step(
        number=8,
        slug="scaled_dot_product_attention",
        title="Scaled dot-product attention",
        part="Attention",
        hints=_hints(
            """
            For each head, the scores are a square table: row i holds the scores of query i,
            one for each key. Which numbers must sum to 1 after the softmax, those of a row
            or those of a column? And what would go wrong if the mask came after the
            softmax? Step 00 does the same, one row at a time.
            """,
            """
            `key.transpose(-1, -2)` swaps the last two axes. `@` multiplies the matrices in
            the last two axes and leaves the axes before them alone. head_dim is
            `int(query.shape[-1])`, a number that is known when the graph is built, so
            `math.sqrt` can take it. seq_len is `query.shape[-2]`, which may be symbolic: do
            not turn it into an int, `causal_mask` takes it as it is. Nothing is in a cache
            here, so num_tokens is 0. `query.dtype` and `query.device` say which kind of
            mask fits. `F.softmax(x, axis=-1)` works along the last axis.
            """,
            """
            The body is five lines:

                head_dim = int(query.shape[-1])
                scores = query @ key.transpose(-1, -2) / math.sqrt(...)
                mask = causal_mask(..., 0, dtype=query.dtype, device=query.device)
                weights = F.softmax(..., axis=-1)
                return weights @ ...
            """,
        ),
    ),
    Step(
        number=9,
        slug="multi_head_attention",
        title="Multi-head attention",
        part="Attention",
        hints=_hints(
            """
            Take n_embd = 6 and n_head = 2. A token's vector is a b c d e f; head 0 gets
            a b c and head 1 gets d e f. A reshape only draws new brackets around numbers
            that stay in their order. After it, the axes are

                (batch, seq_len, n_head, head_dim)

            Attention works on the last two. Which two axes must change places? And on the
            way back, which of the two things do you undo first?
            """,
            """
            `batch, seq_len, n_embd = x.shape` takes the shape apart, and
            `x.reshape([batch, seq_len, ..., ...])` takes the dimensions back, symbolic or
            not. `x.transpose(1, 2)` swaps two axes; unlike a reshape it moves numbers.
            `config.head_dim` is yours, of step 01. `self.c_attn(x)` returns three tensors,
            and each of them goes through `self._split_heads`.
            """,
            """
            `_split_heads`, after the shape is taken apart:

                x = x.reshape([batch, seq_len, self.n_head, self.head_dim])
                return x.transpose(..., ...)

            `_merge_heads` gets (batch, n_head, seq_len, head_dim) and does the same in
            reverse: first the transpose, then a reshape to

                [batch, seq_len, self.n_head * self.head_dim]

            `forward`:

                query, key, value = (self._split_heads(part) for part in self.c_attn(x))
                attended = scaled_dot_product_attention(query, key, value)
                return self.c_proj(...)
            """,
        ),
    ),
    Step(
        number=10,
        slug="residual_connections",
        title="Residual connections and pre-norm",
        part="Composition",
        hints=_hints(
            """
            Imagine a sublayer that always answers 0. What should come out, if a sublayer
            only adds a correction to its input? Exactly what went in. Does your code give
            that, or does it give something that was normalised on the way?
            """,
            """
            `LayerNorm(dim, eps=eps)` is yours, of step 03. A module that you keep on `self`
            brings its parameters with it: `ln.weight`, `ln.bias`. Call modules like
            functions. `+` adds tensors of the same shape.
            """,
            """
            In `__init__`:

                self.ln = LayerNorm(dim, eps=eps)
                self.sublayer = sublayer

            In `forward`, the norm is inside and the sum is outside:

                return ... + self.sublayer(self.ln(x))
            """,
        ),
    ),
    Step(
        number=11,
        slug="transformer_block",
        title="Transformer block",
        part="Composition",
        hints=_hints(
            """
            A block is step 10 done twice, first around attention, then around the MLP. What
            does the MLP read: the vector that entered the block, or that vector with the
            answer of attention added? How many layer norms are there, and do they share
            their weights?
            """,
            """
            All four parts are yours: `LayerNorm(config.n_embd, eps=...)` twice,
            `GPT2MultiHeadAttention(config)` and
            `GPT2MLP(config.intermediate_size, config)`. The configuration has the epsilon
            as `layer_norm_epsilon`; without it the norms use their default. The attributes'
            names become the names of the parameters, such as `attn.c_attn.weight`, and a
            checkpoint is looked up by them.
            """,
            """
            In `__init__`:

                self.ln_1 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
                self.attn = GPT2MultiHeadAttention(config)
                self.ln_2 = ...
                self.mlp = GPT2MLP(config.intermediate_size, config)

            In `forward`:

                x = x + self.attn(self.ln_1(x))
                x = x + ...
                return x
            """,
        ),
    ),
    Step(
        number=12,
        slug="stacked_blocks",
        title="Stacked blocks",
        part="Complete model",
        hints=_hints(
            """
            Follow one vector from the bottom to the top. Where does it learn which token it
            is, and where does it learn its place? How many blocks does it pass, and does
            each of them have its own weights? Every block normalises what its sublayers
            read. Who normalises the vector that leaves the last block?
            """,
            """
            `ModuleList([...])` is a list whose modules are named by their place, so that
            the parameters get names like `h.0.attn.c_attn.weight`. Make it with a
            comprehension, which builds a new `GPT2Block(config)` for each layer;
            `[block] * n` would be one block n times. Go through it with a `for` loop.

            `self.wte(input_ids)` has the shape (batch, seq_len, n_embd) and
            `self.wpe(input_ids)` the shape (seq_len, n_embd); `+` broadcasts them.
            """,
            """
            In `__init__`:

                self.wte = GPT2Embeddings(config)
                self.wpe = ...
                self.h = ModuleList([GPT2Block(config) for _ in range(...)])
                self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)

            In `forward`:

                x = self.wte(input_ids) + ...
                for block in self.h:
                    x = block(x)
                return ...
            """,
        ),
    ),
    Step(
        number=13,
        slug="language_model_head",
        title="Language-model head",
        part="Complete model",
        hints=_hints(
            """
            The score of a token says how well the vector fits the token's row in the table
            of step 05. You own that table already, inside the transformer. In GPT-2 small
            it has 38.6 million numbers. Do you need a second one?
            """,
            """
            `Linear(in_dim, out_dim, bias=False)` has a `weight` of shape (out_dim, in_dim)
            and multiplies by its transpose. Here that is (vocab_size, n_embd), the very
            shape of the table, so nothing needs turning. An assignment to
            `self.lm_head.weight` makes it a second name for another tensor.
            """,
            """
            In `__init__`:

                self.transformer = MaxGPT2Model(config)
                self.lm_head = Linear(config.n_embd, ..., bias=False)
                self.lm_head.weight = ...

            In `forward`:

                return self.lm_head(...)

            The table is the `weight` of the transformer's `wte`.
            """,
        ),
    ),
    Step(
        number=14,
        slug="text_generation",
        title="Text generation",
        part="Complete model",
        hints=_hints(
            """
            To sample is to throw a die with one side for each token, some sides heavier
            than others. Does a temperature of 0.5 make the heavy sides heavier or lighter,
            if the logits are divided by it? Top-k and top-p take sides off; what is left
            must sum to 1 again. The model answers at every position. Which position speaks
            of the token that comes next?
            """,
            """
            Choosing is plain NumPy. `np.argmax(logits)` is the best token.
            `np.partition(logits, -k)[-k]` is the k-th largest logit, and
            `np.where(condition, a, b)` takes from a or from b. `np.argsort(-logits)` lists
            the tokens from most to least likely, and `np.cumsum` adds up as it goes.
            `rng.choice(size, p=probabilities)` throws the die, with an `rng` from
            `np.random.default_rng(seed)`. It refuses probabilities whose sum is not quite
            1, so compute them in float64: `logits.astype(np.float64)`.

            `Tensor.from_dlpack(array)` hands an int64 array to the model, and `.to_numpy()`
            brings the logits back. `ids[-n:]` are the last n ids. A function with `yield`
            in it gives out its results one at a time, while it runs.
            """,
            """
            In `choose_token`, first refuse the settings that its docstring names under
            Raises, and return the best token if temperature is 0. Then make a new array,
            `logits = logits.astype(np.float64) / temperature`. If there is a top_k smaller
            than `logits.size`, set to -inf what is below the k-th largest. For top-p, a
            token stays if those before it have not reached top_p yet:

                order = np.argsort(-logits, kind="stable")
                probabilities = np.exp(logits[order] - logits.max())
                probabilities /= probabilities.sum()
                before = np.cumsum(probabilities) - probabilities
                logits[order[before >= ...]] = -np.inf

            `generate_next_token`:

                ids = Tensor.from_dlpack(np.array([input_ids], dtype=np.int64))
                logits = model(ids).to_numpy()  # (1, seq_len, vocab_size)
                return choose_token(logits[0, ...], temperature=temperature, ...)

            `generate_tokens`, after rng = np.random.default_rng(seed):

                ids = list(input_ids)
                for _ in range(max_new_tokens):
                    token = generate_next_token(model, ids[...:], ..., rng=rng)
                    yield token
                    if token == eos_token_id:
                        return
                    ids.append(token)
            """,
        ),
    ),
    Step(
        number=15,
        slug="pretrained_weights",
        title="Pretrained weights",
        part="Real weights",
        hints=_hints(
            """
            Print the keys of a file before you write the loop. Which of them does your model
            have a parameter for, which need a prefix, and which are not weights? And which
            matrix would fit your model's shape both ways round, so that nobody complains
            when you forget to turn it?
            """,
            """
            `key.endswith((".a", ".b"))` asks for several endings at once. `dataclasses.fields`
            lists the fields of a dataclass, each with a `.name`.

            `tensors_of(file)` gives pairs of a key and the data that `as_float32` takes.
            `array.T` turns a matrix without copying, and `np.ascontiguousarray` writes it out
            in its new order.

            Inside `with F.lazy(), default_device(device), default_dtype(DType.float32):` a
            model is built without making its random weights. `model.parameters` gives pairs
            of a name and a tensor. `model.compile(type, weights=...)` wants an array for each
            name, and the tied tensor has two names.
            """,
            """
            `read_weights` has this shape:

                weights = {}
                for key, data in tensors_of(folder / "model.safetensors"):
                    name = parameter_name(key)
                    if name is None:
                        continue
                    if name not in shapes: ...
                    if name in weights: ...
                    array = as_float32(key, data)
                    if name.endswith(CONV1D):
                        array = ...
                    if array.shape != shapes[name]: ...
                    weights[name] = np.ascontiguousarray(array)

            and `load_pretrained` ends like this:

                shapes = {name: tuple(map(int, p.shape)) for name, p in model.parameters}
                del shapes["lm_head.weight"]
                weights = read_weights(folder, shapes)
                weights["lm_head.weight"] = weights[...]
                ids = TensorType(DType.int64, ("batch", ...), device)
                return model.compile(ids, weights=...)
            """,
        ),
    ),
    Step(
        number=16,
        slug="key_value_cache",
        title="A key-value cache",
        part="Fast inference",
        hints=_hints(
            """
            Which of a token's vectors do later tokens ever look at? Only those need to be
            kept. Then ask of every piece that you wrote before what changes when the first
            new token is not the first of the text: its position, the keys that it may see,
            the place where its own key goes. The rest works on each token alone and does
            not care.
            """,
            """
            `ops.buffer_store_slice(buffer, new, indices)` writes into a part of a buffer, and
            `ops.slice_tensor(ops.buffer_load(buffer), indices)` reads a part. There is one
            index for each axis: `slice(None)` for all of it. Where the ends are known only
            when the graph runs, the index is a pair: `(slice(start, end), length)`, where
            `length` is a dimension, such as `new.shape[2]`, or a new name, "total_len".
            `tokens_after` gives the end.

            `F.arange(0, total, out_dim="total_len", ...)` numbers as many tokens as that.
            `F.unsqueeze(x, 0)` makes a row of a list of numbers, `F.unsqueeze(x, 1)` a column,
            and comparing the two gives a table. `mask_of` turns the table into 0 and -inf.

            `zip(transformer.h, caches[::2], caches[1::2])` goes through blocks, keys and
            values together. `x[:, -1]` is the last position.
            """,
            """
            `extend`:

                end = tokens_after(num_tokens, new.shape[2])
                every = slice(None)
                place = [every, every, (slice(..., end), ...), every]
                ops.buffer_store_slice(cache, new, place)
                now = [every, every, (slice(0, ...), "total_len"), every]
                return ops.slice_tensor(ops.buffer_load(cache), now)

            A turn of the loop in `predict`:

                query, key, value = (attn._split_heads(y) for y in attn.c_attn(block.ln_1(x)))
                keys, values = extend(keys, key, num_tokens), extend(...)
                x = x + attn.c_proj(attn._merge_heads(attend(query, keys, values, mask)))
                x = x + block.mlp(block.ln_2(x))

            `forward`, after `total = tokens_after(TensorValue(num_tokens), seq_len)`:

                positions = F.arange(0, seq_len, ...) + num_tokens.to(input_ids.device)
                keys = F.arange(0, total, out_dim="total_len", ...)
                visible = F.unsqueeze(keys, 0) <= F.unsqueeze(..., 1)

            A turn of the loop in `generate_with_cache`:

                if num_tokens + len(new) > n_positions:
                    new, num_tokens = ids[-max(1, n_positions // 2):], 0
                read = Tensor.from_dlpack(np.array([new], dtype=np.int64))
                logits = model(read, Tensor.from_dlpack(np.array(num_tokens)), *caches)
                num_tokens += len(new)
                token = choose(logits.to_numpy()[0])
            """,
        ),
    ),
    Step(
        number=17,
        slug="batches",
        title="Batches of prompts",
        part="Fast inference",
        hints=_hints(
            """
            Write two prompts of different lengths under each other, so that they end in the
            same column. Number the columns. For each token, say which position it has in its
            own text, and which columns it may look at. Both follow from the column where its
            row starts.
            """,
            """
            `F.elementwise_max(x, 0)` replaces negative numbers by 0. `F.where(condition, a, b)`
            takes from a or from b, and b may be a plain number such as `NEVER`.

            `F.unsqueeze(starts, 1)` is a column with a number for each row; compared with a list
            of keys it gives (batch, total_len). `F.unsqueeze(key, 1)` makes (batch, 1, total_len)
            of that, which compared with (seq_len, 1) gives (batch, seq_len, total_len). The
            scores have an axis for the heads as well: unsqueeze the mask once more.

            In the loop, keep a list of tokens for each row, and the set of the rows that are
            still going.
            """,
            """
            `pad_left`:

                seq_len = max(len(prompt) for prompt in prompts)
                ids = np.zeros((len(prompts), seq_len), dtype=np.int64)
                starts = np.array([seq_len - len(prompt) for ...], dtype=np.int64)
                for row, (start, prompt) in enumerate(zip(starts, prompts)):
                    ids[row, start:] = ...

            `forward`, after query and key are numbered as in step 16:

                start = F.unsqueeze(starts, 1)
                positions = F.elementwise_max(query - ..., 0)
                key = F.where(start <= key, key, ...)
                visible = F.unsqueeze(key, 1) <= F.unsqueeze(query, 1)
                mask = mask_of(visible, hidden=...)
                return self.predict(input_ids, num_tokens, positions, F.unsqueeze(mask, 1), caches)

            `generate_batch`, after the model has given `logits`:

                for row in sorted(going):
                    token = choose(row, logits[row])
                    yield row, token
                    rows[row].append(token)
                    if token == eos_token_id: ...
                if not going:
                    return
                new = np.array([[ids[-1]] for ids in rows], dtype=np.int64)
            """,
        ),
    ),
    Step(
        number=18,
        slug="six_attentions",
        title="Six attentions",
        part="Attention lab",
        hints=_hints(
            """
            What is the largest score of a token that may look at nothing, what is it minus
            itself, and what would you like it to be? And for the tiles: you have summed
            exp(score - 3) over a hundred keys when a score of 5 turns up. Which one number
            makes the sum, and everything you have blended, as if you had known the 5 from the
            start?
            """,
            """
            `x.shape[:-1]` is all but the last axis, and axes may be counted from the end:
            `transpose(-3, -2)`. `F.max(x, axis=-1)` keeps the axis, with length 1;
            `F.elementwise_max(a, b)` takes the larger of each pair, and b may be a number.

            MAX finds its kernel where it sees `F.softmax(query @ key.transpose(-1, -2) / number
            + table) @ value` with four axes and one table, of shape (seq_len, seq_len) or
            (batch, 1, 1, seq_len) or (batch, 1, seq_len, seq_len). `causal_mask` is such a
            table. With padding as well: `F.band_part(x, num_lower=None, num_upper=0)` keeps of
            each row of x what is on the diagonal and left of it, and makes 0 of the rest.

            `F.gather(x, places, axis=0)` takes rows of x, and `F.scatter_nd(x, rows, places)`
            gives x with rows put in their places, which have the shape (rows, 1) there.

            `F.while_loop(state, predicate, body)` calls body with the tensors of the state and
            wants them back, changed, in the same shapes, for as long as the predicate is true,
            which must be on the CPU: `.to(CPU())`. An inner loop can read what the body of the
            outer loop made, and nothing from further out.
            """,
            """
            `eager_attention`, after the scores are masked with -inf:

                row_max = F.elementwise_max(F.max(scores, axis=-1), LOWEST)
                weights = F.exp(scores - ...)
                row_sum = F.elementwise_max(F.sum(weights, axis=-1), 1.0)
                return merge_heads(... / row_sum, dtype)

            `fused_attention`, with a mask:

                visible = mask.cast(scores.dtype).reshape([batch, 1, 1, seq_len])
                if causal:
                    table = F.broadcast_to(visible, [batch, 1, seq_len, seq_len])
                    visible = F.band_part(table, ...)
                output = F.softmax(scores + (1.0 - visible) * ...) @ value
                return merge_heads(output * F.max(visible, axis=-1), dtype)

            `visible_range`: how many sequences have begun at a token's place?

                begun = (cu_seqlens <= rows.unsqueeze(-1)).cast(DType.int64)
                sequence = F.sum(begun, axis=-1).squeeze(-1) - 1
                first = F.gather(cu_seqlens, ..., axis=0)

            `online_softmax_step`:

                new_max = F.elementwise_max(running_max, F.max(scores, axis=-1))
                correction = F.exp(... - ...)
                return new_max, correction * running_sum + ..., correction * accumulator + ...

            `tiled_attention`, the body of the inner loop, for the keys at `places`:

                columns = F.elementwise_min(places, last_token)
                keys = split_heads(F.gather(key, columns, axis=0), num_heads, head_dim)
                ...
                visible = (first.unsqueeze(-1) <= places) & (places <= ...)
                scores = F.where(visible, queries @ keys.transpose(-1, -2), float("-inf"))
                return tiles - 1, places + TILE, *online_softmax_step(scores, values, *softmax)
            """,
        ),
    ),
    Step(
        number=19,
        slug="visible_attention",
        title="Attention you can look at",
        part="Attention lab",
        hints=_hints(
            """
            Take one query and three keys, and hide the second key. Write down the weights. Now
            hide all three: what is 0 / 0? And who reads your message when a mask has the wrong
            shape: somebody who knows which numbers they gave, or somebody who must go and look?
            Put the numbers in, and the shape that would have been right.
            """,
            """
            `tensor.rank` is the number of dimensions. `tensor.shape[-1] != other.shape[-1]`
            compares sizes, numbers and names alike, and a size can be compared with 1.
            `mask.dtype == DType.bool` and `mask.dtype.is_float()` ask for the kind of numbers.
            `mask.real` is True where the numbers are known already, and `mask.to_numpy()`
            gives them then; `np.setdiff1d(numbers, (0, 1))` are those that are neither.

            `F.broadcast_to(mask, scores.shape)` repeats the mask. `F.where(condition, x, y)`
            takes x where the condition is True and y where it is not; one of the two may be
            a number. `F.softmax(x)` works along the last axis. All of it works for 2, 3 and 4
            dimensions, if you count the axes from the end.
            """,
            """
            `visible_keys` ends with

                visible = mask if mask.dtype == DType.bool else mask == ...
                return F.broadcast_to(visible, ...)

            and before that, each size of the mask must be 1 or the scores' own:

                sizes = zip(mask.shape, scores.shape[-mask.rank :], strict=False)
                if not all(size in (1, wanted) for size, wanted in sizes):
                    raise ValueError(...)

            The attention, after the scores:

                if mask is not None:
                    scores = F.where(visible_keys(mask, scores), scores, float(...))
                attention_weights = F.where(scores == float(...), 0.0, F.softmax(...))

            `forward` cuts each of the three projections like this,

                q = self.q_proj(x).reshape([batch, seq_len, ..., ...]).transpose(1, 2)

            and joins the heads again by the same two operations in reverse.
            """,
        ),
    ),
)
