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
    sizes, ceil = call.shape("filter_shape"), call.get("ceil_mode", bool)
    windows, axes = _windows(x, sizes, call, 0.0, reach=ceil)
    sums, paddings = windows.sum(axis=tuple(range(-axes, 0))), np.reshape(call.shape("paddings"), (axes, 2))
    if call.get("count_boundary", bool) or not (paddings.any() or ceil):
        return sums / float(np.prod(sizes))
    strides, dilations, numbers = call.shape("strides"), call.shape("dilations"), np.array(1)
    for axis, size in enumerate(sizes):
        count, (low, high) = sums.shape[1 + axis], paddings[axis]
        if ceil:
            high += (count - 1) * strides[axis] + dilations[axis] * (size - 1) + 1 - x.shape[1 + axis]
        counted = [_size_inside(index, count, low, high, size) for index in range(count)]
        numbers = numbers[..., None] * np.array(counted)
    # Whole numbers to here: some are 0, and its sign counts.
    return sums / numbers[..., None].astype(sums.dtype)


def _size_inside(index: int, count: int, low: int, high: int, size: int) -> int:
    """How many numbers of a window MAX takes to be no padding, along one axis.

    MAX goes by the number of the window, as if windows moved by 1 and at most 1 were padded: with other strides and
    paddings the mean is off (`pool_dim_size` of its kernels, in nn/pool.mojo).

    Args:
        index, count: which window, of how many.
        low, high: the padding before and after.
        size: of the window.
    """
    if index < low:
        return size - index - 1
    if index >= count - high:
        return size - count + index
    return size
