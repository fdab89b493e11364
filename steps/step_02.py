"""Step 02: the causal mask, with `F.band_part`.

In training, and when it reads a prompt, the model processes all tokens at once.
The mask keeps each token from looking at later ones. It is added to the
attention scores: 0 where a query may look, and -inf where it may not. The
softmax turns -inf into a weight of exactly 0.

Tasks:
    1. Import `functional as F` and `Tensor` from `max.experimental` (the module
       `max.experimental.tensor` has `Tensor`), and `Dim` from `max.graph`.
    2. Decorate `causal_mask` with `@F.functional`, so that its operations are
       recorded as one graph.
    3. Make a constant -inf with the given dtype, on the given device.
    4. Broadcast it to (sequence_length, sequence_length + num_tokens). The
       length may be a symbolic dimension: `Dim(sequence_length) + num_tokens`.
    5. Set the band that a query may see to 0, with `F.band_part(..., exclude=True)`.
       Row i is the query at position num_tokens + i: where does its band end?

Run: `pixi run s02` or `make s02`
"""

from max.driver import Device
from max.dtype import DType
from max.graph import DimLike


def causal_mask(sequence_length: DimLike, num_tokens: int, *, dtype: DType, device: Device) -> "Tensor":
    """Builds the mask that hides later tokens from earlier ones.

    mask[i, j] = 0 if j <= num_tokens + i else -inf

    Args:
        sequence_length: number of queries, which are the new tokens of this call.
        num_tokens: number of earlier tokens, whose keys are already in a cache.
        dtype: dtype of the mask.
        device: device that the mask is made on.

    Returns:
        The mask, of shape (sequence_length, sequence_length + num_tokens).

    Source: "Attention Is All You Need", section 3.2.3.
    """
    raise NotImplementedError(
        "step 02, tasks 1 to 5: causal_mask: build the mask of 0 and -inf"
    )
