"""A mean over bands with given weights, such as an age-standardised error, and its interval."""

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

__all__ = ["weighted_bands", "weighted_interval"]


def weighted_bands(samples: ArrayLike, bands: ArrayLike, weights: ArrayLike) -> float:
    """Return the weighted mean of the bands' means.

    Args:
        samples: (n,) numbers, n >= 1.
        bands: (n,) integers: which band a sample is in, 0 to k - 1.
        weights: (k,) positive; bands without a sample are left out and the others' weights
            scaled to sum to one.

    Raises:
        SamplesError: no samples, a sample that is not finite, or unequal lengths.
    """
    values, member, shares = _banded(samples, bands, weights)
    everything = np.arange(values.size)[None]
    return float(_weighted_means(values, member, shares, everything)[0])


def weighted_interval(
    samples: ArrayLike,
    bands: ArrayLike,
    weights: ArrayLike,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the bootstrap interval of `weighted_bands`.

    All samples are drawn again together, not band by band: a band of one sample would show no
    spread. A band that a resample lacks is left out of it.

    Args:
        samples: (n,) numbers, n >= 1.
        bands: (n,) integers: which band a sample is in, 0 to k - 1.
        weights: (k,) positive, of the bands.
        seed: of the resampling.
        resamples: how often the samples are drawn again.
        confidence: share of the resampled means that lie inside.

    Raises:
        SamplesError: no samples, a sample that is not finite, or unequal lengths.
    """
    values, member, shares = _banded(samples, bands, weights)
    drawn = [
        _weighted_means(values, member, shares, rows)
        for rows in draws(values.size, resamples, seed)
    ]
    return percentiles(np.concatenate(drawn), confidence)


def _banded(
    samples: ArrayLike, bands: ArrayLike, weights: ArrayLike
) -> tuple[Floats, NDArray[np.int64], Floats]:
    values, shares = checked(samples), checked(weights)
    member = np.asarray(bands, dtype=np.int64)
    if member.shape != values.shape:
        raise SamplesError(f"{values.size} samples with bands of shape {member.shape}")
    return values, member, shares


def _weighted_means(
    values: Floats, member: NDArray[np.int64], shares: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Return the weighted mean of each row of indices, (some,)."""
    drawn, drawn_bands = values[rows], member[rows]
    total, used = np.zeros(len(rows)), np.zeros(len(rows))
    for band, share in enumerate(shares):
        inside = drawn_bands == band
        count = inside.sum(axis=1)
        # An empty band adds nothing to either sum.
        total += share * np.where(inside, drawn, 0).sum(axis=1) / np.maximum(count, 1)
        used += share * (count > 0)
    return np.asarray(total / used)
