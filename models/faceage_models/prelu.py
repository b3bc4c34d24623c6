"""Parametric ReLU without a PRELU operation, exactly.

prelu(x) is x where x >= 0 and a x elsewhere, with one slope a per channel. In int8 a PRELU
operation costs several times its whole network; max(x, a x) is the same function for every a <= 1
and runs fast everywhere. `split_steep` takes care of the few channels with a > 1. For any c < 1,

    prelu(x) = (1 - b) x + b max(x, c x)   with   b = (1 - a) / (1 - c)

and both x = max(x, 1 x) and max(x, c x) have slopes of at most 1: the convolution before emits the
channel twice, with slopes 1 and c, and the convolution behind adds the two in the same stroke as
its own sum. Max-pooling in between changes nothing, because for a > 0 and c > 0 all three rise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PreluBlock", "split_steep"]

Array = NDArray[np.float32]

# c above. Not 0: a channel of nothing but zeros has no int8 scale that XNNPACK accepts.
_GENTLE = 0.25


@dataclass(frozen=True)
class PreluBlock:
    """A convolution, the slopes behind it, and the kernel of the convolution that follows.

    `kernel` is `(height, width, channels in, channels)`, `bias` and `slope` are `(channels,)`,
    `next_kernel` is `(height, width, channels, channels out)`; all float32.
    """

    kernel: Array
    bias: Array
    slope: Array
    next_kernel: Array


def split_steep(block: PreluBlock) -> PreluBlock:
    """Rewrite a block so that no slope is above 1, keeping the function of the whole.

    Returns:
        The block with one more channel, at the end, for each slope above 1; the same block where
        there is none.
    """
    steep = np.flatnonzero(block.slope > 1)
    if not steep.size:
        return block
    share = (1 - block.slope[steep].astype(np.float64)) / (1 - _GENTLE)
    slope = block.slope.copy()
    slope[steep] = 1
    next_kernel = block.next_kernel.astype(np.float64)
    added = next_kernel[:, :, steep] * share[:, None]
    next_kernel[:, :, steep] *= 1 - share[:, None]
    return PreluBlock(
        kernel=np.concatenate([block.kernel, block.kernel[..., steep]], axis=-1),
        bias=np.concatenate([block.bias, block.bias[steep]]),
        slope=np.concatenate([slope, np.full(steep.size, _GENTLE, np.float32)]),
        next_kernel=np.concatenate([next_kernel, added], axis=2).astype(np.float32),
    )
