"""What several chapters compute from the sizes of a GPT-2."""

VOCAB_SIZE = 50257
# Of GPT-2 small: n_layer and n_embd.
SMALL = (12, 768)


def parameter_count(n_layer: int, n_embd: int, n_positions: int = 1024) -> int:
    """The parameters of a GPT-2 whose MLP is four times as wide as n_embd, and whose head is tied (chapter 01)."""
    block = 12 * n_embd**2 + 13 * n_embd
    return (VOCAB_SIZE + n_positions) * n_embd + n_layer * block + 2 * n_embd


def cache_bytes(n_layer: int, n_embd: int, number: int = 4) -> int:
    """The bytes that one token leaves in the caches, in numbers of so many bytes (chapter 16)."""
    return 2 * n_layer * n_embd * number


def read_bytes(n_layer: int, n_embd: int, n_positions: int = 1024) -> int:
    """The bytes of weights in float32 that one run reads.

    The table of tokens is the head, and read as a whole; of the table of positions, a run reads a row for each token.
    """
    return 4 * (parameter_count(n_layer, n_embd, n_positions) - n_positions * n_embd)
