"""Means over bands against arithmetic and against a plain loop."""

import numpy as np
import pytest

from faceage_calibration.banded import weighted_bands, weighted_interval
from faceage_calibration.errors import SamplesError

MEANS = [
    # samples, bands, weights, expected, note
    ([2.0, 4.0, 10.0], [0, 0, 1], [0.75, 0.25], 0.75 * 3 + 0.25 * 10, "two bands"),
    ([2.0, 4.0, 10.0], [0, 0, 0], [1.0], 16 / 3, "one band is the plain mean"),
    ([2.0, 4.0], [0, 2], [0.5, 0.25, 0.25], (0.5 * 2 + 0.25 * 4) / 0.75, "an empty band"),
    ([7.0], [1], [0.9, 0.1], 7.0, "one sample"),
]


@pytest.mark.parametrize(("samples", "bands", "weights", "expected", "note"), MEANS)
def test_means_by_hand(
    samples: list[float], bands: list[int], weights: list[float], expected: float, note: str
) -> None:
    """Band means with weights; an empty band gives its weight to the others."""
    assert weighted_bands(samples, bands, weights) == pytest.approx(expected), note


def test_interval_by_a_plain_loop() -> None:
    """The interval is the quantiles of what a loop over the same draws finds."""
    generator = np.random.default_rng(5)
    samples, bands = generator.normal(4, 2, 30), generator.integers(0, 3, 30)
    bands[0], bands[1:] = 3, bands[1:] % 3  # a band of one face, which some draws lack
    weights = [0.4, 0.3, 0.2, 0.1]
    rows = np.random.Generator(np.random.PCG64(9)).integers(0, 30, (200, 30))
    means = []
    for row in rows:
        groups = [samples[row][bands[row] == band] for band in range(4)]
        kept = [(w, g.mean()) for w, g in zip(weights, groups, strict=True) if g.size]
        means.append(sum(w * mean for w, mean in kept) / sum(w for w, _ in kept))
    expected = np.quantile(means, [0.05, 0.95])
    found = weighted_interval(samples, bands, weights, seed=9, resamples=200, confidence=0.9)
    assert list(found) == pytest.approx(list(expected))


def test_equal_weights_of_equal_bands_are_the_plain_mean() -> None:
    """Weights that are the samples' own shares change nothing."""
    samples = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert weighted_bands(samples, [0, 1, 1, 0, 1], [0.4, 0.6]) == pytest.approx(3.0)


def test_lengths_must_agree() -> None:
    """A band for each sample."""
    with pytest.raises(SamplesError, match="2 samples"):
        weighted_bands([1.0, 2.0], [0], [1.0])
