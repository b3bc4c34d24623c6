"""The average of weights over their last steps, which is steadier than the last of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_in"]


def average_in(means: Sequence[NDArray[Any]], values: Iterable[Any], keep: float) -> None:
    """Move averages, in place, towards what weights are now.

    Args:
        means: an array a weight.
        values: the weights, in the same order and shapes. Of a count, which is whole numbers, as
            EfficientNet's normalisation has one, there is no average: the last one stays.
        keep: share of the average that stays, 0 to 1.
    """
    for mean, value in zip(means, values, strict=True):
        share = keep if np.issubdtype(mean.dtype, np.floating) else 0
        mean *= share
        mean += (1 - share) * np.asarray(value)
