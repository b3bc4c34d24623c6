"""Bootstrap intervals and quantiles against values worked out by hand and by simulation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import (
    mean_interval,
    median_ratio,
    median_ratio_interval,
    quantile,
    quantile_interval,
    share_interval,
    unpaired_interval,
)

QUANTILES = [
    # samples, share, expected, note
    ([3.0], 0.5, 3.0, "one sample is every quantile"),
    ([4.0, 1.0, 3.0, 2.0], 0.5, 2.5, "even count: the mean of the two in the middle"),
    ([5.0, 1.0, 3.0], 0.5, 3.0, "odd count: the middle one"),
    ([5.0, 1.0, 3.0], 0.0, 1.0, "0 is the smallest"),
    ([5.0, 1.0, 3.0], 1.0, 5.0, "1 is the largest"),
    (list(range(101)), 0.9, 90.0, "0 to 100: the 90th percentile is 90"),
    ([10.0, 0.0], 0.25, 2.5, "a quarter of the way from the smaller to the larger"),
]


@pytest.mark.parametrize(("samples", "share", "expected", "note"), QUANTILES)
def test_quantile_by_hand(samples: list[float], share: float, expected: float, note: str) -> None:
    """A quantile interpolates between the two nearest of the sorted samples."""
    assert quantile(samples, share) == pytest.approx(expected), note


def test_median_of_unsorted_samples() -> None:
    """Samples in the order measured give the same median as sorted ones (a published fault)."""
    samples = [9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 100.0]
    assert quantile(samples, 0.5) == 7.0 == quantile(sorted(samples), 0.5)
    assert samples[len(samples) // 2] != quantile(samples, 0.5), "the fault would show here"


def test_the_slowest_tenth_counts() -> None:
    """The slowest tenth of the samples is in p99 and in the interval (a published fault)."""
    samples = [1.0] * 90 + [50.0] * 10
    assert quantile(samples, 0.99) == 50.0
    assert quantile(sorted(samples)[:90], 0.99) == 1.0, "the fault would show here"
    assert quantile_interval(samples, 0.99, groups=np.arange(100) // 5).high == 50.0


def test_interval_of_two_values_by_hand() -> None:
    """Two samples 0 and 1 have resampled means 0, 1/2 and 1; the interval spans all of them."""
    assert tuple(mean_interval([0.0, 1.0])) == (0.0, 1.0)


def test_interval_of_equal_samples_is_a_point() -> None:
    """Equal samples show no spread, so the interval is their value."""
    assert tuple(mean_interval([2.5] * 10)) == (2.5, 2.5)


def test_interval_agrees_with_the_normal_one() -> None:
    """For many samples the interval is the mean plus and minus 1.96 standard errors."""
    samples = np.random.default_rng(1).normal(5, 2, 4000)
    error = samples.std() / np.sqrt(samples.size)
    low, high = mean_interval(samples)
    assert low == pytest.approx(samples.mean() - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(samples.mean() + 1.96 * error, abs=0.1 * error)


def test_mean_interval_covers() -> None:
    """95 % intervals of 60 skewed samples hold the true mean in about 95 of 100 simulations."""
    generator = np.random.default_rng(2)
    held = 0
    for trial in range(400):
        low, high = mean_interval(generator.gamma(4.0, 1.5, 60), seed=trial, resamples=400)
        held += low <= 6.0 <= high
    # 3 standard errors of 400 simulations, and a little less than 95 % as is known of
    # percentile intervals of skewed samples.
    assert 0.90 <= held / 400 <= 0.985


def test_pairing_narrows() -> None:
    """Differences of pairs have a far narrower interval than two sets drawn apart."""
    generator = np.random.default_rng(3)
    base = generator.normal(0, 5, 300)
    ours, theirs = base + 0.2, base + generator.normal(0, 0.1, 300)
    paired = mean_interval(ours - theirs)
    apart = unpaired_interval(ours, theirs)
    assert paired.high - paired.low < 0.1 * (apart.high - apart.low)
    assert paired.low <= 0.2 <= paired.high
    assert apart.low <= 0.2 <= apart.high


def test_unpaired_interval_agrees_with_the_normal_one() -> None:
    """Two independent sets: the variances of the two means add up."""
    generator = np.random.default_rng(4)
    first, second = generator.normal(3, 1, 2000), generator.normal(1, 2, 1000)
    error = np.sqrt(first.var() / first.size + second.var() / second.size)
    low, high = unpaired_interval(first, second)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.08)
    assert (low + high) / 2 == pytest.approx(first.mean() - second.mean(), abs=0.1 * error)


def test_ratio_by_hand() -> None:
    """The ratio is median over median, not the median of ratios."""
    assert median_ratio([2.0, 4.0, 6.0], [8.0, 1.0, 2.0]) == 2.0


def test_ratio_of_paired_samples_forgives_a_common_slowdown() -> None:
    """A clock that halves midway moves both models and leaves the ratio's interval narrow."""
    generator = np.random.default_rng(5)
    clock = np.where(np.arange(600) < 300, 1.0, 2.0)
    ours = clock * generator.normal(10, 0.1, 600)
    theirs = clock * generator.normal(5, 0.05, 600)
    low, high = median_ratio_interval(ours, theirs, groups=np.arange(600) // 30)
    assert 1.9 < low <= 2.0 <= high < 2.1


def test_ratio_interval_covers_when_loads_differ() -> None:
    """Two equal models whose loads run 2 % apart: the interval holds 1 nine times of ten.

    Drawing single pairs instead of loads would hold it far less often.
    """
    generator = np.random.default_rng(6)
    loads, each = 20, 25
    groups = np.repeat(np.arange(loads), each)
    by_load, by_pair = 0, 0
    for trial in range(100):
        ours, theirs = (
            np.repeat(generator.normal(10, 0.2, loads), each)
            + generator.normal(0, 0.1, groups.size)
            for _ in range(2)
        )
        settings = {"seed": trial, "resamples": 200}
        low, high = median_ratio_interval(ours, theirs, groups=groups, **settings)
        by_load += low <= 1 <= high
        low, high = median_ratio_interval(ours, theirs, groups=np.arange(groups.size), **settings)
        by_pair += low <= 1 <= high
    assert by_load / 100 >= 0.88
    assert by_pair / 100 < 0.6


def test_quantile_interval_by_hand() -> None:
    """Two loads of equal samples each: one of the two is drawn, so the interval is both values."""
    samples, groups = [1.0, 1.0, 3.0, 3.0], [0, 0, 1, 1]
    assert tuple(quantile_interval(samples, 0.5, groups=groups)) == (1.0, 3.0)


SHARES = [
    # hits, n, low, high, note
    (10, 10, 0.7225, 1.0, "all of ten: seven of ten are not ruled out"),
    (0, 10, 0.0, 0.2775, "none of ten: the mirror image"),
    (5, 10, 0.2366, 0.7634, "half of ten"),
    (81, 263, 0.2553, 0.3662, "the example of Newcombe 1998, table I"),
]


@pytest.mark.parametrize(("hits", "n", "low", "high", "note"), SHARES)
def test_share_interval(hits: int, n: int, low: float, high: float, note: str) -> None:
    """Wilson's interval has a width at 0 and 1 too."""
    assert tuple(share_interval(hits, n)) == pytest.approx((low, high), abs=1e-4), note


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_no_share(hits: int, n: int) -> None:
    """More hits than samples, or no samples, are no share."""
    with pytest.raises(SamplesError):
        share_interval(hits, n)


def test_one_load_is_refused() -> None:
    """The spread between loads cannot be told from one of them."""
    with pytest.raises(SamplesError, match="two or more"):
        quantile_interval([1.0, 2.0], 0.5, groups=[0, 0])


def test_same_seed_same_interval() -> None:
    """The seed decides the resampling, whatever is drawn at a time."""
    samples = np.random.default_rng(7).normal(size=50)
    assert mean_interval(samples, seed=1) == mean_interval(samples, seed=1)
    assert mean_interval(samples, seed=1) != mean_interval(samples, seed=2)


FAULTY = [
    # samples, note
    ([], "nothing was measured"),
    ([1.0, float("nan")], "a failed measurement is no sample"),
    ([1.0, float("inf")], "nor is an infinite one"),
    ([[1.0], [2.0]], "a table is not a row of samples"),
]
STATISTICS: dict[str, Callable[[Any], object]] = {
    "quantile": lambda samples: quantile(samples, 0.5),
    "mean_interval": mean_interval,
    "unpaired_interval, first": lambda samples: unpaired_interval(samples, [1.0]),
    "unpaired_interval, second": lambda samples: unpaired_interval([1.0], samples),
    "quantile_interval": lambda samples: quantile_interval(samples, 0.5, groups=[0, 1]),
    "median_ratio": lambda samples: median_ratio(samples, samples),
    "median_ratio_interval": lambda samples: median_ratio_interval(samples, samples, groups=[0, 1]),
}


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("samples", [case[0] for case in FAULTY], ids=[case[1] for case in FAULTY])
def test_faulty_samples_are_refused(statistic: str, samples: object) -> None:
    """Every statistic refuses what it cannot be taken of."""
    with pytest.raises(SamplesError):
        STATISTICS[statistic](samples)


def test_unequal_pairs_are_refused() -> None:
    """Pairs of 2 and 3 samples are no pairs."""
    with pytest.raises(SamplesError, match="2 and 3"):
        median_ratio_interval([1.0, 2.0], [1.0, 2.0, 3.0], groups=[0, 1, 2])


def test_ratio_to_zero_is_refused() -> None:
    """A clock too coarse for the model gives no ratio."""
    with pytest.raises(SamplesError, match="zero"):
        median_ratio([1.0], [0.0])
    with pytest.raises(SamplesError, match="zero"):
        median_ratio_interval([1.0, 1.0], [0.0, 1.0], groups=[0, 1])


def test_share_out_of_range_is_refused() -> None:
    """90 is a percentile, not a share."""
    with pytest.raises(SamplesError, match="90"):
        quantile([1.0], 90)
