"""PRELU as a maximum, also for slopes above 1."""

import numpy as np
import pytest

from faceage_models.prelu import PreluBlock, split_steep


def _run(block: PreluBlock, x: np.ndarray, *, pooled: bool) -> np.ndarray:
    """Apply a block of 1x1 convolutions to `(n, channels in)` as prelu or max, both the same."""
    y = x @ block.kernel[0, 0] + block.bias
    y = np.maximum(y, 0) + block.slope * np.minimum(y, 0)
    if pooled:
        y = y.reshape(-1, 2, y.shape[1]).max(axis=1)
    return np.asarray(y @ block.next_kernel[0, 0])


def _block(slopes: list[float]) -> PreluBlock:
    random = np.random.default_rng(0)
    n = len(slopes)
    return PreluBlock(
        kernel=random.normal(size=(1, 1, 3, n)).astype(np.float32),
        bias=random.normal(size=n).astype(np.float32),
        slope=np.array(slopes, np.float32),
        next_kernel=random.normal(size=(1, 1, n, 5)).astype(np.float32),
    )


@pytest.mark.parametrize("pooled", [False, True], ids=["plain", "max-pooled between"])
@pytest.mark.parametrize(
    ("slopes", "channels"),
    [([0.2, -1.3, 1.0], 3), ([1.01, 0.5], 3), ([1.3, 2.0, -0.5, 0.0], 6)],
    ids=["nothing steep", "one steep", "two steep"],
)
def test_function_is_kept_and_no_slope_is_steep(
    slopes: list[float], channels: int, pooled: bool
) -> None:
    """The block computes the same; each steep slope costs one channel."""
    block = _block(slopes)
    split = split_steep(block)
    x = np.random.default_rng(1).normal(size=(64, 3)).astype(np.float32)
    assert split.slope.shape == (channels,)
    assert split.slope.max() <= 1
    np.testing.assert_allclose(
        _run(split, x, pooled=pooled), _run(block, x, pooled=pooled), atol=1e-5
    )


def test_no_channel_becomes_all_zero() -> None:
    """An added slope is not 0, which has no int8 scale that XNNPACK takes."""
    assert (split_steep(_block([1.5, 0.3])).slope != 0).all()
