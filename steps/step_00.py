"""Step 00: attention for one token at a time, in plain Python.

A language model reads a text from left to right. For every new token it asks
which of the tokens so far matter, and what they say. You compute the answer with
nothing but lists of numbers. The two lists `keys` and `values` grow by one entry
per token: they are the cache. Each token is processed before the next one is
seen, so no token can look ahead.

Tasks:
    1. `softmax`: turn any scores into weights that are positive and sum to 1.
       Subtract the largest score first, so that `math.exp` cannot overflow.
    2. `attend`: score the query against every stored key, scale the scores by
       1 / sqrt(head_dim), take the softmax, and blend the values with it.
    3. `causal_self_attention`, projections: compute the query, key and value of
       each token with `multiply`.
    4. `causal_self_attention`, heads: cut each of them into `n_head` equal
       pieces, and append each head's key and value to that head's lists.
    5. `causal_self_attention`, result: let each head attend over its lists so
       far, and join the heads' answers end to end.

Run: `pixi run s00` or `make s00`
"""

import math

Vector = list[float]
Matrix = list[Vector]


def multiply(matrix: Matrix, vector: Vector) -> Vector:
    """Multiplies a matrix `[out][in]` by a vector `[in]`, giving `[out]`. (Given.)"""
    return [sum(m * v for m, v in zip(row, vector)) for row in matrix]


def softmax(scores: Vector) -> Vector:
    """Turns scores into weights that are positive and sum to 1.

    softmax(s)_i = exp(s_i - max(s)) / sum_j exp(s_j - max(s))

    Args:
        scores: one number for each key, of any finite size.

    Returns:
        One weight for each score, in the same order.
    """
    raise NotImplementedError(
        "step 00, task 1: softmax: turn scores into positive weights that sum to 1"
    )


def attend(query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
    """Blends the values, weighted by how well the query fits their keys.

    attend(q, K, V) = sum_i softmax(q . k_i / sqrt(head_dim))_i v_i

    Args:
        query: what the current token looks for, `[head_dim]`.
        keys: what each token so far offers, `[num_keys][head_dim]`.
        values: what each token so far says, `[num_keys][head_dim]`.

    Returns:
        The blended value, `[head_dim]`.

    Source: "Attention Is All You Need", section 3.2.1.
    """
    raise NotImplementedError(
        "step 00, task 2: attend: score the query against every key and blend the values"
    )


def causal_self_attention(xs: list[Vector], wq: Matrix, wk: Matrix, wv: Matrix, n_head: int) -> list[Vector]:
    """Runs multi-head causal self-attention over a text, token by token.

    Args:
        xs: one vector for each token, `[seq_len][n_embd]`.
        wq: the weights of the queries, `[n_embd][n_embd]`; each row makes one output.
        wk: the weights of the keys, with the same layout.
        wv: the weights of the values, with the same layout.
        n_head: the number of heads; head `h` owns the entries from
            `h * head_dim` up to `(h + 1) * head_dim`, with `head_dim = n_embd // n_head`.

    Returns:
        One vector for each token, `[seq_len][n_embd]`.

    Source: Hugging Face `GPT2Attention`, without its biases and output projection.
    """
    raise NotImplementedError(
        "step 00, tasks 3 to 5: causal_self_attention: attend in every head, token by token"
    )
