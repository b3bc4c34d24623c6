"""The age vector: a bell of probabilities around the age, learnt by the earth mover's distance.

What a face has to give up to change the found shares of the ages into the wanted ones, as the root
of the mean square of the differences of their running sums (Hou et al., "Squared earth mover's
distance-based loss", arXiv:1611.05916; the root as Talebi and Milanfar, arXiv:1709.05424, take it).
The age is the expected one.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import UsageError
from faceage_models.keras_backend import training_keras

__all__ = ["DEVIATION", "earth_mover_loss", "vector_prior", "vector_targets"]

Floats = NDArray[np.float32]

# Years, of an exact age's bell.
DEVIATION = 5.0
# The loss in years of ages: a root of a mean over 101 is small beside other heads' losses.
_SCALE = 100.0
_SMOOTH = 1e-8


def vector_targets(ages: int, deviation: float) -> Callable[[NDArray[np.float64]], Floats]:
    """From spans, float64 (n, 2), to wanted shares of the ages from 0, (n, ages), summing to 1.

    Of a span every age inside is as likely as the others, and each has its bell.

    Args:
        ages: how many.
        deviation: of the bell, years, above 0.

    Raises:
        UsageError: the deviation is no number above 0.
    """
    if not 0 < deviation < math.inf:
        raise UsageError(f"--age-deviation {deviation:g}: expected years above 0")

    def targets(spans: NDArray[np.float64]) -> Floats:
        years = np.arange(ages, dtype=np.float64)
        low, high = np.minimum(spans, ages - 1).T
        outside = np.maximum(np.maximum(low[:, None] - years, years - high[:, None]), 0)
        bell = np.exp(-(outside**2) / (2 * deviation**2))
        return np.asarray(bell / bell.sum(axis=1, keepdims=True), np.float32)

    return targets


def earth_mover_loss(targets: Any, logits: Any, _importance: Any) -> Any:
    """How far the mass of the found shares is from where it should be, (n,)."""
    ops = training_keras().ops
    difference = ops.cumsum(targets - ops.softmax(logits, axis=-1), axis=-1)
    return _SCALE * ops.sqrt(ops.mean(difference**2, axis=-1) + _SMOOTH)


def vector_prior(
    targets: Callable[[NDArray[np.float64]], Floats],
) -> Callable[[NDArray[np.float64]], Floats]:
    """From spans to the logarithms of the mean shares."""

    def prior(spans: NDArray[np.float64]) -> Floats:
        return np.asarray(np.log(targets(spans).mean(axis=0) + 1e-4), np.float32)

    return prior
