"""Bootstrap intervals and quantiles, seeded and vectorised.

Intervals are percentile bootstrap intervals (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13). Faces are independent and are drawn one by one. Timings are not: the
same file loaded twice runs a per cent or two faster or slower, and now and then by half, as its
memory happens to lie. So timings are drawn by loads, all samples of a load together, one load
fewer than there are, which makes the interval's width unbiased (Rao and Wu 1988). Nothing here
drops a sample or pools samples of two models.
"""

from collections.abc import Iterator
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceage_calibration.errors import SamplesError

__all__ = [
    "CONFIDENCE",
    "RESAMPLES",
    "Floats",
    "Interval",
    "mean_interval",
    "median_ratio",
    "median_ratio_interval",
    "quantile",
    "quantile_interval",
    "share_interval",
    "unpaired_interval",
]

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


def quantile(samples: ArrayLike, share: float) -> float:
    """Return the quantile of unsorted samples.

    Args:
        samples: (n,) numbers in any order, n >= 1.
        share: between 0 and 1; 0.5 is the median.

    Returns:
        The quantile by linear interpolation between the two nearest sorted samples (definition 7
        of Hyndman and Fan 1996, numpy's default).

    Raises:
        SamplesError: no samples, a sample that is not finite, or a share outside 0..1.
    """
    values = _checked(samples)
    if not 0 <= share <= 1:
        raise SamplesError(f"a quantile's share is between 0 and 1, not {share}")
    return float(np.quantile(np.sort(values), share))


def mean_interval(
    samples: ArrayLike,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the bootstrap interval of the mean of independent samples.

    For a paired comparison give the differences, sample by sample: both sides of a pair are then
    always drawn together.

    Args:
        samples: (n,) numbers, n >= 1.
        seed: of the resampling; the same seed gives the same interval.
        resamples: how often the samples are drawn again.
        confidence: share of the resampled means that lie inside.

    Raises:
        SamplesError: no samples or a sample that is not finite.
    """
    values = _checked(samples)
    drawn = [values[rows].mean(axis=1) for rows in _draws(values.size, resamples, seed)]
    return _percentiles(np.concatenate(drawn), confidence)


def unpaired_interval(
    samples: ArrayLike,
    others: ArrayLike,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the interval of mean(samples) - mean(others) for two independent sets.

    Args:
        samples: (n,) numbers, n >= 1.
        others: (m,) numbers, m >= 1; drawn apart from the samples.
        seed: of the resampling.
        resamples: how often both are drawn again.
        confidence: share of the resampled differences that lie inside.

    Raises:
        SamplesError: either set is empty or holds a number that is not finite.
    """
    first, second = _checked(samples), _checked(others)
    means = []
    # Two streams of one seed, so that the two draws are independent of each other.
    for values, stream in ((first, (seed, 0)), (second, (seed, 1))):
        draws = _draws(values.size, resamples, stream)
        means.append(np.concatenate([values[rows].mean(axis=1) for rows in draws]))
    return _percentiles(means[0] - means[1], confidence)


def share_interval(hits: int, n: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of a share of independent yes-or-no samples.

    Wilson's score interval (Wilson 1927): a bootstrap of samples that are all yes has no width,
    as if the next one could not be a no.

    Args:
        hits: how many are yes, 0 to n.
        n: how many there are, at least 1.
        confidence: how often such an interval holds the true share.

    Raises:
        SamplesError: no samples, or more hits than samples.
    """
    if n < 1 or not 0 <= hits <= n:
        raise SamplesError(f"{hits} hits of {n} samples are no share")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * float(np.sqrt(hits * (n - hits) / n + z**2 / 4))
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def quantile_interval(
    samples: ArrayLike,
    share: float,
    *,
    groups: ArrayLike,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the bootstrap interval of a quantile of samples that come in groups.

    Args:
        samples: (n,) numbers.
        share: of the quantile, between 0 and 1.
        groups: (n,) integers: which load of the model a sample is from; at least two.
        seed: of the resampling.
        resamples: how often the groups are drawn again.
        confidence: share of the resampled quantiles that lie inside.

    Raises:
        SamplesError: no samples, a sample that is not finite, a share outside 0..1, one group.
    """
    values = _checked(samples)
    quantile(values, share)  # the same checks and the same words
    drawn = [np.quantile(values[rows], share) for rows in _group_draws(groups, resamples, seed)]
    return _percentiles(np.asarray(drawn), confidence)


def median_ratio(samples: ArrayLike, others: ArrayLike) -> float:
    """Return median(samples) / median(others).

    Raises:
        SamplesError: either is empty, not finite, or the second median is zero.
    """
    below = quantile(others, 0.5)
    if below == 0:
        raise SamplesError("a ratio to a median of zero has no value; measure something longer")
    return quantile(samples, 0.5) / below


def median_ratio_interval(
    samples: ArrayLike,
    others: ArrayLike,
    *,
    groups: ArrayLike,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the interval of the ratio of medians of interleaved pairs.

    Pair i of the two was measured at the same time and is always drawn together, so that what
    slows both (a clock that steps down, another program) does not widen the interval.

    Args:
        samples: (n,) positive numbers.
        others: (n,) positive numbers, pair by pair.
        groups: (n,) integers: which load of the two models a pair is from; at least two.
        seed: of the resampling.
        resamples: how often the groups are drawn again.
        confidence: share of the resampled ratios that lie inside.

    Raises:
        SamplesError: empty, unequal lengths, numbers not finite and positive, or one group.
    """
    above, below = _checked(samples), _checked(others)
    if above.size != below.size:
        raise SamplesError(f"pairs are needed, found {above.size} and {below.size} samples")
    if min(above.min(), below.min()) <= 0:
        raise SamplesError("a ratio of medians needs positive samples, found one at or below zero")
    drawn = [
        np.median(above[rows]) / np.median(below[rows])
        for rows in _group_draws(groups, resamples, seed)
    ]
    return _percentiles(np.asarray(drawn), confidence)


def _checked(samples: ArrayLike) -> Floats:
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise SamplesError(f"statistics need at least one sample in a row, found {values.shape}")
    if not np.isfinite(values).all():
        raise SamplesError("a sample is not a finite number; the measurement behind it failed")
    return values


def _draws(n: int, resamples: int, seed: int | tuple[int, ...]) -> Iterator[NDArray[np.int64]]:
    """Yield index rows, (some, n) each, `resamples` rows in all."""
    generator = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, _INDICES_AT_ONCE // n)
    for done in range(0, resamples, at_once):
        yield generator.integers(0, n, (min(at_once, resamples - done), n))


def _group_draws(groups: ArrayLike, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield one row of indices for each resample: all samples of the groups that were drawn."""
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if names.size < 2:
        raise SamplesError(
            f"{names.size} load has no spread between loads; measure with two or more"
        )
    rows = [np.flatnonzero(member == index) for index in range(names.size)]
    generator = np.random.Generator(np.random.PCG64(seed))
    for drawn in generator.integers(0, names.size, (resamples, names.size - 1)):
        yield np.concatenate([rows[index] for index in drawn])


def _percentiles(statistics: Floats, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(statistics, [tail, 1 - tail])
    return Interval(float(low), float(high))
