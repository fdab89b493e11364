"""Convolutions and pooling, with the channels last."""

from collections.abc import Sequence

import numpy as np

from tutor.graphs.evaluate.operations.registry import Call, operation


def _windows(
    x: np.ndarray, sizes: Sequence[int], call: Call, padding: float, *, reach: bool = False
) -> tuple[np.ndarray, int]:
    """All windows of an image or a volume.

    Args:
        x: (batch, *spatial, channels).
        sizes: of a window.
        call: has the strides, dilations and paddings.
        padding: the number to pad with.
        reach: a last window may reach beyond the padding.

    Returns:
        (batch, *windows, channels, *sizes), and the number of spatial axes.
    """
    axes = len(sizes)
    strides, dilations = call.shape("strides"), call.shape("dilations")
    paddings = np.reshape(call.shape("paddings"), (axes, 2)).tolist()
    extents = [dilation * (size - 1) + 1 for size, dilation in zip(sizes, dilations, strict=True)]
    if reach:
        for axis in range(axes):
            beyond = (x.shape[1 + axis] + sum(paddings[axis]) - extents[axis]) % strides[axis]
            paddings[axis][1] += (strides[axis] - beyond) % strides[axis]
    padded = np.pad(x, [(0, 0), *map(tuple, paddings), (0, 0)], constant_values=padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, extents, axis=tuple(range(1, axes + 1)))
    places = (slice(None), *(slice(None, None, stride) for stride in strides), slice(None))
    return windows[(*places, *(slice(None, None, dilation) for dilation in dilations))], axes


@operation("conv")
def convolution(call: Call, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A convolution as neural networks have it, without a flip; kernel: (*sizes, channels / groups, out_channels)."""
    groups, outs = call.get("num_groups", int), kernel.shape[-1]
    windows, axes = _windows(x, kernel.shape[:-2], call, 0.0)
    channels = kernel.shape[-2]
    pieces = []
    for group in range(groups):
        part = windows[(slice(None),) * (axes + 1) + (slice(group * channels, (group + 1) * channels),)]
        weights = kernel[..., group * outs // groups : (group + 1) * outs // groups]
        over = [axes + 1, *range(axes + 2, 2 * axes + 2)]
        pieces.append(np.tensordot(part, weights, (over, [axes, *range(axes)])))
    return np.concatenate(pieces, axis=-1)


@operation("max_pool")
def max_pool(call: Call, x: np.ndarray) -> np.ndarray:
    """The largest number of each window; padding is never the largest."""
    windows, axes = _windows(x, call.shape("filter_shape"), call, -np.inf, reach=call.get("ceil_mode", bool))
    return windows.max(axis=tuple(range(-axes, 0)))


@operation("avg_pool")
def average_pool(call: Call, x: np.ndarray) -> np.ndarray:
    """The mean of each window, with the padding counted in or not."""
    sizes = call.shape("filter_shape")
    windows, axes = _windows(x, sizes, call, 0.0, reach=call.get("ceil_mode", bool))
    inside, _ = _windows(np.ones_like(x), sizes, call, 0.0, reach=call.get("ceil_mode", bool))
    over = tuple(range(-axes, 0))
    counted = float(np.prod(sizes)) if call.get("count_boundary", bool) else inside.sum(axis=over)
    return windows.sum(axis=over) / counted
