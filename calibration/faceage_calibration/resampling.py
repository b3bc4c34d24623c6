"""Drawing samples again: what every bootstrap interval here is made of."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceage_calibration.errors import SamplesError

__all__ = ["CONFIDENCE", "RESAMPLES", "Floats", "Interval", "checked", "draws", "percentiles"]

Floats = NDArray[np.float64]

# With this many resamples an end of the interval is known to about a fiftieth of its width.
RESAMPLES = 2000
CONFIDENCE = 0.95
# Indices drawn at a time: 2**22 of 8 bytes are 32 MB, little enough for a board with 512 MB.
_INDICES_AT_ONCE = 2**22


class Interval(NamedTuple):
    """The two ends of an interval, `low <= high`, in the unit of the samples."""

    low: float
    high: float


def checked(samples: ArrayLike) -> Floats:
    """Return samples as (n,) float64; SamplesError when there are none or one is not finite."""
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise SamplesError(f"statistics need at least one sample in a row, found {values.shape}")
    if not np.isfinite(values).all():
        raise SamplesError("a sample is not a finite number; the measurement behind it failed")
    return values


def draws(n: int, resamples: int, seed: int | tuple[int, ...]) -> Iterator[NDArray[np.int64]]:
    """Yield index rows, (some, n) each, `resamples` rows in all."""
    generator = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, _INDICES_AT_ONCE // n)
    for done in range(0, resamples, at_once):
        yield generator.integers(0, n, (min(at_once, resamples - done), n))


def percentiles(statistics: Floats, confidence: float) -> Interval:
    """Return the interval that holds the share `confidence` of resampled statistics."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(statistics, [tail, 1 - tail])
    return Interval(float(low), float(high))
