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

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceage_calibration.errors import SamplesError
from faceage_calibration.resampling import (
    CONFIDENCE,
    RESAMPLES,
    Floats,
    Interval,
    checked,
    draws,
    percentiles,
)

__all__ = [
    "CONFIDENCE",
    "RESAMPLES",
    "Floats",
    "Interval",
    "mean_interval",
    "mean_ratio_interval",
    "median_ratio",
    "median_ratio_interval",
    "quantile",
    "quantile_interval",
    "share_interval",
    "unpaired_interval",
]


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
    values = checked(samples)
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
    values = checked(samples)
    drawn = [values[rows].mean(axis=1) for rows in draws(values.size, resamples, seed)]
    return percentiles(np.concatenate(drawn), confidence)


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
    first, second = checked(samples), checked(others)
    means = []
    # Two streams of one seed, so that the two draws are independent of each other.
    for values, stream in ((first, (seed, 0)), (second, (seed, 1))):
        drawn = draws(values.size, resamples, stream)
        means.append(np.concatenate([values[rows].mean(axis=1) for rows in drawn]))
    return percentiles(means[0] - means[1], confidence)


def mean_ratio_interval(
    samples: ArrayLike,
    others: ArrayLike,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the interval of mean(samples) / mean(others) of pairs that are drawn together.

    Args:
        samples: (n,) numbers, n >= 1.
        others: (n,) positive numbers, pair by pair.
        seed: of the resampling.
        resamples: how often the pairs are drawn again.
        confidence: share of the resampled ratios that lie inside.

    Raises:
        SamplesError: empty, unequal lengths, numbers not finite, or others not positive.
    """
    above, below = checked(samples), checked(others)
    if above.size != below.size or below.min() <= 0:
        raise SamplesError(
            f"a ratio of means needs pairs with a positive second, found {above.size} and "
            f"{below.size} samples from {below.min():g} up"
        )
    drawn = [
        above[rows].mean(axis=1) / below[rows].mean(axis=1)
        for rows in draws(above.size, resamples, seed)
    ]
    return percentiles(np.concatenate(drawn), confidence)


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
    values = checked(samples)
    quantile(values, share)  # the same checks and the same words
    drawn = [np.quantile(values[rows], share) for rows in __group_draws(groups, resamples, seed)]
    return percentiles(np.asarray(drawn), confidence)


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
    above, below = checked(samples), checked(others)
    if above.size != below.size:
        raise SamplesError(f"pairs are needed, found {above.size} and {below.size} samples")
    if min(above.min(), below.min()) <= 0:
        raise SamplesError("a ratio of medians needs positive samples, found one at or below zero")
    drawn = [
        np.median(above[rows]) / np.median(below[rows])
        for rows in __group_draws(groups, resamples, seed)
    ]
    return percentiles(np.asarray(drawn), confidence)


def __group_draws(groups: ArrayLike, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
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
