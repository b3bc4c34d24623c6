"""A track's age: the mean of its crops, with an interval that never shrinks."""

from collections.abc import Sequence

import numpy as np
import pytest

from faceage_edge.fused_age import AgeReading, FusedAge


def fuse(*readings: tuple[AgeReading, float]) -> AgeReading:
    age = FusedAge()
    for reading, quality in readings:
        age = age.add(reading, quality)
    return age.reading()


def test_one_reading_stays_as_it_is() -> None:
    """The first crop's age and interval are the track's."""
    assert fuse((AgeReading(30, 22, 39), 0.5)) == AgeReading(30, 22, 39)


def test_better_crops_count_more() -> None:
    """The age is the mean weighted by quality."""
    fused = fuse((AgeReading(20, 10, 30), 1.0), (AgeReading(50, 40, 60), 0.5))
    assert fused.years == pytest.approx(30)


def test_the_interval_is_the_best_crops_moved_to_the_mean() -> None:
    """Its width and lopsidedness stay those of the best single crop."""
    fused = fuse(
        (AgeReading(20, 5, 40), 0.2),
        (AgeReading(32, 25, 41), 0.8),
        (AgeReading(28, 0.5, 70), 0.2),
    )
    years = (0.2 * 20 + 0.8 * 32 + 0.2 * 28) / 1.2
    found = (fused.years, fused.low, fused.high)
    assert found == pytest.approx((years, years - 7, years + 9))


def test_the_interval_never_gets_narrower_with_more_crops() -> None:
    """After 100 crops it is as wide as that of the best one."""
    random = np.random.default_rng(0)
    readings = [
        (AgeReading(years, years - 8, years + 9), quality)
        for years, quality in zip(
            random.normal(35, 4, 100), random.uniform(0.3, 1, 100), strict=True
        )
    ]
    fused = fuse(*readings)
    assert fused.low is not None
    assert fused.high is not None
    assert fused.high - fused.low == pytest.approx(17)
    assert fused.years == pytest.approx(35, abs=1.5)


@pytest.mark.parametrize(
    ("best", "other", "low", "note"),
    [
        (AgeReading(6, 1, 12), AgeReading(2, 0, 8), 0.0, "moved below 0, stops there"),
        (AgeReading(3, 0, 9), AgeReading(9, 4, 15), 0.0, "stopped at 0 before, is not moved up"),
    ],
)
def test_nobody_is_younger_than_zero(
    best: AgeReading, other: AgeReading, low: float, note: str
) -> None:
    """The lower end stays at 0 or above, on the wide side."""
    assert fuse((best, 0.6), (other, 0.4)).low == low, note


def test_a_model_without_an_interval_gives_none() -> None:
    """No interval of the crops, none of the track."""
    assert fuse((AgeReading(30), 1.0), (AgeReading(40), 1.0)) == AgeReading(35)


def test_adding_makes_a_new_age() -> None:
    """Ages are values; nothing changes under a reader's hands, and an empty one says so."""
    empty = FusedAge()
    empty.add(AgeReading(30), 1.0)
    with pytest.raises(ValueError, match="no reading"):
        empty.reading()


def test_every_reading_counts() -> None:
    """Also one that is worse than many before: an age of the few best would be of one moment."""
    age = FusedAge()
    for _ in range(30):
        age = age.add(AgeReading(40), 0.9)
    assert age.add(AgeReading(10), 0.3).reading().years == pytest.approx((40 * 90 + 10) / 91)


def _read(years: Sequence[float], quality: float = 0.5) -> FusedAge:
    age = FusedAge()
    for one in years:
        age = age.add(AgeReading(one), quality)
    return age


@pytest.mark.parametrize(
    ("settled", "open_", "note"),
    [
        ((_read([30] * 12), 0.5), (_read([30] * 3), 0.5), "few readings"),
        ((_read([30, 31] * 6), 0.5), (_read([25, 36] * 6), 0.5), "scattered readings"),
        ((_read([30, 31] * 6), 0.5), (_read([30, 31] * 6), 0.9), "a better crop"),
        ((_read([30, 31] * 6, 0.9), 0.5), (_read([30, 31] * 6, 0.1), 0.5), "bad crops before"),
        ((_read([30, 33] * 6), 0.5), (_read([30, 30]), 0.5), "two that happen to agree"),
    ],
)
def test_a_reading_is_worth_what_it_would_change(
    settled: tuple[FusedAge, float], open_: tuple[FusedAge, float], note: str
) -> None:
    """More where the age is made of little, of bad crops, or of readings that differ."""
    assert open_[0].worth(open_[1]) > 1.2 * settled[0].worth(settled[1]), note


def test_worth_is_in_years() -> None:
    """Of 99 readings six years off to either side, one more moves the mean by 6/100 of a year."""
    # What readings usually differ by counts as one of the hundred, which is 0.5 % of the deviation.
    assert _read([29, 41] * 49 + [35]).worth(0.5) == pytest.approx(0.06, rel=0.02)


def test_jitter_is_the_readings_own_deviation() -> None:
    """None for one reading, then the weighted standard deviation; it narrows no interval."""
    age = FusedAge().add(AgeReading(30, 20, 40), 1.0)
    assert age.jitter is None
    age = age.add(AgeReading(36, 20, 40), 1.0)
    assert age.jitter == pytest.approx(3)
