"""What several chapters compute from the sizes of a GPT-2 model."""

VOCAB_SIZE = 50257
# Of GPT-2 small: n_layer and n_embd.
SMALL = (12, 768)


def parameter_count(n_layer: int, n_embd: int, n_positions: int = 1024) -> int:
    """The parameters of a GPT-2 whose MLP is four times as wide as n_embd, and whose head is tied (chapter 01)."""
    block = 12 * n_embd**2 + 13 * n_embd
    return (VOCAB_SIZE + n_positions) * n_embd + n_layer * block + 2 * n_embd


def cache_bytes(n_layer: int, n_embd: int, number: int = 4) -> int:
    """The bytes that one token takes in the caches, if each number has `number` bytes (chapter 16)."""
    return 2 * n_layer * n_embd * number


def read_bytes(n_layer: int, n_embd: int, n_positions: int = 1024) -> int:
    """The bytes of weights in float32 that one run reads.

    The token table is also the head, so all of it is read. Of the position table, a run reads one row for each token.
    """
    return 4 * (parameter_count(n_layer, n_embd, n_positions) - n_positions * n_embd)
